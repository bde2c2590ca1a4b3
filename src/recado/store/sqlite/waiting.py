"""Waiting in SQLite: deliveries that are not due yet, and those that have outlived their use."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from recado.domain.delivery import State
from recado.store.queries import load_queries
from recado.store.sqlite import holding, lanes, once, rows

_SQL = load_queries("sqlite", "delivery")


class Outlived(NamedTuple):
    """A delivery that is no longer worth sending."""

    id: str
    maybe_sent: bool
    #: Cancelled while it was being sent.
    stopped: bool

    @property
    def end(self) -> tuple[State, str]:
        """What becomes of it, and why."""
        return (State.CANCELLED, "cancelled") if self.stopped else (State.EXPIRED, "expires")


def outlive(db: sqlite3.Connection, outlived: Sequence[Outlived], now: int) -> None:
    """End what is no longer worth saying; what may have arrived is parked, not called expired."""
    ended = [lanes.Ending(each.id, *each.end, now) for each in outlived if not each.maybe_sent]
    lanes.finish(db, ended)
    db.executemany(_SQL["park"], [(each.end[1], each.id) for each in outlived if each.maybe_sent])


def promote(db: sqlite3.Connection, now: int, limit: int) -> int:
    """Let what has become due enter its lane, and end what has outlived its use."""
    overdue = db.execute(_SQL["overdue"], {"now": now, "limit": limit}).fetchall()
    outlive(db, [Outlived(row["id"], row["maybe_sent"], row["stopped"]) for row in overdue], now)
    for row in overdue:
        lanes.leave(db, row["id"], row["lane"], now)
    due = [row[0] for row in db.execute(_SQL["due"], {"now": now, "limit": limit})]
    lanes.let_in(db, due, now)
    back = holding.let_back(db, now, limit)
    return len(overdue) + len(due) + back + once.forget(db, now, limit)


def next_due(db: sqlite3.Connection) -> int | None:
    (at,) = db.execute(_SQL["next_due"]).fetchone()
    return None if at is None else int(at)


def release_handlers(db: sqlite3.Connection, handlers: Sequence[str], now: int, limit: int) -> int:
    found = db.execute(_SQL["without_handler"], (rows.dumps(list(handlers)), limit))
    return lanes.let_in(db, [row[0] for row in found], now)


def release_turn(db: sqlite3.Connection, turn: str, now: int) -> int:
    # A broadcast may not have been expanded as far as the turn's conversation.
    db.execute(_SQL["turn_ended"], (turn,))
    found = db.execute(_SQL["of_turn"], (turn,))
    return lanes.let_in(db, [row[0] for row in found], now)
