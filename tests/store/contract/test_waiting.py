"""Waiting: what enters its lane when its time has come, and what has outlived its use."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from recado.domain.delivery import HeldReason, State
from recado.testing import START
from tests.store.kit import LEASE, SECOND, Desk


async def test_the_due_enter_in_the_order_they_became_due(desk: Desk) -> None:
    """Not in the order they were accepted."""
    reference = await desk.meet()
    for text, seconds in (("third", 3), ("first", 1), ("second", 2), ("not yet", 60)):
        await desk.say(text, reference, due_at=desk.now + seconds * SECOND)
    assert await desk.store.promote(desk.later(3), 10) == 3
    assert await desk.drain() == ["first", "second", "third"]
    assert await desk.store.promote(desk.now, 10) == 0


async def test_the_future_blocks_nothing(desk: Desk) -> None:
    """A delivery due tomorrow stands in nobody's way."""
    reference = await desk.meet()
    await desk.say("tomorrow", reference, due_at=desk.now + timedelta(days=1))
    await desk.say("now", reference)
    assert await desk.drain() == ["now"]


async def test_steps_are_as_short_as_they_are_told_to_be(desk: Desk) -> None:
    """The longest due go first."""
    reference = await desk.meet()
    for number in range(5):
        await desk.say(str(number), reference, due_at=desk.now + (number + 1) * SECOND)
    now = desk.later(10)
    assert await desk.store.promote(now, 2) == 2
    assert await desk.drain() == ["0", "1"]
    assert await desk.store.promote(now, 2) == 2
    assert await desk.store.promote(now, 2) == 1
    assert await desk.store.promote(now, 2) == 0
    assert await desk.drain() == ["2", "3", "4"]


async def test_what_becomes_due_for_the_unreachable_goes_on_waiting(desk: Desk) -> None:
    """For the conversation's return from then on, not for a time."""
    reference = await desk.meet()
    scheduled = await desk.say("later", reference, due_at=desk.now + SECOND)
    backoff = await desk.delivery_in(State.HELD, reference)
    await desk.make_unreachable(reference)
    await desk.store.promote(desk.later(7200), 10)
    for each in (scheduled, backoff):
        assert await desk.standing(each) == (State.HELD, HeldReason.UNREACHABLE)
    assert await desk.store.next_due() is None
    assert (await desk.see()).released == 3


@pytest.mark.parametrize(
    "state",
    [State.SCHEDULED, State.PENDING, State.HELD, State.RETRYING],
)
async def test_everything_that_waits_can_expire(desk: Desk, state: State) -> None:
    """Wherever it waits; what stands behind it goes on."""
    reference = await desk.meet()
    due = desk.now + 60 * SECOND if state is State.SCHEDULED else desk.now
    made = await desk.say("old", reference, due_at=due, expires_at=desk.now + 70 * SECOND)
    if state not in (State.PENDING, State.SCHEDULED):
        await desk.send(state, due_at=desk.now + timedelta(hours=1))
    await desk.say("behind", reference)
    assert await desk.state(made) is state
    assert await desk.store.promote(desk.later(70), 10) == 1
    assert await desk.standing(made) == (State.EXPIRED, "expires")
    assert await desk.drain() == ["behind"]


@pytest.mark.parametrize("state", [State.HELD, State.RETRYING])
async def test_what_may_have_arrived_is_parked_when_it_expires(desk: Desk, state: State) -> None:
    """To call it expired would claim to know that nobody read it."""
    made = await desk.say("hello", await desk.meet(), expires_at=desk.now + 70 * SECOND)
    await desk.send(state, due_at=desk.now + timedelta(hours=1), maybe_sent=True)
    assert await desk.store.promote(desk.later(70), 10) == 1
    assert await desk.standing(made) == (State.UNKNOWN, "expires")
    assert await desk.store.promote(desk.later(70), 10) == 0
    await desk.store.retry(made, desk.now)


async def test_what_is_parked_does_not_expire(desk: Desk) -> None:
    """A person decides."""
    made = await desk.say("hello", await desk.meet(), expires_at=desk.now + 70 * SECOND)
    await desk.send(State.UNKNOWN)
    assert await desk.store.promote(desk.later(700), 10) == 0
    assert await desk.state(made) is State.UNKNOWN
    assert await desk.store.next_due() is None


async def test_what_is_being_sent_does_not_expire(desk: Desk) -> None:
    """Its answer decides."""
    made = await desk.say("hello", await desk.meet(), expires_at=desk.now + SECOND)
    (claim,) = await desk.claim()
    assert await desk.store.promote(desk.later(5), 10) == 0
    assert await desk.store.next_due() is None
    await desk.settle(claim)
    assert await desk.state(made) is State.DELIVERED


async def test_a_time_in_the_past_stays_due(desk: Desk) -> None:
    """However late the timekeeper is: nothing is dropped for being late."""
    await desk.say("hello", await desk.meet(), due_at=desk.now + SECOND)
    assert await desk.store.promote(desk.later(10**8), 10) == 1
    assert await desk.drain() == ["hello"]


async def next_due_of(desk: Desk, state: State) -> datetime | None:
    """The next due time with a delivery in *state* alone."""
    await desk.delivery_in(state, await desk.meet())
    return await desk.store.next_due()


async def test_next_due(desk: Desk) -> None:
    """The soonest of scheduled, held, retrying and expiry; pending is due already."""
    assert await desk.store.next_due() is None
    reference = await desk.meet()
    await desk.say("pending", reference)
    assert await desk.store.next_due() is None
    await desk.drain()
    await desk.say("expiring", reference, expires_at=desk.now + 50 * SECOND)
    assert await desk.store.next_due() == START + 50 * SECOND
    await desk.say("scheduled", reference, due_at=desk.now + 40 * SECOND)
    assert await desk.store.next_due() == START + 40 * SECOND
    await desk.send(State.HELD, due_at=desk.now + 30 * SECOND)
    assert await desk.store.next_due() == START + 30 * SECOND
    await desk.say("retrying", reference)
    await desk.send(State.RETRYING, due_at=desk.now + 20 * SECOND)
    assert await desk.store.next_due() == START + 20 * SECOND


async def test_a_retry_under_way_is_not_due(desk: Desk) -> None:
    """A lane that somebody holds says nothing about the next due time."""
    await next_due_of(desk, State.RETRYING)
    desk.later(2)
    assert len(await desk.claim()) == 1
    assert await desk.store.next_due() is None
    desk.clock.advance(LEASE)
