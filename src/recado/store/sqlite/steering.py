"""Steering in SQLite: what people decide about deliveries, one or up to a step of them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence

from recado.domain.delivery import State, check_transition
from recado.domain.steering import RETRIABLE, Cancelled, Retried, when_cancelled
from recado.errors import TransitionRefused, UnknownDelivery, UnknownNotification
from recado.store.queries import load_queries
from recado.store.sqlite import lanes, rows

_SQL = load_queries("sqlite", "steering")


# -- one -------------------------------------------------------------------------------------


def retry(db: sqlite3.Connection, delivery_id: str, now: int) -> None:
    """See the port."""
    state, _ = _state(db, delivery_id)
    if state not in RETRIABLE:
        raise TransitionRefused(
            f"Delivery {delivery_id} is {state}: only rejected, unknown, held and retrying "
            "deliveries can be retried."
        )
    retry_many(db, [delivery_id], now)


def cancel(db: sqlite3.Connection, delivery_id: str, now: int, by: str | None = None) -> None:
    """See the port."""
    state, lane = _state(db, delivery_id)
    if state is State.SENDING:
        raise TransitionRefused(
            f"Delivery {delivery_id} is being sent right now: see what became of it in a moment."
        )
    check_transition(state, State.CANCELLED)
    if state is not State.UNKNOWN:
        cancel_many(db, [delivery_id], now, by)  # what may have arrived is not called cancelled
        return
    _end(db, [_cancelled(delivery_id, now)], by)
    lanes.leave(db, delivery_id, lane, now)


def mark_delivered(db: sqlite3.Connection, delivery_id: str, now: int, by: str | None) -> None:
    """See the port."""
    state, _ = _state(db, delivery_id)
    if state is not State.UNKNOWN:
        raise TransitionRefused(
            f"Delivery {delivery_id} is {state}: only those that are unknown can be marked as "
            "delivered."
        )
    _end(db, [lanes.Ending(delivery_id, State.DELIVERED, "marked", now)], by)


def _cancelled(delivery_id: str, now: int) -> lanes.Ending:
    return lanes.Ending(delivery_id, State.CANCELLED, "cancelled", now)


def _state(db: sqlite3.Connection, delivery_id: str) -> tuple[State, int]:
    row = db.execute(_SQL["state"], {"id": delivery_id}).fetchone()
    if row is None:
        raise UnknownDelivery(
            f"There is no delivery {delivery_id}: `recado deliveries list` shows them."
        )
    return State(row["state"]), row["reference"]


def _end(db: sqlite3.Connection, endings: Sequence[lanes.Ending], by: str | None) -> None:
    lanes.finish(db, endings)
    if by is not None:
        ids = rows.dumps([each.id for each in endings])
        db.execute(_SQL["decided"], {"by": rows.clean(by), "ids": ids})


# -- many ------------------------------------------------------------------------------------


def retry_many(db: sqlite3.Connection, ids: Sequence[str], now: int) -> Retried:
    """Let those of *ids* that can be retried enter their lanes, in this order."""
    named = rows.dumps(list(ids))
    live = db.execute(_SQL["live"], (named,)).fetchall()
    lane_of = {row["id"]: row["reference"] for row in live}
    states = {row["id"]: State(row["state"]) for row in live}
    rejected = [row[0] for row in db.execute(_SQL["rejected"], (named,))]
    states.update(dict.fromkeys(rejected, State.REJECTED))
    wanted = [each for each in ids if states.get(each) in RETRIABLE]
    if rejected:
        db.execute(_SQL["revive"], (rows.dumps(rejected),))
        db.execute(_SQL["forget_history"], (rows.dumps(rejected),))
    db.execute(_SQL["go_on"], (rows.dumps(wanted),))
    soon = [each for each in wanted if states[each] is State.RETRYING]
    db.executemany(_SQL["ready_now"], [(now, lane_of[each], each) for each in soon])
    lanes.enter_waiting(db, [each for each in wanted if states[each] is not State.RETRYING], now)
    return Retried(counts=Counter(states[each] for each in wanted))


def cancel_many(db: sqlite3.Connection, ids: Sequence[str], now: int, by: str | None) -> Cancelled:
    """End those of *ids* that have not left, and see that the others are not tried again."""
    found = db.execute(_SQL["live"], (rows.dumps(list(ids)),)).fetchall()
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
    _end(db, [_cancelled(each, now) for each in ending], by)
    db.execute(_SQL["park"], (rows.dumps(parked),))
    db.execute(_SQL["stop"], {"now": now, "ids": rows.dumps(sending)})
    left = {*ending, *parked}
    standing = [
        row["reference"] for row in found if row["id"] in left and State(row["state"]).in_lane
    ]
    _leave(db, sorted(left), sorted(set(standing)), now)
    return Cancelled(cancelled=len(ending), sending=len(sending), maybe=len(parked) + unknown)


def _leave(db: sqlite3.Connection, ids: Sequence[str], standing: Sequence[int], now: int) -> None:
    """As :func:`lanes.leave`, for many at once."""
    if standing:
        left = {"now": now, "lanes": rows.dumps(standing), "ids": rows.dumps(ids)}
        db.execute(_SQL["behead"], left)
        lanes.tidy(db, standing)


def end_expansion(db: sqlite3.Connection, notification_id: str, now: int) -> None:
    """See the port."""
    ended = db.execute(_SQL["end_expansion"], {"now": now, "id": notification_id})
    if ended.rowcount == 0:
        raise UnknownNotification(f"There is no notification {notification_id}.")


def of_key(db: sqlite3.Connection, bot: str, scope: str, key: str) -> str | None:
    """The notification accepted under an idempotency key."""
    row = db.execute(_SQL["of_key"], (bot, scope, key)).fetchone()
    return None if row is None else str(row["id"])
