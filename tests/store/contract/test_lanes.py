"""Lanes: what is claimed, in which order, and by whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recado.domain.delivery import Priority, State
from recado.testing import START
from tests.store.kit import SECOND, Desk, make_settlement


async def test_one_lane_is_served_in_order_and_one_at_a_time(desk: Desk) -> None:
    """The next is claimed when the one before has been settled, not earlier."""
    reference = await desk.meet()
    for text in ("one", "two", "three"):
        await desk.say(text, reference)
    said = []
    while claims := await desk.claim():
        assert len(claims) == 1
        assert await desk.claim() == []
        said += await desk.texts(claims)
        await desk.settle(claims[0])
    assert said == ["one", "two", "three"]


async def test_order_is_entry_then_acceptance(desk: Desk) -> None:
    """What entered its lane later comes later, whenever it was accepted."""
    reference = await desk.meet()
    await desk.say("scheduled", reference, due_at=desk.now + SECOND)
    await desk.say("first", reference)
    await desk.store.promote(desk.later(1), 10)
    await desk.say("last", reference)
    assert await desk.drain() == ["first", "scheduled", "last"]


async def test_settling_and_claiming_share_a_commit(desk: Desk) -> None:
    """The lane that a settlement frees can be claimed in the same call."""
    reference = await desk.meet()
    await desk.say("one", reference)
    second = await desk.say("two", reference)
    (claim,) = await desk.claim()
    (following,) = await desk.claim(settled=[make_settlement(claim)])
    assert following.delivery_id == second
    assert following.token != claim.token


async def test_no_more_than_the_limit_is_claimed(desk: Desk) -> None:
    """Attempts are committed for free connections only."""
    for number in range(5):
        await desk.say("hello", await desk.meet(f"a:{number}"))
    assert len(await desk.claim(2)) == 2
    assert len(await desk.claim(0)) == 0
    assert len(await desk.claim(2)) == 2
    assert len(await desk.claim(2)) == 1
    assert await desk.claim(2) == []


async def test_a_claim_is_committed_before_it_is_returned(desk: Desk, successor: Desk) -> None:
    """Another process can see that the attempt may be on the wire."""
    made = await desk.say("hello", await desk.meet())
    (claim,) = await desk.claim()
    delivery = (await successor.detail(made)).delivery
    assert (delivery.state, delivery.attempts) == (State.SENDING, 1)
    assert (claim.attempt, claim.started_at, claim.head_since) == (1, START, START)
    assert (claim.last_status, claim.strikes) == (None, 0)
    assert (claim.maybe_sent, claim.host_switched) == (False, False)


async def test_two_processes_never_hold_one_lane(desk: Desk) -> None:
    """Whoever asks second gets other lanes."""
    for number in range(4):
        reference = await desk.meet(f"a:{number}")
        await desk.say("one", reference)
        await desk.say("two", reference)
    mine = await desk.claim(2)
    theirs = await desk.claim(8, owner="other")
    assert len(mine) == len(theirs) == 2
    assert not {claim.lane for claim in mine} & {claim.lane for claim in theirs}


# -- priorities ------------------------------------------------------------------------------


async def test_urgent_ones_overtake_in_their_lane(desk: Desk) -> None:
    """Behind the one in flight, before everything else, among themselves in order."""
    reference = await desk.meet()
    for text in ("sending", "normal", "low"):
        priority = Priority.LOW if text == "low" else Priority.NORMAL
        await desk.say(text, reference, priority=priority)
    (claim,) = await desk.claim()
    await desk.say("urgent 1", reference, priority=Priority.URGENT)
    await desk.say("urgent 2", reference, priority=Priority.URGENT)
    assert await desk.claim() == []
    await desk.settle(claim)
    assert await desk.drain() == ["urgent 1", "urgent 2", "normal", "low"]


async def test_urgent_ones_do_not_overtake_a_retry(desk: Desk) -> None:
    """The retrying delivery keeps the head."""
    reference = await desk.meet()
    await desk.say("retrying", reference)
    await desk.send(State.RETRYING, due_at=desk.now + SECOND)
    await desk.say("urgent", reference, priority=Priority.URGENT)
    assert await desk.claim() == []
    desk.later(1)
    assert await desk.drain() == ["retrying", "urgent"]


async def test_lower_priorities_order_lanes_not_deliveries(desk: Desk) -> None:
    """Within a lane, normal does not overtake low."""
    reference = await desk.meet()
    await desk.say("low", reference, priority=Priority.LOW)
    await desk.say("normal", reference)
    assert await desk.drain() == ["low", "normal"]


async def test_lanes_are_claimed_by_priority_then_longest_due(desk: Desk) -> None:
    """Urgent lanes first; of equal ones the one that has waited longest."""
    for text, priority in (
        ("low", Priority.LOW),
        ("normal 1", Priority.NORMAL),
        ("normal 2", Priority.NORMAL),
        ("urgent", Priority.URGENT),
    ):
        await desk.say(text, await desk.meet(text), priority=priority)
        desk.later(1)
    said = []
    for _ in range(4):
        said += await desk.texts(await desk.claim(1))
    assert said == ["urgent", "normal 1", "normal 2", "low"]


async def test_retries_take_their_place_among_the_lanes(desk: Desk) -> None:
    """A retry that has become due is a lane like others: by priority, then longest due."""
    for text, priority in (("low", Priority.LOW), ("normal", Priority.NORMAL)):
        await desk.say(text, await desk.meet(text), priority=priority)
    low, normal = sorted(await desk.claim(), key=lambda claim: claim.conversation_id)
    await desk.settle(normal, State.RETRYING, due_at=desk.now + 2 * SECOND)
    await desk.settle(low, State.RETRYING, due_at=desk.now + SECOND)
    desk.later(1)
    await desk.say("urgent", await desk.meet("urgent"), priority=Priority.URGENT)
    desk.later(1)
    await desk.say("young", await desk.meet("young"))
    said = []
    for _ in range(4):
        said += await desk.texts(await desk.claim(1))
    assert said == ["urgent", "normal", "young", "low"]


async def test_a_lane_is_as_urgent_as_the_most_urgent_in_it(desk: Desk) -> None:
    """A normal delivery behind low ones does not wait for everyone else's low ones."""
    reference = await desk.meet("a:mixed")
    other = await desk.meet("a:other")
    for lane in (other, reference):
        await desk.say("low 1", lane, priority=Priority.LOW)
        await desk.say("low 2", lane, priority=Priority.LOW)
    await desk.say("normal", reference)
    said = []
    for _ in range(5):
        (claim,) = await desk.claim(1)
        said.append((claim.conversation_id, *await desk.texts([claim])))
        desk.later(1)
        await desk.settle(claim)
    assert said[:3] == [("a:mixed", "low 1"), ("a:mixed", "low 2"), ("a:mixed", "normal")]


async def test_a_lane_goes_back_to_what_is_left(desk: Desk) -> None:
    """After its urgent delivery a lane is as important as the rest of it."""
    mixed = await desk.meet("a:mixed")
    await desk.say("low", mixed, priority=Priority.LOW)
    await desk.say("urgent", mixed, priority=Priority.URGENT)
    (claim,) = await desk.claim()
    await desk.say("normal", await desk.meet("a:normal"))
    await desk.settle(claim)
    said = []
    for _ in range(2):
        said += await desk.texts(await desk.claim(1))
    assert said == ["normal", "low"]


async def test_a_retrying_lane_goes_back_too(desk: Desk) -> None:
    """What was urgent behind the retry may be gone when it comes back."""
    mixed = await desk.meet("a:mixed")
    await desk.say("retrying", mixed)
    (claim,) = await desk.claim()
    await desk.say("urgent", mixed, priority=Priority.URGENT, collapse_key="k")
    await desk.say("behind", mixed, collapse_key="k")
    await desk.say("normal", await desk.meet("a:normal"))
    await desk.settle(claim, State.RETRYING, due_at=desk.later(1))
    said = []
    for _ in range(2):
        said += await desk.texts(await desk.claim(1))
    assert said == ["normal", "retrying"]


async def test_lanes_take_turns(desk: Desk) -> None:
    """A long lane does not keep its place at the front once it has been served."""
    long, short = await desk.meet("a:long"), await desk.meet("a:short")
    for text in ("l1", "l2", "l3"):
        await desk.say(text, long)
    desk.later(1)
    await desk.say("s1", short)
    said = []
    for _ in range(4):
        desk.later(1)
        (claim,) = await desk.claim(1)
        said += await desk.texts([claim])
        await desk.settle(claim)
    assert said == ["l1", "s1", "l2", "l3"]


# -- expiry ----------------------------------------------------------------------------------


async def test_what_has_expired_is_not_sent(desk: Desk) -> None:
    """It ends `expired`, and what stands behind it takes its place in the same call."""
    reference = await desk.meet()
    old = await desk.say("old", reference, expires_at=desk.now + SECOND)
    new = await desk.say("new", reference)
    desk.later(1)
    (claim,) = await desk.claim()
    assert claim.delivery_id == new
    assert await desk.standing(old) == (State.EXPIRED, "expires")
    assert (await desk.detail(old)).delivery.attempts == 0


async def test_expired_ones_do_not_use_up_the_limit(desk: Desk) -> None:
    """Fewer claims than asked for mean that nothing else is due."""
    for number in range(10):
        reference = await desk.meet(f"a:{number}")
        for _ in range(3):
            await desk.say("old", reference, expires_at=desk.now + SECOND)
    alive = await desk.say("alive", await desk.meet("a:alive"))
    desk.later(5)
    (claim,) = await desk.claim(2)
    assert claim.delivery_id == alive
    assert len(await desk.ids(state=State.EXPIRED)) == 30


async def test_the_last_moment_is_not_too_late(desk: Desk) -> None:
    """A delivery can leave until it expires."""
    await desk.say("old", await desk.meet(), expires_at=desk.now + 2 * SECOND)
    desk.later(1)
    assert len(await desk.claim()) == 1


# -- clocks ----------------------------------------------------------------------------------


async def test_pending_is_due_whatever_the_clock_says(desk: Desk) -> None:
    """A clock that was ahead when a delivery was accepted does not delay it once set right."""
    desk.later(7200)
    await desk.say("hello", await desk.meet())
    desk.clock.set(START)
    assert await desk.drain() == ["hello"]


async def test_hasten_corrects_retries_of_a_clock_that_was_ahead(desk: Desk) -> None:
    """A retry further ahead than any can be is due now; others keep their time."""
    wrong = await desk.meet("a:wrong")
    desk.later(7200)
    await desk.say("wrong", wrong)
    await desk.send(State.RETRYING, due_at=desk.now + 5 * SECOND)
    desk.clock.set(START)
    await desk.say("right", await desk.meet("a:right"))
    await desk.send(State.RETRYING, due_at=desk.now + 60 * SECOND)
    assert await desk.drain() == []
    await desk.store.hasten(desk.now, latest=desk.now + 60 * SECOND)
    assert await desk.drain() == ["wrong"]
    desk.later(60)
    assert await desk.drain() == ["right"]


@pytest.mark.parametrize("hours", [-5, 5])
async def test_attempts_are_told_in_their_order(desk: Desk, hours: int) -> None:
    """Also when the clock is set between them; the last one is the last."""
    made = await desk.say("hello", await desk.meet())
    await desk.send(State.HELD, due_at=None)
    desk.clock.advance(timedelta(hours=hours))
    await desk.store.retry(made, desk.now)
    await desk.send(State.REJECTED, reason="last")
    detail = await desk.detail(made)
    assert [attempt.number for attempt in detail.attempts] == [1, 2]
    assert detail.attempts[-1].reason == "last"
