"""Holding what is paused by people: conversations and single notifications.

Nothing is written when something is paused, and what is paused costs nothing until its turn has
come. The lane of a paused conversation is put aside then, as it is. A delivery of a paused
notification leaves its lane, so that others need not wait for it, and goes back to its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recado.domain.pause import PauseKind
from recado.store.session import Session, held, statements
from recado.store.verbs import lanes, rows

_SQL = statements("holding")


@dataclass(frozen=True, slots=True)
class Halts:
    """What is not to be claimed, though its route is open."""

    #: Ids of paused notifications.
    notifications: frozenset[str]
    #: Whether there are paused conversations.
    conversations: bool
    #: Whether anybody has hours of their own.
    hours: bool

    async def put_aside(self, db: Session, chosen: Sequence[int]) -> dict[int, int]:
        """Put those of *chosen* lanes aside whose conversation is paused; each with its route."""
        if not self.conversations:
            return {}
        found = await db.all(_SQL["paused_lanes"], {"lanes": rows.dumps(chosen)})
        aside = {row["lane"]: row["route"] for row in found}
        await db.run(_SQL["put_aside"], (rows.dumps(list(aside)),))
        return aside


async def halts(db: Session) -> Halts:
    """What people have paused, beside bots and everything, and whether anybody has hours."""
    found = [(kind, name) for kind, name in await db.all(_SQL["halts"])]
    kinds = {kind for kind, _ in found}
    return Halts(
        frozenset(name for kind, name in found if kind == PauseKind.NOTIFICATION),
        conversations=PauseKind.CONVERSATION in kinds,
        hours="hours" in kinds,
    )


async def hold(db: Session, ids: Sequence[str]) -> None:
    """Hold deliveries whose notification is paused."""
    await db.run(_SQL["hold"], (rows.dumps(list(ids)),))


async def take_up(db: Session, reference_id: str) -> None:
    """A conversation is paused no more: its lane goes on where it stood."""
    # Whoever is about to put its lane aside comes first, or it would stay aside.
    for found in await held(db, _SQL["number"], (reference_id,)):
        await db.run(_SQL["take_up"], (found["reference"],))


async def let_back(db: Session, now: int, limit: int) -> int:
    """Let deliveries whose notification is paused no more back to their places; how many."""
    resumed = [row[0] for row in await db.all(_SQL["resumed"], (limit,))]
    await return_to_places(db, resumed, now)
    return len(resumed)


async def return_to_places(db: Session, ids: Sequence[str], now: int) -> None:
    """Have what was held enter its lane where it stood, unless its conversation is gone."""
    if ids:
        back = await lanes.hold_for_the_gone(db, ids)
        await db.run(_SQL["let_back"], (rows.dumps(back),))
        await lanes.enter_again(db, back, now)
