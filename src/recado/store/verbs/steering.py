"""Steering: what people decide about deliveries, one or up to a step of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from recado.domain.delivery import State, check_transition
from recado.domain.steering import RETRIABLE, Cancelled, Retried, when_cancelled
from recado.errors import TransitionRefused, UnknownDelivery, UnknownNotification
from recado.store.session import Session, held, statements
from recado.store.verbs import lanes, rows

_SQL = statements("steering")


# -- one -------------------------------------------------------------------------------------


async def retry(db: Session, delivery_id: str, now: int) -> None:
    """See the port."""
    state, _ = await _state(db, delivery_id)
    if state not in RETRIABLE:
        raise TransitionRefused(
            f"Delivery {delivery_id} is {state}: only rejected, unknown, held and retrying "
            "deliveries can be retried."
        )
    await retry_many(db, [delivery_id], now)


async def cancel(db: Session, delivery_id: str, now: int, by: str | None = None) -> None:
    """See the port."""
    state, lane = await _state(db, delivery_id)
    if state is State.SENDING:
        raise TransitionRefused(
            f"Delivery {delivery_id} is being sent right now: see what became of it in a moment."
        )
    check_transition(state, State.CANCELLED)
    if state is not State.UNKNOWN:
        await cancel_many(
            db, [delivery_id], now, by
        )  # what may have arrived is not called cancelled
        return
    await _end(db, [_cancelled(delivery_id, now)], by)
    await lanes.leave(db, delivery_id, lane, now)


async def mark_delivered(db: Session, delivery_id: str, now: int, by: str | None) -> None:
    """See the port."""
    state, _ = await _state(db, delivery_id)
    if state is not State.UNKNOWN:
        raise TransitionRefused(
            f"Delivery {delivery_id} is {state}: only those that are unknown can be marked as "
            "delivered."
        )
    await _end(db, [lanes.Ending(delivery_id, State.DELIVERED, "marked", now)], by)


def _cancelled(delivery_id: str, now: int) -> lanes.Ending:
    return lanes.Ending(delivery_id, State.CANCELLED, "cancelled", now)


async def _state(db: Session, delivery_id: str) -> tuple[State, int]:
    """Where a delivery is; it stays there as long as the transaction lasts."""
    found = await held(db, _SQL["state"], {"id": delivery_id})
    if not found:
        raise UnknownDelivery(
            f"There is no delivery {delivery_id}: `recado deliveries list` shows them."
        )
    return State(found[0]["state"]), found[0]["reference"]


async def _end(db: Session, endings: Sequence[lanes.Ending], by: str | None) -> None:
    await lanes.finish(db, endings)
    if by is not None:
        ids = rows.dumps([each.id for each in endings])
        await db.run(_SQL["decided"], {"by": rows.clean(by), "ids": ids})


# -- many ------------------------------------------------------------------------------------


async def retry_many(db: Session, ids: Sequence[str], now: int) -> Retried:
    """Let those of *ids* that can be retried enter their lanes, in this order."""
    named = rows.dumps(list(ids))
    gone = await held(db, _SQL["rejected"], (named,))
    live = await held(db, _SQL["live"], (named,))
    lane_of = {row["id"]: row["reference"] for row in live}
    states = {row["id"]: State(row["state"]) for row in live}
    rejected = [row["id"] for row in gone]
    states.update(dict.fromkeys(rejected, State.REJECTED))
    wanted = [each for each in ids if states.get(each) in RETRIABLE]
    if rejected:
        await db.run(_SQL["revive"], (rows.dumps(rejected),))
        await db.run(_SQL["forget_history"], (rows.dumps(rejected),))
    await db.run(_SQL["go_on"], (rows.dumps(wanted),))
    soon = [each for each in wanted if states[each] is State.RETRYING]
    await db.run_many(_SQL["ready_now"], [(now, lane_of[each], each) for each in soon])
    await lanes.enter_waiting(
        db, [each for each in wanted if states[each] is not State.RETRYING], now
    )
    return Retried(counts=Counter(states[each] for each in wanted))


async def cancel_many(db: Session, ids: Sequence[str], now: int, by: str | None) -> Cancelled:
    """End those of *ids* that have not left, and see that the others are not tried again."""
    found = await held(db, _SQL["live"], (rows.dumps(list(ids)),))
    ending: list[str] = []
    parked: list[str] = []
    sending: list[str] = []
    unknown = 0
    for row in found:
        state = State(row["state"])
        after = when_cancelled(state, maybe_sent=bool(row["maybe_sent"]))
        if after is State.CANCELLED:
            ending.append(row["id"])
        elif after is State.UNKNOWN:
            parked.append(row["id"])
        elif state is State.SENDING:
            sending.append(row["id"])
        else:
            unknown += 1
    await _end(db, [_cancelled(each, now) for each in ending], by)
    await db.run(_SQL["park"], (rows.dumps(parked),))
    await db.run(_SQL["stop"], {"now": now, "ids": rows.dumps(sending)})
    left = {*ending, *parked}
    standing = [
        row["reference"] for row in found if row["id"] in left and State(row["state"]).in_lane
    ]
    await _leave(db, sorted(left), sorted(set(standing)), now)
    return Cancelled(cancelled=len(ending), sending=len(sending), maybe=len(parked) + unknown)


async def _leave(db: Session, ids: Sequence[str], standing: Sequence[int], now: int) -> None:
    """As :func:`lanes.leave`, for many at once."""
    if standing:
        left = {"now": now, "lanes": rows.dumps(standing), "ids": rows.dumps(ids)}
        await db.run(_SQL["behead"], left)
        await lanes.tidy(db, standing)


async def end_expansion(db: Session, notification_id: str, now: int) -> None:
    """See the port."""
    ended = await db.run(_SQL["end_expansion"], {"now": now, "id": notification_id})
    if ended == 0:
        raise UnknownNotification(f"There is no notification {notification_id}.")


async def of_key(db: Session, bot: str, scope: str, key: str) -> str | None:
    """The notification accepted under an idempotency key."""
    row = await db.first(_SQL["of_key"], (bot, scope, key))
    return None if row is None else str(row["id"])
