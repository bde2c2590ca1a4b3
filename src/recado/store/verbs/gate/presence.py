"""Presence: whether the conversation is in the middle of something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recado.domain.delivery import HeldReason, Priority
from recado.domain.politeness import Hold, Rules, Stop
from recado.domain.politeness.busy import NOTHING, WAITING_MODES, Wish, busy, told
from recado.domain.politeness.chain import Link
from recado.store.session import Session
from recado.store.verbs import presence, rows
from recado.store.verbs.gate.leaving import Leaving
from recado.store.verbs.gate.order import overtaking


async def check(
    db: Session,
    leaving: Sequence[Leaving],
    rules: Rules,  # noqa: ARG001 - how long each waits stands in its notification
    now: int,
) -> Mapping[str, Stop]:
    """Hold what waits for a good moment where this is none."""
    # Mostly nothing does, and this is all that costs.
    waiting = [each for each in leaving if each.manner.mode in WAITING_MODES]
    waiting = [each for each in waiting if each.priority != Priority.URGENT]
    if not waiting:
        return {}
    numbers = {each.lane for each in waiting}
    there = await presence.doings_now(db, numbers)
    moment = rows.instant(now)
    stops: dict[str, Stop] = {}
    for each in waiting:
        found = busy(_wish(each), there.get(each.lane, NOTHING), moment)
        if found is not None:
            stops[each.id] = Hold(HeldReason.BUSY, found.until)
    free = [each for each in waiting if each.id not in stops]
    # What has waited longer goes first, though nobody has let it in yet.
    for id_ in await overtaking(db, free, now, [HeldReason.BUSY]):
        stops[id_] = Hold(HeldReason.BUSY, moment)
    return stops


async def tell(
    db: Session,
    waiting: Leaving,
    rules: Rules,  # noqa: ARG001 - as above
    now: int,
) -> Link | None:
    """What keeps a delivery that waits for a good moment."""
    if waiting.manner.mode not in WAITING_MODES:
        return None
    if waiting.priority == Priority.URGENT:
        return Link(name="busy", holds=False, said="It is urgent and waits for no good moment.")
    there = await presence.doings(db, [waiting.lane])
    moment = rows.instant(now)
    wish = _wish(waiting)
    found = busy(wish, there.get(waiting.lane, NOTHING), moment)
    if found is not None:
        return Link(name="busy", holds=True, said=told(found), since=found.since, until=found.until)
    late = wish.deadline is not None and moment >= wish.deadline
    said = "It has waited as long as it may." if late else "The conversation is free."
    return Link(name="busy", holds=False, said=said)


def _wish(leaving: Leaving) -> Wish:
    manner = leaving.manner
    ready_at = max(manner.accepted_at, manner.due_at)
    return presence.wish(manner.mode, manner.quiet, manner.max_wait, ready_at)
