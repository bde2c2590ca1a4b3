"""Lanes in SQLite: entering, leaving, and ending.

A lane is a row of ``recado_lane`` for as long as a conversation has deliveries standing in it.
Every way in and out goes through here, so that the rows agree.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

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
    db.execute(_SQL["enter"], {"lanes": dumps(lanes), "priority": priority, "now": now})


def let_in(db: sqlite3.Connection, ids: Sequence[str], now: int) -> int:
    """Have what waited outside enter its lane, unless the conversation is gone; how many did.

    What is for a conversation that is gone waits for its return.
    """
    gone = {row[0] for row in db.execute(_SQL["for_the_gone"], (dumps(ids),))}
    db.executemany(_SQL["hold"], [(each,) for each in ids if each in gone])
    return enter_waiting(db, [each for each in ids if each not in gone], now)


def enter_waiting(db: sqlite3.Connection, ids: Sequence[str], now: int) -> int:
    """Let live deliveries that waited outside enter their lanes at the end, in this order."""
    if ids:
        first = take_numbers(db, "entry", len(ids))
        db.executemany(_SQL["make_pending"], zip(range(first, first + len(ids)), ids, strict=True))
        db.execute(_SQL["enter_held"], {"ids": dumps(ids), "now": now})
    return len(ids)


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


def finish(db: sqlite3.Connection, endings: Iterable[tuple[str, State, str | None, int]]) -> None:
    """Move deliveries to history. Each ending is (id, final state, reason, when)."""
    ended = [(each, str(state), reason, at) for each, state, reason, at in endings]
    if ended:
        named = dumps(ended)
        db.execute(_SQL["finish"], (named,))
        db.execute(_SQL["forget_live"], (named,))


def revive(db: sqlite3.Connection, delivery_id: str, now: int) -> None:
    """Bring a rejected delivery back from history into its lane."""
    entry = take_numbers(db, "entry")
    db.execute(_SQL["revive"], (entry, delivery_id))
    db.execute(_SQL["forget_history"], (delivery_id,))
    db.execute(_SQL["enter_held"], {"ids": dumps([delivery_id]), "now": now})


def free(db: sqlite3.Connection, lanes: Iterable[int], now: int) -> None:
    """Give lanes back: whatever stands first in them may go at once."""
    freed = dumps(list(lanes))
    db.execute(_SQL["drop_freed"], (freed,))
    db.execute(_SQL["free"], {"now": now, "lanes": freed})
    db.execute(_SQL["rank_again"], (freed,))


def free_keeping_head(db: sqlite3.Connection, lanes: Sequence[tuple[int, int]]) -> None:
    """Give lanes back whose head will be retried. Each is (when, lane)."""
    db.executemany(_SQL["free_keeping_head"], lanes)
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
