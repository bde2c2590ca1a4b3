"""Holding in SQLite what is paused by people: conversations and single notifications.

Nothing is written when something is paused, and what is paused costs nothing until its turn has
come. The lane of a paused conversation is put aside then, as it is. A delivery of a paused
notification leaves its lane, so that others need not wait for it, and goes back to its place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from recado.domain.pause import PauseKind
from recado.store.queries import load_queries
from recado.store.sqlite import lanes, rows

_SQL = load_queries("sqlite", "holding")


@dataclass(frozen=True, slots=True)
class Halts:
    """What is not to be claimed, though its route is open."""

    #: Ids of paused notifications.
    notifications: frozenset[str]
    #: Whether there are paused conversations.
    conversations: bool

    def put_aside(self, db: sqlite3.Connection, chosen: Sequence[int]) -> dict[int, int]:
        """Put those of *chosen* lanes aside whose conversation is paused; each with its route."""
        if not self.conversations:
            return {}
        found = db.execute(_SQL["paused_lanes"], {"lanes": rows.dumps(chosen)})
        aside = {row["lane"]: row["route"] for row in found}
        db.execute(_SQL["put_aside"], (rows.dumps(list(aside)),))
        return aside


def halts(db: sqlite3.Connection) -> Halts:
    """What people have paused, beside bots and everything."""
    found = db.execute(_SQL["halts"]).fetchall()
    named = frozenset(row["name"] for row in found if row["kind"] == PauseKind.NOTIFICATION)
    return Halts(named, conversations=len(found) > len(named))


def hold(db: sqlite3.Connection, ids: Sequence[str]) -> None:
    """Hold deliveries whose notification is paused."""
    db.execute(_SQL["hold"], (rows.dumps(list(ids)),))


def take_up(db: sqlite3.Connection, reference_id: str) -> None:
    """A conversation is paused no more: its lane goes on where it stood."""
    db.execute(_SQL["take_up"], (reference_id,))


def let_back(db: sqlite3.Connection, now: int, limit: int) -> int:
    """Let deliveries whose notification is paused no more back to their places; how many."""
    resumed = [row[0] for row in db.execute(_SQL["resumed"], (limit,))]
    if not resumed:
        return 0
    back = lanes.hold_for_the_gone(db, resumed)
    db.execute(_SQL["let_back"], (rows.dumps(back),))
    lanes.enter_again(db, back, now)
    return len(resumed)
