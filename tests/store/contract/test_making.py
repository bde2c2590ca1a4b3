"""Conversations made from here: their references, and what waits for them."""

from __future__ import annotations

from typing import Any

import pytest

from recado.domain.delivery import OnUnknown, State
from recado.domain.making import Made, Wish
from recado.domain.reference import Health, Member, Reference
from recado.domain.roster import RosterMember
from recado.store.port import Claim
from tests.store.kit import Desk

EVA = Member(user_id="29:eva", name="Eva", aad_object_id="aad-eva", email="eva@example.com")
AGENT = {"id": "28:bot", "name": "Bot"}


def make_wish(member: Member = EVA, **changes: Any) -> Wish:
    """The wish to speak to Eva."""
    told: dict[str, Any] = {
        "bot": "local",
        "channel": "msteams",
        "service_url": "https://smba.trafficmanager.net/emea/",
        "member": member,
        "tenant_id": "tenant-1",
        "agent": AGENT,
    }
    return Wish(**(told | changes))


async def settle_made(desk: Desk, claim: Claim, conversation_id: str = "a:eva") -> None:
    """The channel has made the conversation of a delivery."""
    made = Made(conversation_id=conversation_id, service_url="https://smba.example/amer/")
    await desk.settle(claim, State.PENDING, reason=None, uncounted=True, made=made)


async def reload(desk: Desk, known: Reference) -> Reference:
    """A reference as it is now."""
    found = await desk.store.reference(known.id)
    assert found is not None
    return found


async def test_a_wish_has_one_reference(desk: Desk) -> None:
    """Whole, and told from those an activity has come from."""
    wished = await desk.store.wish(make_wish())
    assert (wished.unmade, wished.heard, wished.private) == (True, False, True)
    assert wished.members[0].account() == EVA.account()
    assert wished.pace_key == "to-be-made:29:eva"
    assert await desk.store.wish(make_wish()) == wished
    assert (await desk.store.wish(make_wish(bot="other"))).id != wished.id
    assert await desk.store.find_references("local", "aad-eva") == [wished]


async def test_the_conversation_is_made_first(desk: Desk) -> None:
    """Then the delivery goes on under its id, with nothing counted against it."""
    wished = await desk.store.wish(make_wish())
    said = await desk.say("hello", wished)
    claim = await desk.claim_of(said)
    assert (claim.unmade, claim.pace_key) == (True, "29:eva")
    await settle_made(desk, claim)
    made = await reload(desk, wished)
    assert made.key.conversation_id == "a:eva"
    assert (made.unmade, made.heard, made.service_url) == (
        False,
        False,
        "https://smba.example/amer/",
    )
    claim = await desk.claim_of(said)
    assert (claim.unmade, claim.attempt, claim.conversation_id) == (False, 1, "a:eva")
    assert claim.pace_key == "a:eva"
    assert '"conversation":{"id":"a:eva"' in claim.address
    await desk.settle(claim)
    assert (await desk.detail(said)).attempts[0].number == 1


async def test_what_is_known_already_is_joined(desk: Desk) -> None:
    """In order, and what a stale name is given later follows."""
    wished = await desk.store.wish(make_wish())
    texts = ["one", "two"]
    for text in texts:
        await desk.say(text, wished)
    (claim,) = await desk.claim()
    known = await desk.meet("a:eva", members=())
    await settle_made(desk, claim)
    assert [each.lane for each in await desk.claim()] == [known.number]
    await desk.say("three", wished)
    (again,) = [each for each in await desk.claim() if each.unmade]
    await settle_made(desk, again)
    assert (await reload(desk, known)).key.conversation_id == "a:eva"
    assert (await reload(desk, wished)).unmade


async def test_the_person_comes_meanwhile(desk: Desk) -> None:
    """What waits goes where they are; what is being asked for follows."""
    wished = await desk.store.wish(make_wish())
    first, second = await desk.say("one", wished), await desk.say("two", wished)
    later = await desk.say("later", wished, due_at=desk.later(0) + desk.clock.now().resolution)
    claim = await desk.claim_of(first)
    chat = await desk.meet("a:from-eva", members=(EVA,))
    assert chat.heard
    await settle_made(desk, claim, "a:from-eva")
    desk.later(1)
    await desk.store.promote(desk.now, 10)
    for each in (first, second, later):
        assert (await desk.detail(each)).delivery.reference_id == chat.id
    assert sorted(await desk.drain()) == ["later", "one", "two"]


@pytest.mark.parametrize("by", ["29:eva", "aad-eva"])
async def test_who_could_not_be_reached_comes_by_themselves(desk: Desk, by: str) -> None:
    """And gets what waited, by whichever of their ids they were named."""
    member = EVA if by == "29:eva" else Member(user_id="aad-eva")
    wished = await desk.store.wish(make_wish(member))
    held = await desk.make_unreachable(wished, Health.UNINSTALLED)
    waiting = await desk.say("and this", wished)
    assert await desk.state(waiting) is State.HELD
    captured = await desk.see("a:from-eva", members=(EVA,))
    assert captured.new
    assert captured.released == 2
    assert {await desk.state(each) for each in (held, waiting)} == {State.PENDING}
    assert len(await desk.drain()) == 2


async def test_a_failure_finds_who_came_meanwhile(desk: Desk) -> None:
    """The refusal was about a conversation that is not needed any more."""
    wished = await desk.store.wish(make_wish())
    said = await desk.say("hello", wished)
    claim = await desk.claim_of(said)
    await desk.see("a:from-eva", members=(EVA,))
    await desk.settle(
        claim,
        State.HELD,
        reason="unreachable",
        health=Health.UNINSTALLED,
        health_reason="ForbiddenOperationException",
    )
    assert await desk.drain() == ["hello"]


@pytest.mark.parametrize("on_unknown", list(OnUnknown))
async def test_a_crash_while_it_is_made(desk: Desk, successor: Desk, on_unknown: OnUnknown) -> None:
    """Is no reason to park: nothing was said."""
    wished = await desk.store.wish(make_wish())
    said = await desk.say("hello", wished, on_unknown=on_unknown)
    await desk.claim_of(said)
    (lost,) = await successor.store.reap("successor", desk.later(31), 10)
    assert lost.state is State.RETRYING
    claim = await successor.claim_of(said)
    assert (claim.unmade, claim.maybe_sent) == (True, False)


async def test_a_conversation_is_made_again(desk: Desk) -> None:
    """Keeping its history of refusals, until something is delivered."""
    known = await desk.meet("a:old")
    said = await desk.say("hello", known)
    claim = await desk.claim_of(said)
    retried = {"due_at": desk.now, "reason": "ConversationNotFound", "make_again": True}
    await desk.settle(claim, State.RETRYING, **retried)
    claim = await desk.claim_of(said)
    assert (claim.unmade, claim.remade, claim.conversation_id) == (True, False, "a:old")
    await settle_made(desk, claim, "a:new")
    claim = await desk.claim_of(said)
    assert (claim.remade, claim.conversation_id) == (True, "a:new")
    assert (claim.last_status, claim.strikes) == (503, 1)
    made = await reload(desk, known)
    assert (made.heard, made.key.conversation_id) == (True, "a:new")


async def test_an_activity_ends_the_need_to_make_it(desk: Desk) -> None:
    """It came from there, so it is there."""
    known = await desk.meet("a:old")
    claim = await desk.claim_of(await desk.say("hello", known))
    await desk.settle(claim, State.RETRYING, due_at=desk.now, make_again=True)
    desk.later(1)
    await desk.see("a:old")
    (claim,) = await desk.claim()
    assert (claim.unmade, claim.remade) == (False, False)


async def test_a_thread_begins_in_its_channels_lane(desk: Desk) -> None:
    """And is a conversation of its own afterwards."""
    channel = await desk.meet(
        "19:c@thread.tacv2", is_group=True, conversation_type="channel", members=()
    )
    claim = await desk.claim_of(await desk.say("hello", channel))
    assert not claim.opens_thread
    name = "19:c@thread.tacv2;messageid=7"
    url = channel.service_url
    made = Made(conversation_id=name, service_url=url, thread=True)
    await desk.settle(claim, made=made)
    found = await desk.store.find_conversation("local", name)
    assert found is not None
    assert (found.heard, found.pace_key, found.tenant_id) == (
        False,
        "19:c@thread.tacv2",
        "tenant-1",
    )
    assert await desk.store.thread(channel, name) == found
    assert await desk.store.find_channel("local", "19:c@thread.tacv2") == channel
    assert await desk.store.find_channel("other", "19:c@thread.tacv2") is None


async def test_a_channel_known_by_a_thread(desk: Desk) -> None:
    """The one seen last; ids that only begin alike are others."""
    for name in ("19:c;messageid=1", "19:c;messageid=22", "19:cc;messageid=3", "19:c;other"):
        desk.later(1)
        await desk.see(name, is_group=True)
    found = await desk.store.find_channel("local", "19:c")
    assert found is not None
    assert found.key.conversation_id == "19:c;messageid=22"


async def test_a_roster_is_kept_page_by_page(desk: Desk) -> None:
    """And says where to go on, until it has been read to its end."""
    team = await desk.meet("19:team", is_group=True, members=())
    begun = desk.now
    told: dict[str, Any] = {"began_at": begun, "now": begun, "continuation": "2", "listed": 1}
    await desk.store.keep_roster(team.id, [RosterMember(member=EVA)], **told)
    reading = await desk.store.roster_reading(team.id)
    assert reading is not None
    assert (reading.began_at, reading.continuation, reading.listed) == (begun, "2", 1)
    ben = RosterMember(member=Member(user_id="29:ben"), principal_name="Ben@Example.com")
    told |= {"now": desk.later(1), "continuation": None, "listed": 2}
    await desk.store.keep_roster(team.id, [ben], **told)
    assert await desk.store.roster_reading(team.id) is None
    page = await desk.store.roster(team.id, limit=1)
    assert [each.member.user_id for each in page.items] == ["29:ben"]
    page = await desk.store.roster(team.id, after=page.next, limit=1)
    assert [each.member for each in page.items] == [EVA]
    assert page.next is None
    found = await desk.store.find_listed("local", "ben@EXAMPLE.com")
    assert found is not None
    assert (found[0].member.user_id, found[1]) == ("29:ben", team)


async def test_who_is_not_listed_any_more_has_left(desk: Desk) -> None:
    """But not before the reading has come to its end."""
    team = await desk.meet("19:team", is_group=True, members=())
    for members, more in (([EVA], None), ([], "2"), ([], None)):
        now = desk.later(1)
        await desk.store.keep_roster(
            team.id,
            [RosterMember(member=each) for each in members],
            began_at=now,
            now=now,
            continuation=more,
            listed=len(members),
        )
        left = (await desk.store.roster(team.id)).items
        assert len(left) == (0 if (members, more) == ([], None) else 1)
