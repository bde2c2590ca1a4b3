"""Lanes in SQLite: entering, leaving, and ending.

A lane is a row of ``recado_lane`` for as long as a conversation has deliveries standing in it.
Every way in and out goes through here, so that the rows agree.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from recado.domain.delivery import State
from recado.store.queries import load_queries
from recado.store.sqlite.rows import dumps

_SQL = load_queries("sqlite", "lanes")


def take_numbers(db: sqlite3.Connection, name: str, count: int = 1) -> int:
    """The first of *count* numbers nobody else gets."""
    (last,) = db.execute(_SQL["take_numbers"], {"name": name, "count": count}).fetchone()
    return int(last) - count + 1


def enter(db: sqlite3.Connection, lanes: Sequence[int], priority: int, now: int) -> None:
    """Make room for deliveries that were inserted as pending."""
    if lanes:
        db.execute(_SQL["enter"], {"lanes": dumps(lanes), "priority": priority, "now": now})


def let_in(db: sqlite3.Connection, ids: Sequence[str], now: int) -> int:
    """Have what waited outside enter its lane, unless the conversation is gone; how many did.

    What is for a conversation that is gone waits for its return.
    """
    return enter_waiting(db, hold_for_the_gone(db, ids), now)


def hold_for_the_gone(db: sqlite3.Connection, ids: Sequence[str]) -> list[str]:
    """Hold what is for a conversation that is gone; the others."""
    gone = {row[0] for row in db.execute(_SQL["for_the_gone"], (dumps(ids),))}
    db.executemany(_SQL["hold"], [(each,) for each in ids if each in gone])
    return [each for each in ids if each not in gone]


def enter_waiting(db: sqlite3.Connection, ids: Sequence[str], now: int) -> int:
    """Let live deliveries that waited outside enter their lanes at the end, in this order."""
    if ids:
        first = take_numbers(db, "entry", len(ids))
        db.executemany(_SQL["make_pending"], zip(range(first, first + len(ids)), ids, strict=True))
        enter_again(db, ids, now)
    return len(ids)


def enter_again(db: sqlite3.Connection, ids: Sequence[str], now: int) -> None:
    """Make room for live deliveries that have become pending."""
    db.execute(_SQL["enter_held"], {"ids": dumps(ids), "now": now})


def release_unreachable(db: sqlite3.Connection, lane: int, now: int) -> int:
    """The conversation is back: what was held for it enters its lane."""
    return enter_waiting(db, [row[0] for row in db.execute(_SQL["unreachable"], (lane,))], now)


def hold_unreachable(db: sqlite3.Connection, lane: int) -> None:
    """The conversation is gone: what stands in its lane waits for its return."""
    db.execute(_SQL["hold_standing"], (lane,))
    db.execute(_SQL["behead_free"], (lane,))
    tidy(db, [lane])


def hold_gone(db: sqlite3.Connection, lanes: Sequence[int]) -> set[int]:
    """Hold what stands in those of *lanes* whose conversation is gone; which these are.

    For deliveries that come back from sending: the conversation may have gone meanwhile.
    """
    gone = {row[0] for row in db.execute(_SQL["gone"], (dumps(lanes),))} if lanes else set()
    for lane in gone:
        hold_unreachable(db, lane)
    return gone


class Ending(NamedTuple):
    """How a delivery ended; what follows *at* is known of one that was sent."""

    id: str
    state: State
    reason: str | None
    at: int
    activity_id: str | None = None
    status: int | None = None
    #: Whose last attempt it was, when its history tells everything about that.
    owner: str | None = None


def finish(db: sqlite3.Connection, endings: Sequence[Ending]) -> None:
    """Move deliveries to history."""
    if not endings:
        return
    # Mostly all of them end alike, and what they have in common need not be taken out of JSON.
    alike: dict[tuple[State, str | None, int | None, str | None], dict[str, Any]] = {}
    for id_, state, reason, at, activity_id, status, owner in endings:
        alike.setdefault((state, reason, status, owner), {})[id_] = (at, activity_id)
    for (state, reason, status, owner), ended in alike.items():
        shared = {"state": str(state), "reason": reason, "status": status, "owner": owner}
        db.execute(_SQL["finish"], {"ended": dumps(ended), **shared})
    db.execute(_SQL["forget_live"], (dumps([each.id for each in endings]),))


def free(db: sqlite3.Connection, lanes: Iterable[int], now: int) -> None:
    """Give lanes back: whatever stands first in them may go at once."""
    freed = set(lanes)
    if not freed:
        return
    named = dumps(list(freed))
    if db.execute(_SQL["drop_freed"], (named,)).rowcount == len(freed):
        return  # nothing stands in any of them, as mostly
    db.execute(_SQL["free"], {"now": now, "lanes": named})
    db.execute(_SQL["rank_again"], (named,))


def free_keeping_head(db: sqlite3.Connection, lanes: Sequence[tuple[int, int]]) -> None:
    """Give lanes back whose head will be retried. Each is (when, lane)."""
    if lanes:
        db.executemany(_SQL["free_keeping_head"], lanes)
        tidy(db, [lane for _, lane in lanes])


def put_off(db: sqlite3.Connection, lanes: Sequence[tuple[int, int]]) -> None:
    """Give lanes back that may not go on before a certain time. Each is (when, lane)."""
    db.executemany(_SQL["put_off"], lanes)
    tidy(db, [lane for _, lane in lanes])


def leave(db: sqlite3.Connection, delivery_id: str, lane: int, now: int) -> None:
    """A delivery that nobody was sending has left its lane for good."""
    db.execute(_SQL["behead"], (now, lane, delivery_id))
    tidy(db, [lane])


def tidy(db: sqlite3.Connection, lanes: Sequence[int]) -> None:
    """Remove empty lanes and rank the others by what stands first in them now."""
    if not lanes:
        return
    named = dumps(lanes)
    db.execute(_SQL["drop_empty"], (named,))
    db.execute(_SQL["rank_again"], (named,))
