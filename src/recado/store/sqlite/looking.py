"""Looking at notifications and deliveries in SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from recado.domain.delivery import Attempt, State
from recado.domain.notification import Action, Changes, Progress
from recado.domain.reference import ConversationKey, Health
from recado.store.port import Backlog, DeliveryDetail, NotificationDetail
from recado.store.queries import load_queries
from recado.store.sqlite import changing, pauses, rows

_SQL = load_queries("sqlite", "looking")


def progress(db: sqlite3.Connection, notification_id: str) -> Progress | None:
    row = db.execute(_SQL["notification"], (notification_id,)).fetchone()
    if row is None:
        return None
    counts: dict[State, int] = {}
    for state, many in db.execute(_SQL["counts"], {"number": row["number"]}):
        counts[State(state)] = counts.get(State(state), 0) + many
    return Progress(
        notification_id=notification_id,
        accepted_at=rows.instant(row["accepted_at"]),
        expanded=_expanded(row),
        counts=counts,
        changes=_changes(db, row),
    )


def settled(db: sqlite3.Connection, notification_id: str) -> bool | None:
    row = db.execute(_SQL["notification"], (notification_id,)).fetchone()
    if row is None:
        return None
    return _expanded(row) and not db.execute(_SQL["unsettled"], (row["number"],)).fetchone()[0]


def _expanded(row: sqlite3.Row) -> bool:
    return row["expand_after"] is None and row["copies_after"] is None


def notification(db: sqlite3.Connection, notification_id: str) -> NotificationDetail | None:
    row = db.execute(_SQL["notification"], (notification_id,)).fetchone()
    if row is None:
        return None
    not_made = 0
    if row["cancelled_after"] is not None:
        cut = (row["bot"], row["cancelled_after"], row["expand_until"])
        (not_made,) = db.execute(_SQL["not_made"], cut).fetchone()
    return NotificationDetail(
        id=row["id"],
        bot=row["bot"],
        audience=tuple(json.loads(row["audience"])),
        content=row["content"],
        handler=row["handler"],
        accepted_at=rows.instant(row["accepted_at"]),
        due_at=rows.instant(row["due_at"]),
        expires_at=rows.maybe_instant(row["expires_at"]),
        cancelled_at=rows.maybe_instant(row["cancelled_at"]),
        not_made=not_made,
        pauses=tuple(pauses.of_notification(db, row["bot"], row["id"])),
    )


def _changes(db: sqlite3.Connection, row: sqlite3.Row) -> Changes | None:
    if row["target"] is None:
        return None
    return changing.tally(db, row["number"], Action(row["action"]), row["target"])


def delivery(db: sqlite3.Connection, delivery_id: str) -> DeliveryDetail | None:
    row = db.execute(_SQL["delivery"], {"id": delivery_id}).fetchone()
    if row is None:
        return None
    attempts = db.execute(_SQL["attempts"], (delivery_id,)).fetchall()
    state = State(row["state"])
    ahead = None
    if state.in_lane:
        place = {name: row[name] for name in ("reference", "rank", "entry", "id")}
        (ahead,) = db.execute(_SQL["ahead"], place).fetchone()
    return DeliveryDetail(
        delivery=rows.delivery(row, attempts[-1] if attempts else None),
        conversation=ConversationKey(
            bot=row["bot"], channel=row["channel"], conversation_id=row["conversation_id"]
        ),
        attempts=_attempts(row, attempts),
        content=row["content"],
        handler=row["handler"],
        ahead=ahead,
        health=Health(row["health"]),
        pauses=tuple(pauses.of_delivery(db, delivery_id)),
        stopped=bool(row["stopped"]),
        decided_by=row["decided_by"],
        action=Action(row["action"]),
        target=row["target"],
    )


def _attempts(row: sqlite3.Row, recorded: Sequence[sqlite3.Row]) -> tuple[Attempt, ...]:
    """Attempts with rows of their own, and the one that delivered if it has none."""
    made = [rows.attempt(each) for each in recorded]
    known = {(each.number, each.started_at) for each in made}
    last = [each for each in rows.last_attempt(row) if (each.number, each.started_at) not in known]
    return (*made, *last)


def backlog(db: sqlite3.Connection) -> Backlog:
    totals = db.execute(_SQL["totals"]).fetchone()
    (oldest,) = db.execute(_SQL["oldest"]).fetchone()
    return Backlog(
        waiting={State(row["state"]): row["many"] for row in db.execute(_SQL["backlog"])},
        oldest_due=rows.maybe_instant(oldest),
        references=totals["reference_count"],
        expanding=totals["expanding"],
    )
