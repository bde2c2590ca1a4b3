"""Looking at deliveries in SQLite, and steering single ones."""

from __future__ import annotations

import sqlite3
from typing import Any

from recado.domain.delivery import Delivery, State, check_transition
from recado.domain.notification import Progress
from recado.domain.reference import ConversationKey, Health
from recado.errors import TransitionRefused, UnknownDelivery
from recado.store.port import Backlog, DeliveryDetail, DeliveryFilter, Page
from recado.store.queries import load_queries
from recado.store.sqlite import lanes, rows

_SQL = load_queries("sqlite", "looking")

#: Sorts after every id.
_LAST_ID = "g"


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
        expanded=row["expand_after"] is None,
        counts=counts,
    )


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
        attempts=tuple(rows.attempt(each) for each in attempts),
        content=row["content"],
        handler=row["handler"],
        ahead=ahead,
        health=Health(row["health"]),
    )


def deliveries(
    db: sqlite3.Connection, wanted: DeliveryFilter, after: str | None, limit: int
) -> Page[Delivery]:
    cut: dict[str, Any] = {
        "before": after or _LAST_ID,
        "limit": limit + 1,
        "state": wanted.state and str(wanted.state),
        "notification": None,
        "reference": None,
    }
    for name, identity, number_of in (
        ("notification", wanted.notification_id, _SQL["notification_number"]),
        ("reference", wanted.reference_id, _SQL["reference_number"]),
    ):
        if identity is not None:
            found = db.execute(number_of, (identity,)).fetchone()
            if found is None:
                return Page(items=[], next=None)
            cut[name] = found[0]
    page = db.execute(_SQL["deliveries"], cut).fetchall()
    shown = page[:limit]
    ids = rows.dumps([row["id"] for row in shown])
    last = {row["delivery"]: row for row in db.execute(_SQL["last_attempts"], {"ids": ids})}
    return Page(
        items=[rows.delivery(row, last.get(row["id"])) for row in shown],
        next=shown[-1]["id"] if len(page) > limit else None,
    )


def retry(db: sqlite3.Connection, delivery_id: str, now: int) -> None:
    state, lane = _state(db, delivery_id)
    if state is State.RETRYING:
        db.execute(_SQL["ready_now"], (now, lane, delivery_id))
    elif state is State.REJECTED:
        lanes.revive(db, delivery_id, now)
    elif state in (State.UNKNOWN, State.HELD):
        lanes.enter_waiting(db, [delivery_id], now)
    else:
        raise TransitionRefused(
            f"Delivery {delivery_id} is {state}: only rejected, unknown, held and retrying "
            "deliveries can be retried."
        )


def cancel(db: sqlite3.Connection, delivery_id: str, now: int) -> None:
    state, lane = _state(db, delivery_id)
    if state is State.SENDING:
        raise TransitionRefused(
            f"Delivery {delivery_id} is being sent right now: see what became of it in a moment."
        )
    check_transition(state, State.CANCELLED)
    lanes.finish(db, [(delivery_id, State.CANCELLED, "cancelled", now)])
    lanes.leave(db, delivery_id, lane, now)


def _state(db: sqlite3.Connection, delivery_id: str) -> tuple[State, int]:
    row = db.execute(_SQL["state"], {"id": delivery_id}).fetchone()
    if row is None:
        raise UnknownDelivery(
            f"There is no delivery {delivery_id}: `recado deliveries list` shows them."
        )
    return State(row["state"]), row["reference"]


def backlog(db: sqlite3.Connection) -> Backlog:
    totals = db.execute(_SQL["totals"]).fetchone()
    (oldest,) = db.execute(_SQL["oldest"]).fetchone()
    return Backlog(
        waiting={State(row["state"]): row["many"] for row in db.execute(_SQL["backlog"])},
        oldest_due=rows.maybe_instant(oldest),
        references=totals["reference_count"],
        expanding=totals["expanding"],
    )
