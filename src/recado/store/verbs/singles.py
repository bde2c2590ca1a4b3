"""Acceptance of several notifications at once, each of them for one conversation.

Callers that notify at the same moment share a commit; here they share its statements too, because
a statement costs more than the row it writes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from recado.domain.audience import Broadcast, written
from recado.domain.delivery import HeldReason, State
from recado.domain.expecting import is_expected
from recado.domain.ids import new_ids
from recado.domain.notification import Action, Notification
from recado.domain.reference import Health, Reference
from recado.domain.standing import begins
from recado.store.port import Accepted
from recado.store.session import Session, statements
from recado.store.verbs import lanes, rows

_SQL = statements("singles")

Single = tuple[Notification, Reference]


def is_single(notification: Notification, recipients: Sequence[Reference]) -> bool:
    """Whether it is the usual kind: something to say now, in one conversation, and no more."""
    return (
        len(recipients) == 1
        and notification.action is Action.SEND
        and not isinstance(notification.audience, Broadcast)
        and notification.content is not None
        and notification.due_at <= notification.accepted_at
        and notification.key is None
        and notification.once is None
        and notification.collapse_key is None
        and notification.after_turn is None
        and notification.mode == "now"
        and notification.watch is None
        and notification.question is None
        and not is_expected(recipients[0].key)
    )


async def accept(db: Session, asked: Sequence[Single]) -> list[Accepted | None]:
    """Commit notifications that :func:`is_single`; what becomes of each is in the port.

    Those for a conversation that somebody else holds are left out (None), so that the others do
    not wait for them.
    """
    free = await db.hold_free(lane.number for _, lane in asked)
    accepted = iter(await _accept(db, [each for each in asked if each[1].number in free]))
    return [next(accepted) if lane.number in free else None for _, lane in asked]


async def _accept(db: Session, singles: Sequence[Single]) -> list[Accepted]:
    if not singles:
        return []
    await _insert(db, singles)
    ids = new_ids(len(singles))
    states = await _states(db, [lane.number for _, lane in singles])
    made = {
        delivery_id: (notification.id, lane.number, *states[lane.number])
        for delivery_id, (notification, lane) in zip(ids, singles, strict=True)
    }
    await db.run(_SQL["insert_deliveries"], (rows.dumps(made),))
    entering: dict[tuple[int, int], list[int]] = {}
    for notification, lane in singles:
        if states[lane.number][0] is State.PENDING:
            since = int(notification.priority), rows.micros(notification.accepted_at)
            entering.setdefault(since, []).append(lane.number)
    for (priority, now), numbers in entering.items():
        await lanes.enter(db, numbers, priority, now)
    return [
        Accepted(
            notification_id=notification.id,
            delivery_ids=(delivery_id,),
            accepted_at=notification.accepted_at,
        )
        for delivery_id, (notification, _) in zip(ids, singles, strict=True)
    ]


async def _insert(db: Session, singles: Sequence[Single]) -> None:
    first = await lanes.take_numbers(db, "entry", len(singles))
    alike: dict[tuple[Any, ...], dict[str, tuple[Any, ...]]] = {}
    for entry, (each, _) in enumerate(singles, first):
        assert each.content is not None  # noqa: S101 - is_single has looked
        shared = each.bot, int(each.priority), str(each.on_unknown), each.mode, each.category
        alike.setdefault(shared, {})[each.id] = (
            rows.dumps(written(each.audience)),
            each.content.json,
            rows.maybe_dumps(each.user),
            rows.micros(each.accepted_at),
            rows.micros(each.due_at),
            rows.maybe_micros(each.expires_at),
            entry,
            rows.maybe_micros(each.asked_at),
        )
    for (bot, priority, on_unknown, mode, category), some in alike.items():
        told = {
            "bot": bot,
            "priority": priority,
            "on_unknown": on_unknown,
            "mode": mode,
            "category": category,
        }
        await db.run(_SQL["insert"], {"notifications": rows.dumps(some), **told})


async def _states(
    db: Session, numbers: Sequence[int]
) -> dict[int, tuple[State, HeldReason | None]]:
    """Where a delivery begins in each of these lanes."""
    found = await db.value(_SQL["healths"], (rows.dumps(numbers),))
    return {
        number: begins(due=True, in_own_turn=False, reachable=Health(health).reachable)
        for number, health in json.loads(found)
    }
