"""Looking at notifications and deliveries."""

from __future__ import annotations

import json
from collections.abc import Sequence

from recado.domain.audience import Subscribers, audience_of
from recado.domain.delivery import Attempt, State
from recado.domain.notification import Action, Changes, Progress
from recado.domain.politeness import Rules
from recado.domain.politeness.chain import Link
from recado.domain.reference import ConversationKey, Health
from recado.store.port import Backlog, DeliveryDetail, NotificationDetail
from recado.store.session import Row, Session, statements
from recado.store.verbs import changing, gate, pauses, rows, schedules

_SQL = statements("looking")


async def progress(db: Session, notification_id: str) -> Progress | None:
    row = await db.first(_SQL["notification"], (notification_id,))
    if row is None:
        return None
    counts: dict[State, int] = {}
    for state, many in await db.all(_SQL["counts"], {"number": row["number"]}):
        counts[State(state)] = counts.get(State(state), 0) + many
    return Progress(
        notification_id=notification_id,
        accepted_at=rows.instant(row["accepted_at"]),
        expanded=_expanded(row),
        counts=counts,
        changes=await _changes(db, row),
    )


async def settled(db: Session, notification_id: str) -> bool | None:
    row = await db.first(_SQL["notification"], (notification_id,))
    if row is None:
        return None
    return _expanded(row) and not await db.value(_SQL["unsettled"], (row["number"],))


def _expanded(row: Row) -> bool:
    return row["expand_after"] is None and row["copies_after"] is None


async def notification(db: Session, notification_id: str) -> NotificationDetail | None:
    row = await db.first(_SQL["notification"], (notification_id,))
    if row is None:
        return None
    not_made = 0
    if row["cancelled_after"] is not None:
        cut = (row["cancelled_after"], row["expand_until"])
        if isinstance(audience_of(json.loads(row["audience"])), Subscribers):
            not_made = await db.value(_SQL["subscribers_not_made"], (row["expand_within"], *cut))
        else:
            not_made = await db.value(_SQL["not_made"], (row["bot"], *cut))
    return NotificationDetail(
        id=row["id"],
        bot=row["bot"],
        audience=tuple(json.loads(row["audience"])),
        content=row["content"],
        handler=row["handler"],
        category=row["category"],
        accepted_at=rows.instant(row["accepted_at"]),
        due_at=rows.instant(row["due_at"]),
        expires_at=rows.maybe_instant(row["expires_at"]),
        cancelled_at=rows.maybe_instant(row["cancelled_at"]),
        not_made=not_made,
        pauses=tuple(await pauses.of_notification(db, row["bot"], row["id"])),
    )


async def _changes(db: Session, row: Row) -> Changes | None:
    if row["target"] is None:
        return None
    return await changing.tally(db, row["number"], Action(row["action"]), row["target"])


async def delivery(db: Session, delivery_id: str, rules: Rules, now: int) -> DeliveryDetail | None:
    row = await db.first(_SQL["delivery"], {"id": delivery_id})
    if row is None:
        return None
    attempts = await db.all(_SQL["attempts"], (delivery_id,))
    state = State(row["state"])
    ahead = None
    if state.in_lane:
        place = {name: row[name] for name in ("reference", "rank", "entry", "id")}
        ahead = await db.value(_SQL["ahead"], place)
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
        pauses=tuple(await pauses.of_delivery(db, delivery_id)),
        stopped=bool(row["stopped"]),
        decided_by=row["decided_by"],
        action=Action(row["action"]),
        target=row["target"],
        said=tuple(await _said(db, delivery_id, rules, now)),
        occurrence=await schedules.firing_of(db, row["notification_id"]),
    )


async def _said(db: Session, delivery_id: str, rules: Rules, now: int) -> Sequence[Link]:
    """What the checks of politeness say of a delivery, if it waits."""
    found = await db.first(_SQL["leaving"], (delivery_id,))
    if found is None:
        return ()
    id_, lane, priority, is_group, maybe_sent, *manner = found
    waiting = gate.Leaving(
        id_, lane, priority, bool(is_group), bool(maybe_sent), gate.Manner(*manner)
    )
    return await gate.tell(db, waiting, rules, now)


def _attempts(row: Row, recorded: Sequence[Row]) -> tuple[Attempt, ...]:
    """Attempts with rows of their own, and the one that delivered if it has none."""
    made = [rows.attempt(each) for each in recorded]
    known = {(each.number, each.started_at) for each in made}
    last = [each for each in rows.last_attempt(row) if (each.number, each.started_at) not in known]
    return (*made, *last)


async def backlog(db: Session) -> Backlog:
    totals = await db.one(_SQL["totals"])
    oldest = await db.value(_SQL["oldest"])
    return Backlog(
        waiting={State(row["state"]): row["many"] for row in await db.all(_SQL["backlog"])},
        oldest_due=rows.maybe_instant(oldest),
        references=totals["reference_count"],
        expanding=totals["expanding"],
    )
