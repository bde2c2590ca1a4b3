"""Capture: what sightings make of references."""

from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest

from recado.domain.delivery import HeldReason, State
from recado.domain.reference import Health, Member, Presence
from recado.testing import START, make_sighting
from tests.store.kit import SECOND, Desk

#: Everything that has been seen in ids of conversations, and what has not but might be.
ODD_IDS = [
    "19:abc@thread.tacv2;messageid=1700000000000",
    "a:1|2:b@c;d=e f+%41/g?h#i&j",
    "conversation with spaces and\ttab",
    "19:meeting_Zürich-東京-🎉@thread.v2",
    "' OR 1=1 --",
    '{"json":"like"}',
    "%",
    "x" * 2_000,
]

ANA = Member(user_id="29:ana", name="Ana", aad_object_id="oid-ana", email="Ana@Example.com")


async def test_a_new_conversation_becomes_a_reference(desk: Desk) -> None:
    """Everything a sighting tells can be read back."""
    agent = {"id": "28:bot", "name": "Bot", "extra": [1, None]}
    raw = {"conversation": {"id": "a:1"}, "locale": "es", "unknown": {"kept": None}}
    captured = await desk.see(
        conversation_type="groupChat",
        is_group=True,
        name="Équipe 🎈",
        locale="es-MX",
        timezone="America/Mexico_City",
        agent=agent,
        raw=raw,
        members=(ANA,),
    )
    found = await desk.find()
    assert captured.new
    assert captured.number == found.number
    assert captured.released == 0
    assert (found.service_url, found.tenant_id) == (
        "https://smba.trafficmanager.net/emea/",
        "tenant-1",
    )
    assert (found.conversation_type, found.is_group, found.name) == ("groupChat", True, "Équipe 🎈")
    assert (found.locale, found.timezone) == ("es-MX", "America/Mexico_City")
    assert (found.agent, found.raw) == (agent, raw)
    assert found.health is Health.ACTIVE
    assert (found.first_seen, found.last_seen) == (START, START)
    assert [(m.user_id, m.name, m.aad_object_id) for m in found.members] == [
        ("29:ana", "Ana", "oid-ana")
    ]
    assert found.members[0].last_seen == START


async def test_results_come_in_the_order_of_the_sightings(desk: Desk) -> None:
    """One result per sighting, also when one conversation is seen twice."""
    first, second, again = await desk.store.capture(
        [make_sighting("a:1"), make_sighting("a:2"), make_sighting("a:1")]
    )
    assert [first.new, second.new, again.new] == [True, True, False]
    assert first.number == again.number != second.number


@pytest.mark.parametrize("conversation_id", ODD_IDS)
async def test_ids_are_kept_whole(desk: Desk, conversation_id: str) -> None:
    """An id is opaque: it is neither cut, decoded nor normalised, and is found as it is."""
    reference = await desk.meet(conversation_id)
    assert reference.key.conversation_id == conversation_id
    found = await desk.store.find_conversation("local", conversation_id)
    assert found is not None
    assert found.id == reference.id
    await desk.say("hello", reference)
    (claim,) = await desk.claim()
    assert claim.conversation_id == conversation_id
    assert json.loads(claim.address)["conversation"]["id"] == conversation_id


async def test_similar_ids_are_different_conversations(desk: Desk) -> None:
    """Case, spaces, escapes and accents composed otherwise make another conversation."""
    ids = ["a:1", "A:1", "a:1 ", " a:1", "a%3A1", "é", "e\u0301", "a:1;messageid=1"]
    await desk.store.capture([make_sighting(each) for each in ids])
    page = await desk.store.references()
    assert [each.key.conversation_id for each in page.items] == ids


async def test_bot_and_channel_are_part_of_the_identity(desk: Desk) -> None:
    """The same id under another bot or channel is another conversation."""
    numbers = {
        (await desk.see("a:1")).number,
        (await desk.see("a:1", bot="other")).number,
        (await desk.see("a:1", channel="webchat")).number,
    }
    assert len(numbers) == 3


async def test_tenant_and_service_url_are_not(desk: Desk) -> None:
    """Seen without a tenant, channel data or service URL it is the same conversation, unchanged."""
    first = await desk.meet()
    captured = await desk.see(
        at=desk.later(1), tenant_id=None, service_url="", conversation_type=None, is_group=None
    )
    assert not captured.new
    again = await desk.find()
    assert (again.id, again.tenant_id, again.service_url) == (
        first.id,
        "tenant-1",
        "https://smba.trafficmanager.net/emea/",
    )
    assert again.conversation_type == "personal"


async def test_a_later_sighting_replaces_what_it_carries(desk: Desk) -> None:
    """Every field that comes anew is refreshed; the first sight of it stays."""
    first = await desk.meet()
    at = desk.later(60)
    await desk.see(
        service_url="https://smba.trafficmanager.net/amer/",
        tenant_id="tenant-2",
        conversation_type="channel",
        is_group=True,
        name="New",
        locale="de",
        timezone="Europe/Berlin",
        agent={"id": "28:other"},
        raw={"new": 1},
    )
    found = await desk.find()
    assert (found.id, found.number) == (first.id, first.number)
    assert (found.service_url, found.tenant_id) == (
        "https://smba.trafficmanager.net/amer/",
        "tenant-2",
    )
    assert (found.conversation_type, found.is_group, found.name) == ("channel", True, "New")
    assert (found.locale, found.timezone) == ("de", "Europe/Berlin")
    assert (found.agent, found.raw) == ({"id": "28:other"}, {"new": 1})
    assert (found.first_seen, found.last_seen) == (START, at)


async def test_fields_a_sighting_lacks_stay(desk: Desk) -> None:
    """An activity that says less clears nothing."""
    before = await desk.meet(name="Name", locale="es", timezone="Europe/Madrid", members=(ANA,))
    await desk.see(
        at=desk.later(1),
        service_url="",
        tenant_id=None,
        conversation_type=None,
        is_group=None,
        name=None,
        locale=None,
        timezone=None,
        agent=None,
        members=(),
        raw={},
    )
    after = await desk.find()
    for field in (
        "service_url",
        "tenant_id",
        "conversation_type",
        "is_group",
        "name",
        "locale",
        "timezone",
        "agent",
        "raw",
        "members",
    ):
        assert getattr(after, field) == getattr(before, field), field


async def test_an_older_sighting_overwrites_nothing(desk: Desk) -> None:
    """Activities arrive out of order; what was seen later stays."""
    desk.later(60)
    before = await desk.meet(name="New", locale="es", timezone="Europe/Madrid", members=(ANA,))
    captured = await desk.see(
        at=START,
        service_url="https://old.example/",
        tenant_id="old",
        conversation_type="old",
        name="Old",
        locale="xx",
        timezone="Old/Old",
        agent={"id": "old"},
        raw={"old": 1},
        members=(Member(user_id="29:ana", name="Old", aad_object_id="old", email="old@x"),),
    )
    after = await desk.find()
    assert not captured.new
    assert after == before


async def test_an_older_sighting_fills_gaps(desk: Desk) -> None:
    """What nobody has told since is taken from it, people included."""
    desk.later(60)
    await desk.see(
        service_url="",
        tenant_id=None,
        agent=None,
        members=(Member(user_id="29:ana", name="Ana"),),
        raw={},
    )
    await desk.see(
        at=START,
        locale="es",
        raw={"kept": True},
        members=(
            Member(user_id="29:ana", name="Old", email="ana@example.com"),
            Member(user_id="29:ben", name="Ben"),
        ),
    )
    found = await desk.find()
    assert found.last_seen == START + 60 * SECOND
    assert found.service_url == "https://smba.trafficmanager.net/emea/"
    assert (found.tenant_id, found.locale, found.raw) == ("tenant-1", "es", {"kept": True})
    assert found.agent == {"id": "28:bot", "name": "Bot"}
    people = {member.user_id: (member.name, member.email) for member in found.members}
    assert people == {"29:ana": ("Ana", "ana@example.com"), "29:ben": ("Ben", None)}


async def test_health_is_not_told_by_older_sightings(desk: Desk) -> None:
    """Neither a stale goodbye nor a stale greeting changes what has become of a conversation."""
    desk.later(60)
    await desk.see()
    await desk.see(at=START, presence=Presence.LEFT)
    found = await desk.find()
    assert (found.health, found.health_reason) == (Health.ACTIVE, None)
    desk.later(60)
    await desk.see(presence=Presence.LEFT)
    await desk.see(at=START)
    found = await desk.find()
    assert (found.health, found.health_reason) == (Health.UNINSTALLED, "removed")


async def test_one_instant_in_two_zones_is_one_instant(desk: Desk) -> None:
    """Times are compared as instants, whatever zone they are written in."""
    await desk.see(at=START.astimezone(timezone(timedelta(hours=9))), name="first")
    await desk.see(at=START.astimezone(timezone(timedelta(hours=-8))), name="second")
    found = await desk.find()
    assert (found.name, found.last_seen) == ("second", START)


# -- people ----------------------------------------------------------------------------------


async def test_people_come_and_go(desk: Desk) -> None:
    """Members are added and refreshed, and those who departed are gone."""
    await desk.see(members=(ANA,), is_group=True)
    await desk.see(at=desk.later(1), members=(Member(user_id="29:ben", name="Ben"),))
    await desk.see(at=desk.later(1), members=(Member(user_id="29:ana", name="Ana María"),))
    found = await desk.find()
    assert [(m.user_id, m.name) for m in found.members] == [
        ("29:ana", "Ana María"),
        ("29:ben", "Ben"),
    ]
    assert found.members[0].aad_object_id == "oid-ana"
    await desk.see(at=desk.later(1), members=(), departed=("29:ana", "29:stranger"))
    assert [m.user_id for m in (await desk.find()).members] == ["29:ben"]


async def test_who_came_back_is_not_removed_by_an_older_goodbye(desk: Desk) -> None:
    """A departure that arrives after a later sight of the person says nothing new."""
    desk.later(60)
    await desk.see(members=(ANA,))
    await desk.see(at=START, members=(), departed=("29:ana",))
    assert [m.user_id for m in (await desk.find()).members] == ["29:ana"]


async def test_people_belong_to_their_conversation(desk: Desk) -> None:
    """Leaving one conversation changes nothing in another (a dictionary keyed by user would)."""
    await desk.see("a:1", members=(ANA,))
    await desk.see("19:group", members=(ANA,), is_group=True, conversation_type="groupChat")
    await desk.see("19:group", members=(), departed=("29:ana",))
    assert [m.user_id for m in (await desk.find("a:1")).members] == ["29:ana"]
    assert (await desk.find("19:group")).members == ()


# -- addresses -------------------------------------------------------------------------------


async def test_a_private_chat_is_addressed_to_its_person(desk: Desk) -> None:
    """What goes out names the bot, the person and the conversation, as they are now."""
    reference = await desk.meet(members=(ANA,))
    await desk.see(at=desk.later(1), members=(Member(user_id="29:ana", name="Ana María"),))
    await desk.say("hello", reference)
    (claim,) = await desk.claim()
    assert json.loads(claim.address) == {
        "channelId": "msteams",
        "from": {"id": "28:bot", "name": "Bot"},
        "recipient": {"id": "29:ana", "name": "Ana María", "aadObjectId": "oid-ana"},
        "conversation": {"id": "a:1", "conversationType": "personal", "tenantId": "tenant-1"},
    }


async def test_a_group_is_addressed_as_itself(desk: Desk) -> None:
    """In a group nobody in particular is meant."""
    reference = await desk.meet("19:g", is_group=True, conversation_type="groupChat", name="All")
    await desk.say("hello", reference)
    (claim,) = await desk.claim()
    address = json.loads(claim.address)
    assert address["recipient"] == {"id": "19:g"}
    assert address["conversation"] == {
        "id": "19:g",
        "isGroup": True,
        "conversationType": "groupChat",
        "tenantId": "tenant-1",
        "name": "All",
    }


async def test_two_people_make_no_private_recipient(desk: Desk) -> None:
    """A second person in a chat is as much meant as the first."""
    reference = await desk.meet(members=(ANA, Member(user_id="29:ben")))
    await desk.say("hello", reference)
    (claim,) = await desk.claim()
    assert json.loads(claim.address)["recipient"] == {"id": "a:1"}


# -- presence --------------------------------------------------------------------------------


async def test_leaving_holds_what_waits(desk: Desk) -> None:
    """Where the bot was removed, nothing is attempted: pending and retrying wait for its return."""
    reference = await desk.meet()
    retrying = await desk.say("one", reference)
    pending = await desk.say("two", reference)
    await desk.send(State.RETRYING, due_at=desk.now)
    await desk.see(at=desk.later(1), presence=Presence.LEFT, members=())
    assert (await desk.find()).health is Health.UNINSTALLED
    for each in (retrying, pending):
        assert await desk.standing(each) == (State.HELD, HeldReason.UNREACHABLE)
    assert await desk.claim() == []
    assert await desk.store.next_due() is None


async def test_leaving_lets_what_is_being_sent_end(desk: Desk) -> None:
    """A request on the wire is settled as it ends; if it is to be tried again it is held."""
    reference = await desk.meet()
    sending = await desk.say("one", reference)
    behind = await desk.say("two", reference)
    (claim,) = await desk.claim()
    await desk.see(at=desk.later(1), presence=Presence.LEFT, members=())
    assert await desk.state(sending) is State.SENDING
    assert await desk.state(behind) is State.HELD
    await desk.settle(claim, State.RETRYING, due_at=desk.now)
    assert await desk.standing(sending) == (State.HELD, HeldReason.UNREACHABLE)
    assert await desk.claim() == []


async def test_coming_back_releases_in_order_behind_what_is_there(desk: Desk) -> None:
    """What was held for a conversation enters the end of its lane in its old order."""
    reference = await desk.meet()
    for text in ("one", "two", "three"):
        await desk.say(text, reference)
    await desk.see(at=desk.later(1), presence=Presence.LEFT, members=())
    await desk.say("four", reference)
    captured = await desk.see(at=desk.later(1))
    assert captured.released == 4
    assert (await desk.find()).health is Health.ACTIVE
    assert await desk.drain() == ["one", "two", "three", "four"]


@pytest.mark.parametrize("health", [health for health in Health if not health.reachable])
async def test_any_activity_ends_unreachability(desk: Desk, health: Health) -> None:
    """However a conversation became unreachable, its person's return releases what waits."""
    reference = await desk.meet()
    held = await desk.make_unreachable(reference, health)
    found = await desk.find()
    assert (found.health, found.health_reason) == (health, "told")
    captured = await desk.see(at=desk.later(1))
    assert captured.released == 1
    assert await desk.state(held) is State.PENDING
    found = await desk.find()
    assert (found.health, found.health_reason) == (Health.ACTIVE, None)


async def test_other_reasons_are_not_released_by_presence(desk: Desk) -> None:
    """What waits for a time or a handler goes on waiting."""
    reference = await desk.meet()
    backoff = await desk.delivery_in(State.HELD, reference)
    await desk.see(at=desk.later(1), presence=Presence.LEFT, members=())
    captured = await desk.see(at=desk.later(1))
    assert captured.released == 0
    assert await desk.standing(backoff) == (State.HELD, HeldReason.BACKOFF)


async def test_a_large_group_is_addressed_as_itself(desk: Desk) -> None:
    """However many are in it; and it stays private while there is one."""
    crowd = tuple(Member(user_id=f"29:{number}") for number in range(50))
    reference = await desk.meet("19:g", members=crowd)
    await desk.say("hello", reference)
    (claim,) = await desk.claim()
    assert json.loads(claim.address)["recipient"] == {"id": "19:g"}


async def test_an_install_can_be_the_first_sight(desk: Desk) -> None:
    """A conversation may be seen for the first time when the bot leaves it."""
    captured = await desk.see(presence=Presence.LEFT, members=())
    assert captured.new
    assert (await desk.find()).health is Health.UNINSTALLED


# -- touch -----------------------------------------------------------------------------------


async def test_touch_is_committed_before_long(desk: Desk) -> None:
    """A refresh nobody waits for is there a moment later."""
    await desk.see()
    desk.store.touch(make_sighting(at=desk.later(5), name="Touched"))
    found = await desk.find()
    while found.name != "Touched":
        await desk.store.check()
        found = await desk.find()
    assert found.last_seen == START + 5 * SECOND


async def test_touch_releases_too(desk: Desk) -> None:
    """A known person who is back gets what waited, and those who deliver are woken."""
    woken: list[bool] = []
    reference = await desk.meet()
    held = await desk.make_unreachable(reference)
    desk.store.on_work(lambda: woken.append(True))
    desk.store.touch(make_sighting(at=desk.later(5)))
    while await desk.state(held) is not State.PENDING:
        await desk.store.check()
    assert woken


async def test_capture_wakes_those_who_deliver_when_it_released(desk: Desk) -> None:
    """And only then."""
    woken: list[bool] = []
    reference = await desk.meet()
    await desk.make_unreachable(reference)
    desk.store.on_work(lambda: woken.append(True))
    await desk.see("a:2")
    assert not woken
    await desk.see(at=desk.later(1))
    assert woken == [True]


async def test_half_a_surrogate_pair_harms_nobody(desk: Desk) -> None:
    """JSON may carry text that UTF-8 cannot; the conversation is stored nevertheless."""
    await desk.see(
        name="broken \ud83d",
        agent={"id": "28:bot", "name": "\udc00"},
        members=(Member(user_id="29:ana", name="\ud800", email="\udfff@x"),),
        raw={"text": "\ud83d"},
    )
    found = await desk.find()
    assert found.name == "broken ?"
    assert found.raw == {"text": "\ud83d"}
    assert found.members[0].name == "?"
