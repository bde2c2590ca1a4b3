"""Once per key and period in SQLite: what is the same again is suppressed when it is accepted."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from recado.domain.delivery import State
from recado.domain.notification import Once
from recado.store.queries import load_queries
from recado.store.sqlite import lanes, rows

_SQL = load_queries("sqlite", "once")


def keep(db: sqlite3.Connection, number: int, once: Once) -> None:
    """Note that a notification is to be said once for its key; before its deliveries are made."""
    db.execute(_SQL["keep"], (once.key, rows.micros_of(once.every), number))


def suppress_duplicates(
    db: sqlite3.Connection, number: int, made: Sequence[tuple[str, int]], now: int
) -> set[str]:
    """End those of a notification's new deliveries that say the same again; their ids.

    Args:
        db: in the transaction that made them.
        number: the notification's.
        made: each delivery's id and lane.
        now: the present instant, in microseconds.
    """
    wanted = db.execute(_SQL["wanted"], (number,)).fetchone()
    if wanted is None or not made:
        return set()
    bot, key, every, accepted_at = wanted
    asked = {
        "bot": bot,
        "key": key,
        "since": accepted_at - every,
        "lanes": rows.dumps([lane for _, lane in made]),
    }
    told = {row[0] for row in db.execute(_SQL["said"], asked)}
    again = {each for each, lane in made if lane in told}
    lanes.finish(db, [lanes.Ending(each, State.SUPPRESSED, "duplicate", now) for each in again])
    first = [lane for _, lane in made if lane not in told]
    noted = {"bot": bot, "key": key, "at": accepted_at, "until": accepted_at + every}
    db.execute(_SQL["note"], {**noted, "lanes": rows.dumps(first)})
    return again


def count(
    db: sqlite3.Connection, bot: str, key: str, since: int, numbers: Sequence[int] | None
) -> int:
    """In how many conversations it would be a duplicate; of *numbers* or, with None, of all."""
    named = None if numbers is None else rows.dumps(list(numbers))
    asked = {"bot": bot, "key": key, "since": since, "lanes": named}
    return int(db.execute(_SQL["count"], asked).fetchone()[0])


def forget(db: sqlite3.Connection, now: int, limit: int) -> int:
    """Drop what was said so long ago that it may be said again; how many rows."""
    return db.execute(_SQL["forget"], {"now": now, "limit": limit}).rowcount
