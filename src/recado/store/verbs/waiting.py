"""Waiting: deliveries that are not due yet, and those that have outlived their use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from recado.domain.delivery import State
from recado.store.session import Session, statements
from recado.store.verbs import holding, lanes, once, rows

_SQL = statements("delivery")


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


async def outlive(db: Session, outlived: Sequence[Outlived], now: int) -> None:
    """End what is no longer worth saying; what may have arrived is parked, not called expired."""
    ended = [lanes.Ending(each.id, *each.end, now) for each in outlived if not each.maybe_sent]
    await lanes.finish(db, ended)
    await db.run_many(
        _SQL["park"], [(each.end[1], each.id) for each in outlived if each.maybe_sent]
    )


async def promote(db: Session, now: int, limit: int) -> int:
    """Let what has become due enter its lane, and end what has outlived its use."""
    overdue = await db.all(_SQL["overdue"], {"now": now, "limit": limit})
    await outlive(
        db, [Outlived(row["id"], row["maybe_sent"], row["stopped"]) for row in overdue], now
    )
    for row in overdue:
        await lanes.leave(db, row["id"], row["lane"], now)
    due = [row[0] for row in await db.all(_SQL["due"], {"now": now, "limit": limit})]
    await lanes.let_in(db, due, now)
    back = await holding.let_back(db, now, limit)
    return len(overdue) + len(due) + back + await once.forget(db, now, limit)


async def next_due(db: Session) -> int | None:
    at = await db.value(_SQL["next_due"])
    return None if at is None else int(at)


async def release_handlers(db: Session, handlers: Sequence[str], now: int, limit: int) -> int:
    found = await db.all(_SQL["without_handler"], (rows.dumps(list(handlers)), limit))
    return await lanes.let_in(db, [row[0] for row in found], now)


async def release_turn(db: Session, turn: str, now: int) -> int:
    # A broadcast may not have been expanded as far as the turn's conversation.
    await db.run(_SQL["turn_ended"], (turn,))
    found = await db.all(_SQL["of_turn"], (turn,))
    return await lanes.let_in(db, [row[0] for row in found], now)
