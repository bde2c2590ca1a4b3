"""Caps and the interval: nobody is sent more than the settings say, across all processes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from recado.domain.delivery import Outcome, Priority, State
from recado.domain.politeness import Rules
from recado.domain.politeness.counting import cap_of
from recado.domain.reference import Member
from recado.store.port import Old
from tests.store.kit import Desk

TWO_AN_HOUR = Rules(caps={"": cap_of("2/h")})
ONE_A_MINUTE = Rules(interval=timedelta(seconds=60))
HOUR = 3600


async def later(desk: Desk, seconds: float) -> None:
    """Let time pass, and what has become due enter its lane."""
    desk.later(seconds)
    await desk.store.promote(desk.now, 100)


async def test_what_is_too_much_waits_until_there_is_room_in_order(desk: Desk) -> None:
    """Two an hour: the third leaves when the first is an hour old, the fourth with the second."""
    desk.rules = TWO_AN_HOUR
    here = await desk.meet()
    said = [await desk.say(str(n), here) for n in range(5)]
    begun = desk.now
    assert await desk.drain() == ["0", "1"]
    for each in said[2:]:
        found = (await desk.detail(each)).delivery
        assert (found.state, found.reason) == (State.HELD, "cap")
        assert found.due_at == begun + timedelta(hours=1)
    await later(desk, HOUR - 1)
    assert await desk.drain() == []
    await later(desk, 1)
    assert await desk.drain() == ["2", "3"]
    await later(desk, HOUR)
    assert await desk.drain() == ["4"]


async def test_messages_to_one_person_keep_an_interval(desk: Desk) -> None:
    """Not several within a short time."""
    desk.rules = ONE_A_MINUTE
    here = await desk.meet()
    for text in "abc":
        await desk.say(text, here)
    assert await desk.drain() == ["a"]
    await later(desk, 59)
    assert await desk.drain() == []
    await later(desk, 1)
    assert await desk.drain() == ["b"]
    await later(desk, 60)
    assert await desk.drain() == ["c"]


async def test_a_person_is_the_same_in_all_their_private_chats(desk: Desk) -> None:
    """Of several messages that are claimed together, only so many leave; a group is its own."""
    desk.rules = TWO_AN_HOUR
    ana = Member(user_id="29:ana", aad_object_id="aad-1")
    chats = [await desk.meet(f"a:{n}", members=(ana,)) for n in range(4)]
    group = await desk.meet("19:t", members=(ana,), is_group=True, conversation_type="groupChat")
    other = await desk.meet("a:bo", members=(Member(user_id="29:bo"),))
    for place in (*chats, group, other):
        await desk.say(place.key.conversation_id, place)
    claims = await desk.claim()
    said = await desk.texts(claims)
    assert len(said) == 4
    assert {"19:t", "a:bo"} <= set(said)


async def test_a_category_has_a_cap_of_its_own(desk: Desk) -> None:
    """What is of another one is not kept by it."""
    desk.rules = Rules(caps={"prices": cap_of("1/h")})
    here = await desk.meet()
    for text, category in (("p1", "prices"), ("p2", "prices"), ("n1", "news"), ("x", None)):
        await desk.say(text, here, category=category)
    await desk.say("p3", here, category="prices")
    assert await desk.drain() == ["p1", "n1", "x"]
    await later(desk, HOUR)
    assert await desk.drain() == ["p2"]


async def test_urgent_messages_pass_and_are_counted(desk: Desk) -> None:
    """They disturb like others: what is not urgent waits the longer."""
    desk.rules = TWO_AN_HOUR
    here = await desk.meet()
    for n in range(3):
        await desk.say(f"urgent {n}", here, priority=Priority.URGENT)
    assert await desk.drain() == ["urgent 0", "urgent 1", "urgent 2"]
    await desk.say("plain", here)
    assert await desk.drain() == []


async def test_what_was_asked_for_passes_and_is_not_counted(desk: Desk) -> None:
    """It does not disturb, so there is as much room for the rest as before."""
    desk.rules = TWO_AN_HOUR
    here = await desk.meet()
    for n in range(3):
        await desk.say(f"reminder {n}", here, asked_at=desk.now)
    assert len(await desk.drain()) == 3
    for n in range(3):
        await desk.say(str(n), here)
    await desk.say("reminder 3", here, asked_at=desk.now)
    assert await desk.drain() == ["0", "1", "reminder 3"]


async def test_a_delivery_is_counted_once_however_often_it_is_tried(desk: Desk) -> None:
    """Its own attempts keep it from nothing."""
    desk.rules = ONE_A_MINUTE
    here = await desk.meet()
    await desk.say("hello", here)
    for _ in range(3):
        (claim,) = await desk.claim()
        await desk.settle(claim, State.RETRYING, due_at=desk.now + timedelta(seconds=1))
        desk.later(1)
    (claim,) = await desk.claim()
    assert claim.attempt == 4
    await desk.settle(claim)
    await desk.say("next", here)
    assert await desk.drain() == []
    await later(desk, 60)
    assert await desk.drain() == ["next"]


async def test_what_certainly_was_not_sent_leaves_its_room_to_others(desk: Desk) -> None:
    """A refusal of the channel is no message."""
    desk.rules = Rules(caps={"": cap_of("1/h")})
    here = await desk.meet()
    await desk.say("refused", here)
    await desk.send(State.REJECTED, reason="BadSyntax")
    await desk.say("next", here)
    assert await desk.drain() == ["next"]


@pytest.mark.parametrize("how", ["unknown", "was unknown before", "lost", "turn"])
async def test_what_may_have_been_sent_keeps_its_room(
    desk: Desk, successor: Desk, how: str
) -> None:
    """Whatever becomes of it afterwards."""
    desk.rules = successor.rules = Rules(caps={"": cap_of("1/h")})
    here = await desk.meet()
    await desk.say("perhaps", here)
    (claim,) = await desk.claim()
    if how == "unknown":
        await desk.settle(claim, State.UNKNOWN)
    elif how == "was unknown before":
        due = desk.now + timedelta(seconds=1)
        outcome = {"outcome": Outcome.UNKNOWN, "maybe_sent": True, "due_at": due}
        await desk.settle(claim, State.RETRYING, **outcome)
        desk.later(1)
        (again,) = await desk.claim()
        await desk.settle(again, State.REJECTED)
    elif how == "lost":
        desk.later(31)
        await successor.store.reap("successor", desk.now, 10)
        (again,) = await successor.claim()
        assert again.maybe_sent
        await successor.settle(again, State.REJECTED)
    else:
        # Code ran, and may have said something before it failed.
        await desk.settle(claim._replace(handler="code"), State.REJECTED, reason="handler_error")
    await desk.say("next", here)
    assert await desk.drain() == []


async def test_what_comes_back_unsent_keeps_its_room_for_itself(desk: Desk) -> None:
    """The channel's pace did not let it leave: it is counted once when it does."""
    desk.rules = Rules(caps={"": cap_of("1/h")})
    here = await desk.meet()
    await desk.say("first", here)
    await desk.say("second", here)
    await desk.store.hand_back(await desk.claim())
    assert await desk.drain() == ["first"]


async def test_nothing_overtakes_what_is_due_and_not_let_in_yet(desk: Desk) -> None:
    """Room that has come is for what has waited."""
    desk.rules = ONE_A_MINUTE
    here = await desk.meet()
    await desk.say("first", here)
    await desk.say("waiting", here)
    assert await desk.drain() == ["first"]
    desk.later(60)
    await desk.say("new", here)
    assert await desk.drain() == []
    await desk.store.promote(desk.now, 100)
    assert await desk.drain() == ["waiting"]
    await later(desk, 60)
    assert await desk.drain() == ["new"]


async def test_a_long_lane_is_held_at_once(desk: Desk) -> None:
    """What stands behind one that is held would come to the same, so it is not asked one by one."""
    desk.rules = Rules(caps={"": cap_of("1/h")})
    here = await desk.meet()
    for n in range(600):
        await desk.say(str(n), here)
    await desk.send_all()
    await desk.claim(64)
    counts = (await desk.store.backlog()).waiting
    assert counts == {State.HELD: 599}


async def test_the_last_room_is_found_by_one_process(desk: Desk, successor: Desk) -> None:
    """Of two processes that claim at once, for one person in many conversations."""
    rules = Rules(caps={"": cap_of("5/h")})
    desk.rules = successor.rules = rules
    chats = [await desk.meet(f"a:{n}") for n in range(40)]
    for place in chats:
        await desk.say(place.key.conversation_id, place)
    rounds = [await asyncio.gather(desk.claim(3), successor.claim(3)) for _ in range(20)]
    left = [claim for both in rounds for claims in both for claim in claims]
    assert len(left) == 5
    assert len({claim.delivery_id for claim in left}) == 5


async def test_counts_are_forgotten_when_no_cap_reaches_back_so_far(desk: Desk) -> None:
    """And with the longest cap there can be, not before."""
    desk.rules = TWO_AN_HOUR
    here = await desk.meet()
    await desk.say("hello", here)
    await desk.drain()
    assert (await desk.store.forget(Old.COUNTS, desk.now)) == (0, None)
    desk.later(31 * 86_400 + 1)
    assert (await desk.store.forget(Old.COUNTS, desk.now)) == (1, None)
