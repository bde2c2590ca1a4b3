"""Several callers notify at the same moment: each gets what it would have got alone."""

from __future__ import annotations

import asyncio

from recado.domain.audience import EveryConversation
from recado.domain.delivery import HeldReason, Priority, State
from tests.store.kit import SECOND, Desk


async def test_those_accepted_together_keep_their_order(desk: Desk) -> None:
    """In one conversation, in the order of the calls; across priorities the urgent one first."""
    reference = await desk.meet("a:1")
    made = await asyncio.gather(
        desk.say("one", reference),
        desk.say("two", reference),
        desk.say("now", reference, priority=Priority.URGENT),
        desk.say("three", reference),
    )
    served = []
    for _ in made:
        (claim,) = await desk.claim()
        served.append(claim.delivery_id)
        await desk.settle(claim)
    assert served == [made[2], made[0], made[1], made[3]]


async def test_each_stands_where_its_conversation_does(desk: Desk) -> None:
    """One that cannot be reached holds nobody else back."""
    here, gone = await desk.meet("a:1"), await desk.meet("a:2")
    await desk.make_unreachable(gone)
    first, second = await asyncio.gather(desk.say("x", here), desk.say("y", gone))
    assert await desk.standing(first) == (State.PENDING, None)
    assert await desk.standing(second) == (State.HELD, HeldReason.UNREACHABLE)
    assert [claim.delivery_id for claim in await desk.claim()] == [first]


async def test_what_is_due_now_wakes_nobody_who_waits_for_later(desk: Desk) -> None:
    """A time to come, an expiry and a broadcast do."""
    now: list[None] = []
    later: list[None] = []
    desk.store.on_work(lambda: now.append(None), lambda: later.append(None))
    reference = await desk.meet()
    await desk.say("now", reference)
    assert (len(now), len(later)) == (1, 0)
    await desk.say("later", reference, due_at=desk.now + SECOND)
    await desk.say("for a while", reference, expires_at=desk.now + SECOND)
    await desk.accept("all", audience=EveryConversation())
    assert len(later) == 3
