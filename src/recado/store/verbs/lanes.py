"""Lanes: entering, leaving, and ending.

A lane is a row of ``recado_lane`` for as long as a conversation has deliveries standing in it.
Every way in and out goes through here, so that the rows agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from recado.domain.delivery import State
from recado.store.session import Session, statements
from recado.store.verbs.rows import dumps

_SQL = statements("lanes")


async def take_numbers(db: Session, name: str, count: int = 1) -> int:
    """The first of *count* numbers nobody else gets."""
    last = await db.value(_SQL["take_numbers"], {"name": name, "count": count})
    return int(last) - count + 1


async def enter(db: Session, lanes: Sequence[int], priority: int, now: int) -> None:
    """Make room for deliveries that were inserted as pending."""
    if lanes:
        await db.run(_SQL["enter"], {"lanes": dumps(lanes), "priority": priority, "now": now})


async def let_in(db: Session, ids: Sequence[str], now: int) -> int:
    """Have what waited outside enter its lane, unless the conversation is gone; how many did.

    What is for a conversation that is gone waits for its return.
    """
    return await enter_waiting(db, await hold_for_the_gone(db, ids), now)


async def hold_for_the_gone(db: Session, ids: Sequence[str]) -> list[str]:
    """Hold what is for a conversation that is gone; the others."""
    gone = {row[0] for row in await db.all(_SQL["for_the_gone"], (dumps(ids),))}
    await db.run_many(_SQL["hold"], [(each,) for each in ids if each in gone])
    return [each for each in ids if each not in gone]


async def enter_waiting(db: Session, ids: Sequence[str], now: int) -> int:
    """Let live deliveries that waited outside enter their lanes at the end, in this order."""
    if ids:
        first = await take_numbers(db, "entry", len(ids))
        await db.run_many(
            _SQL["make_pending"], zip(range(first, first + len(ids)), ids, strict=True)
        )
        await enter_again(db, ids, now)
    return len(ids)


async def enter_again(db: Session, ids: Sequence[str], now: int) -> None:
    """Make room for live deliveries that have become pending."""
    await db.run(_SQL["enter_held"], {"ids": dumps(ids), "now": now})


async def release_unreachable(db: Session, lane: int, now: int) -> int:
    """The conversation is back: what was held for it enters its lane."""
    return await enter_waiting(
        db, [row[0] for row in await db.all(_SQL["unreachable"], (lane,))], now
    )


async def hold_unreachable(db: Session, lane: int) -> None:
    """The conversation is gone: what stands in its lane waits for its return."""
    await db.run(_SQL["hold_standing"], (lane,))
    await db.run(_SQL["behead_free"], (lane,))
    await tidy(db, [lane])


async def hold_gone(db: Session, lanes: Sequence[int]) -> set[int]:
    """Hold what stands in those of *lanes* whose conversation is gone; which these are.

    For deliveries that come back from sending: the conversation may have gone meanwhile.
    """
    gone = {row[0] for row in await db.all(_SQL["gone"], (dumps(lanes),))} if lanes else set()
    for lane in gone:
        await hold_unreachable(db, lane)
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


async def finish(db: Session, endings: Sequence[Ending]) -> None:
    """Move deliveries to history."""
    if not endings:
        return
    # Mostly all of them end alike, and what they have in common need not be taken out of JSON.
    alike: dict[tuple[State, str | None, int | None, str | None], dict[str, Any]] = {}
    for id_, state, reason, at, activity_id, status, owner in endings:
        alike.setdefault((state, reason, status, owner), {})[id_] = (at, activity_id)
    for (state, reason, status, owner), ended in alike.items():
        shared = {"state": str(state), "reason": reason, "status": status, "owner": owner}
        await db.run(_SQL["finish"], {"ended": dumps(ended), **shared})
    await db.run(_SQL["forget_live"], (dumps([each.id for each in endings]),))


async def free(db: Session, lanes: Iterable[int], now: int) -> None:
    """Give lanes back: whatever stands first in them may go at once."""
    freed = set(lanes)
    if not freed:
        return
    named = dumps(list(freed))
    if await db.run(_SQL["drop_freed"], (named,)) == len(freed):
        return  # nothing stands in any of them, as mostly
    await db.run(_SQL["free"], {"now": now, "lanes": named})
    await db.run(_SQL["rank_again"], (named,))


async def free_keeping_head(db: Session, lanes: Sequence[tuple[int, int]]) -> None:
    """Give lanes back whose head will be retried. Each is (when, lane)."""
    if lanes:
        await db.run_many(_SQL["free_keeping_head"], lanes)
        await tidy(db, [lane for _, lane in lanes])


async def put_off(db: Session, lanes: Sequence[tuple[int, int]]) -> None:
    """Give lanes back that may not go on before a certain time. Each is (when, lane)."""
    await db.run_many(_SQL["put_off"], lanes)
    await tidy(db, [lane for _, lane in lanes])


async def leave(db: Session, delivery_id: str, lane: int, now: int) -> None:
    """A delivery that nobody was sending has left its lane for good."""
    await db.run(_SQL["behead"], (now, lane, delivery_id))
    await tidy(db, [lane])


async def tidy(db: Session, lanes: Sequence[int]) -> None:
    """Remove empty lanes and rank the others by what stands first in them now."""
    if not lanes:
        return
    named = dumps(lanes)
    await db.run(_SQL["drop_empty"], (named,))
    await db.run(_SQL["rank_again"], (named,))
