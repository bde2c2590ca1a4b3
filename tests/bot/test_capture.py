"""Capture: what inbound activities leave behind."""

from __future__ import annotations

from typing import Any

import pytest
from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import ClaimsIdentity

from recado.bot.capture import sighting_of
from recado.domain.reference import Health, Presence, Sighting
from recado.errors import StoreUnavailable
from recado.telemetry import ServiceFailed
from recado.testing import START
from tests.bot.kit import ANA, BEN, BOT, SERVICE_URL, Bench, Echo, activity, group, message


def sighted(told: dict[str, Any], *, raw: bool = False) -> Sighting:
    """The sighting of an activity."""
    seen = sighting_of(Activity.model_validate(told), "local", START, told if raw else None)
    assert seen is not None
    return seen


KINDS: dict[str, dict[str, Any]] = {
    "message": {"text": "hello"},
    "conversationUpdate": {"membersAdded": [ANA, BOT]},
    "installationUpdate": {"action": "add"},
    "event": {"name": "something"},
    "invoke": {"name": "task/fetch"},
    "messageReaction": {"reactionsAdded": [{"type": "like"}]},
}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_activity_is_captured(bench: Bench, kind: str) -> None:
    """A reference is stored from every inbound activity, with no code in the bot."""
    bench.attach(Echo())
    await bench.receive(activity(kind, **KINDS[kind], localTimezone="Europe/Madrid"))
    found = await bench.reference()
    assert found.service_url == SERVICE_URL
    assert (found.tenant_id, found.locale, found.timezone) == ("tenant-1", "en-GB", "Europe/Madrid")
    assert found.agent == BOT
    assert [member.user_id for member in found.members] == ["29:ana"]
    assert found.members[0].aad_object_id == "ana-object"
    assert found.health is Health.ACTIVE


async def test_a_new_reference_is_committed_before_its_turn_runs(bench: Bench) -> None:
    """The bot can speak to a conversation in the very turn in which it is first seen."""
    known: list[str] = []

    class Bot(Echo):
        async def on_turn(self, context: Any) -> None:
            known.append((await bench.reference()).key.conversation_id)

    bench.attach(Bot())
    await bench.receive(message("hello"))
    assert known == ["a:ana"]


async def test_unknown_fields_are_kept(bench: Bench) -> None:
    """The raw reference has what the SDK's models drop."""
    bench.attach(Echo())
    place = {"id": "a:ana", "new": {"deep": None}}
    await bench.receive(message("hi", conversation=place, from_=ANA | {"newer": 1}))
    raw = (await bench.reference()).raw
    assert raw["conversation"] == place
    assert raw["user"] == ANA | {"newer": 1}
    assert raw["bot"] == BOT
    assert raw["channelId"] == "msteams"
    assert raw["serviceUrl"] == SERVICE_URL


async def test_ids_are_never_shortened(bench: Bench) -> None:
    """Conversation ids longer than 150 characters, with any characters, are kept whole."""
    long_id = "a:" + "ñ|/?#%41 ;=" * 40
    bench.attach(Echo())
    await bench.receive(message("hi", conversation={"id": long_id}))
    assert (await bench.reference(long_id)).key.conversation_id == long_id
    assert bench.channel.sent[0].post.conversation_id == long_id
    assert bench.channel.sent[0].activity["conversation"]["id"] == long_id


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"channelData": None},
        {"conversation": {"id": "a:ana"}},
        {"conversation": {"id": "a:ana"}, "channelData": None},
        {"channelId": "msteams:COPILOT"},
        {"entities": [{"type": "ProductInfo", "id": "COPILOT"}]},
        {"recipient": None},
        {"locale": None},
    ],
)
async def test_the_same_chat_is_one_reference_and_loses_nothing(
    bench: Bench, changes: dict[str, Any]
) -> None:
    """With and without tenant, channelData or sub-channel it is the same conversation."""
    bench.attach(Echo())
    await bench.receive(message("one"))
    await bench.receive(message("two", **changes))
    await bench.receive(message("three", id="flush", from_=BEN))  # commits the ridden refresh
    page = await bench.references.page()
    assert len(page.items) == 1
    assert page.items[0].tenant_id == "tenant-1"
    assert page.items[0].locale == "en-GB"
    assert page.items[0].agent is not None


async def test_a_group_never_overwrites_a_private_chat(bench: Bench) -> None:
    """Who speaks in a group is still spoken to in their own chat."""
    bench.attach(Echo())
    await bench.receive(message("in private"))
    await bench.receive(message("in the group", conversation=group()))
    found = await bench.store.find_references("local", "29:ana")
    assert [each.key.conversation_id for each in found] == ["a:ana", "19:group@thread.v2"]
    assert found[0].private
    assert not found[1].private


async def test_the_next_speaker_does_not_own_anothers_job(bench: Bench) -> None:
    """A job belongs to who started it, whoever speaks next in the group."""

    class Bot(Echo):
        async def on_turn(self, context: Any) -> None:
            if context.activity.text == "run":
                await bench.bridge.jobs.start(context)

    bench.attach(Bot())
    await bench.receive(message("run", conversation=group()))
    await bench.receive(message("hello", conversation=group(), from_=BEN))
    job = (await bench.store.jobs(None)).items[0]
    assert job.user is not None
    assert job.user["id"] == "29:ana"
    await bench.bridge.jobs.complete(job)
    claim = await bench.claim()
    assert claim.conversation_id == "19:group@thread.v2"
    assert claim.user is not None
    assert "29:ana" in claim.user


@pytest.mark.parametrize(
    "sender",
    [
        None,
        {},
        {"id": "", "name": ""},
        {"id": " "},
        BOT,
        {"id": "local"},
        {"id": "28:another-app"},
        {"id": "a:ana"},
        {"id": "x", "role": "bot"},
        {"id": "x", "role": "Skill"},
        {"id": "x", "role": "agenticUser"},
    ],
)
def test_only_people_become_members(sender: dict[str, Any] | None) -> None:
    """The bot, other bots, the conversation itself and empty accounts are nobody."""
    told = message("hi", from_=sender) | {}
    told["from"] = {key: value for key, value in (sender or {}).items() if value}
    assert sighted(told).members == ()


def test_people_added_are_members_and_the_bot_is_not() -> None:
    """An update brings people in, each once, the speaker first."""
    told = activity("conversationUpdate", membersAdded=[BOT, BEN, ANA, {"id": "x", "role": "bot"}])
    assert [member.user_id for member in sighted(told).members] == ["29:ana", "29:ben"]


def test_people_removed_have_departed() -> None:
    """An update takes people out, even if they did it themselves."""
    seen = sighted(activity("conversationUpdate", membersRemoved=[ANA]))
    assert seen.members == ()
    assert seen.departed == ("29:ana",)
    assert seen.presence is Presence.HERE


def test_an_end_of_the_conversation_is_no_greeting() -> None:
    """Nothing is said there until the user returns (protocol §1.6)."""
    assert sighted(activity("endOfConversation")).presence is Presence.ENDED


@pytest.mark.parametrize(
    "told",
    [
        activity("installationUpdate", action="remove"),
        activity("installationUpdate", action="remove-upgrade"),
        activity("conversationUpdate", membersRemoved=[BOT]),
        activity("conversationUpdate", membersRemoved=[{"id": "28:local"}]),
        activity("contactRelationUpdate", action="remove"),
        activity("conversationUpdate", channelData={"eventType": "teamDeleted"}),
        activity("conversationUpdate", channelData={"eventType": "teamHardDeleted"}),
    ],
)
def test_removal_of_the_bot_is_seen(told: dict[str, Any]) -> None:
    """Uninstalling or removing the bot says that it has left."""
    assert sighted(told).presence is Presence.LEFT
    assert sighted(told).departed == ()


async def test_removal_holds_deliveries_and_return_revives_them(bench: Bench) -> None:
    """A conversation the bot has left is spoken in again once the bot is back."""
    bench.attach(Echo())
    await bench.receive(message("hi"))
    await bench.receive(activity("installationUpdate", action="remove"))
    assert (await bench.reference()).health is Health.UNINSTALLED
    await bench.outbox.notify("conversation:a:ana", "are you there?")
    assert await bench.claims() == []
    await bench.receive(activity("installationUpdate", action="add"))
    assert (await bench.reference()).health is Health.ACTIVE
    assert await bench.deliver() == ["are you there?"]


@pytest.mark.parametrize(
    "changes",
    [
        {"from_": ANA | {"email": "ana@example.org"}},
        {"from_": ANA | {"userPrincipalName": "ana@example.org"}},
        {"channelData": {"email": "ana@example.org"}},
        {"channelId": "email", "from_": {"id": "ana@example.org"}},
    ],
)
def test_an_email_is_kept_when_known(changes: dict[str, Any]) -> None:
    """People can be found by e-mail when a channel says it."""
    assert sighted(message("hi", **changes)).members[0].email == "ana@example.org"


def test_odd_channel_data_is_tolerated() -> None:
    """Channel data may be anything."""
    for odd in ("text", ["list"], {"tenant": "text"}, {"tenant": {"id": 7}}, 3):
        assert sighted(message("hi", channelData=odd, conversation={"id": "c"})).tenant_id is None


def test_without_a_conversation_there_is_no_sighting() -> None:
    """An activity that names no channel cannot be answered later."""
    nowhere = Activity.model_validate(message("hi", channelId=None))
    assert sighting_of(nowhere, "local", START) is None


def test_raw_is_made_from_the_activity_when_the_json_is_not_known() -> None:
    """Hosts that parse activities themselves lose nothing the SDK models."""
    told = message("hi")
    assert sighted(told).raw == sighted(told, raw=True).raw


async def test_events_built_locally_are_no_sightings(bench: Bench) -> None:
    """ContinueConversation and CreateConversation say nothing about the conversation."""
    echo = Echo()
    bench.attach(echo)
    await bench.receive(message("hi"))
    await bench.receive(activity("installationUpdate", action="remove"))
    reference = echo.heard[0].get_conversation_reference()
    await bench.adapter.continue_conversation(
        "local", reference.get_continuation_activity(), echo.on_turn
    )
    await bench.receive(activity("event", name="flush", conversation=group()))
    assert (await bench.reference()).health is Health.UNINSTALLED


async def test_remember_by_hand(bench: Bench) -> None:
    """remember(context) captures what the middleware did not."""
    found: list[str] = []

    class Bot(Echo):
        async def on_turn(self, context: Any) -> None:
            found.append((await bench.bridge.remember(context)).key.conversation_id)

    bot = Bot()
    await bench.adapter.process_activity(  # not attached
        ClaimsIdentity(), Activity.model_validate(message("hi")), bot.on_turn
    )
    assert found == ["a:ana"]
    assert (await bench.reference()).tenant_id == "tenant-1"


async def test_the_bot_answers_when_capture_fails(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is down is told to telemetry, not to people."""

    async def fail(*_: object) -> None:
        raise StoreUnavailable("The database is locked.")

    bench.attach(Echo())
    monkeypatch.setattr(bench.store, "capture", fail)
    assert await bench.say("hi") == ["echo hi"]
    assert [event.service for event in bench.told(ServiceFailed)] == ["capture"]


def test_a_name_is_taken_only_from_channels_that_vouch_for_it() -> None:
    """On Web Chat anybody may claim to be the managing director."""
    claimed = {"channelId": "webchat", "channelData": {"email": "ceo@example.org"}}
    (member,) = sighted(message("hi", from_=ANA | {"aadObjectId": "ceo-object"}, **claimed)).members
    assert (member.email, member.aad_object_id) == (None, None)
