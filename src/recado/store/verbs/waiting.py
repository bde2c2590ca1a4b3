"""Waiting: deliveries that are not due yet, and those that have outlived their use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from recado.domain.delivery import HeldReason, State
from recado.store.session import Session, statements
from recado.store.verbs import holding, lanes, once, rows

_SQL = statements("delivery")

#: For these reasons a delivery waits without losing its place among the others of its lane.
_POLITE: Final = frozenset({HeldReason.WINDOW, HeldReason.CAP, HeldReason.BUSY})


class Outlived(NamedTuple):
    """A delivery that is no longer to be sent."""

    id: str
    #: An earlier attempt may have reached the channel.
    maybe_sent: bool
    #: What becomes of it, and why.
    state: State
    reason: str


def expired(id_: str, *, maybe_sent: bool, stopped: bool) -> Outlived:
    """One whose time is up, or that was cancelled while it was being sent."""
    end = (State.CANCELLED, "cancelled") if stopped else (State.EXPIRED, "expires")
    return Outlived(id_, maybe_sent, *end)


async def outlive(db: Session, outlived: Sequence[Outlived], now: int) -> None:
    """End what is not to be said any more; what may have arrived is parked instead."""
    ended = [
        lanes.Ending(each.id, each.state, each.reason, now)
        for each in outlived
        if not each.maybe_sent
    ]
    await lanes.finish(db, ended)
    await db.run_many(
        _SQL["park"], [(each.reason, each.id) for each in outlived if each.maybe_sent]
    )


async def promote(db: Session, now: int, limit: int) -> int:
    """Let what has become due enter its lane, and end what has outlived its use."""
    overdue = await db.all(_SQL["overdue"], {"now": now, "limit": limit})
    await outlive(
        db,
        [
            expired(row["id"], maybe_sent=bool(row["maybe_sent"]), stopped=bool(row["stopped"]))
            for row in overdue
        ],
        now,
    )
    for row in overdue:
        await lanes.leave(db, row["id"], row["lane"], now)
    due = await db.all(_SQL["due"], {"now": now, "limit": limit})
    await lanes.let_in(db, [id_ for id_, reason in due if reason not in _POLITE], now)
    # What politeness has held goes on before what came later.
    await holding.return_to_places(db, [id_ for id_, reason in due if reason in _POLITE], now)
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
