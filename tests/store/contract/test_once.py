"""Once per key and period: the same again is suppressed where it was said of late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recado.domain.delivery import Priority, State
from recado.domain.notification import Once
from tests.store.kit import SECOND, Desk

HOUR = timedelta(hours=1)
PRICE = Once(key="price:42", every=HOUR)
SUPPRESSED = (State.SUPPRESSED, "duplicate")


async def test_the_same_is_said_once_in_a_period(desk: Desk) -> None:
    """Again after it; suppressed ones do not begin it anew."""
    here = await desk.meet()
    first = await desk.say("first", here, once=PRICE)
    desk.later(3599)
    again = await desk.say("again", here, once=PRICE)
    assert await desk.standing(first) == (State.PENDING, None)
    assert await desk.standing(again) == SUPPRESSED
    desk.later(1)
    await desk.say("later", here, once=PRICE)
    assert await desk.drain() == ["first", "later"]


async def test_other_keys_and_conversations_are_others(desk: Desk) -> None:
    """So are other bots, and what has no key."""
    here, there = await desk.meet("a:1"), await desk.meet("a:2")
    await desk.say("first", here, once=PRICE)
    both = await desk.accept("both", here, there, once=PRICE)
    assert [(await desk.standing(each))[0] for each in both.delivery_ids] == [
        State.SUPPRESSED,
        State.PENDING,
    ]
    other = await desk.say("other", here, once=Once(key="price:43", every=HOUR))
    plain = await desk.say("plain", here)
    elsewhere = await desk.say("bot", await desk.meet("a:1", bot="other"), bot="other", once=PRICE)
    for each in (other, plain, elsewhere):
        assert await desk.state(each) is State.PENDING


async def test_a_broadcast_is_suppressed_where_it_was_said(desk: Desk) -> None:
    """It is as old as its acceptance, however late it gets there."""
    lanes = [await desk.meet(f"a:{number}") for number in range(3)]
    await desk.say("alone", lanes[0], once=PRICE)
    broadcast = await desk.accept("all", once=PRICE)
    await desk.store.expand(desk.now, 2)
    desk.later(60)
    late = await desk.say("late", lanes[2], once=PRICE)
    await desk.store.expand(desk.later(7200), 10)
    assert await desk.state(late) is State.PENDING
    progress = await desk.store.progress(broadcast.notification_id)
    assert progress is not None
    assert progress.counts == {State.SUPPRESSED: 2, State.PENDING: 1}


@pytest.mark.parametrize("later", [False, True])
async def test_what_is_suppressed_supersedes_nothing(desk: Desk, *, later: bool) -> None:
    """And keeps no lane; that it was due later makes no difference."""
    here = await desk.meet()
    await desk.say("first", here, once=PRICE, collapse_key="k", priority=Priority.LOW)
    due = desk.now + (SECOND if later else timedelta(0))
    again = await desk.say(
        "again", here, once=PRICE, collapse_key="k", due_at=due, priority=Priority.URGENT
    )
    assert await desk.standing(again) == SUPPRESSED
    assert await desk.drain() == ["first"]


async def test_duplicates_are_counted_beforehand(desk: Desk) -> None:
    """For everybody, or for those who are named."""
    here, there = await desk.meet("a:1"), await desk.meet("a:2")
    await desk.say("first", here, once=PRICE)
    for now, numbers, wanted in (
        (desk.now, None, 1),
        (desk.now, [here.number, there.number], 1),
        (desk.now, [there.number], 0),
        (desk.now + HOUR, None, 0),
    ):
        assert await desk.store.duplicates("local", PRICE, now, numbers) == wanted
    assert await desk.store.duplicates("other", PRICE, desk.now) == 0


async def test_what_may_be_said_again_is_forgotten(desk: Desk) -> None:
    """In steps, when its period is over."""
    for number in range(3):
        await desk.say("first", await desk.meet(f"a:{number}"), once=PRICE)
    assert await desk.store.promote(desk.later(3599), 2) == 0
    assert await desk.store.promote(desk.later(1), 2) == 2
    assert await desk.store.promote(desk.now, 2) == 1
    assert await desk.store.duplicates("local", PRICE, desk.now - SECOND) == 0
