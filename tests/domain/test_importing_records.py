"""Records of other programs: every shape gives the same conversation, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from microsoft_agents.activity import ConversationReference
from microsoft_agents.hosting.core.app.proactive import Conversation

from recado.domain.importing import (
    NEVER,
    Format,
    Record,
    Refused,
    read_reference,
    record_of,
    write_reference,
)
from recado.domain.reference import ConversationKey, Member, Presence, Reference, Sighting
from recado.errors import ForbiddenServiceUrl

APP_ID = "11111111-2222-3333-4444-555555555555"
OTHER_APP = "99999999-2222-3333-4444-555555555555"
URL = "https://smba.trafficmanager.net/emea/"

#: As the protocol writes it.
PLAIN: dict[str, Any] = {
    "activityId": "1",
    "user": {"id": "29:ana", "name": "Ana", "aadObjectId": "ana-object"},
    "bot": {"id": f"28:{APP_ID}", "name": "Bot"},
    "conversation": {
        "id": "a:ana;messageid=1",
        "conversationType": "personal",
        "tenantId": "tenant-1",
        "isGroup": False,
    },
    "channelId": "msteams",
    "locale": "en-GB",
    "serviceUrl": URL,
}


def snake(name: str) -> str:
    """A name as Python writes it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def renamed(value: Any, rename: Any) -> Any:
    """The same with other names."""
    if not isinstance(value, Mapping):
        return value
    return {rename(name): renamed(each, rename) for name, each in value.items()}


def pascal(name: str) -> str:
    """A name as C# writes it."""
    return name[0].upper() + name[1:]


def with_agent(told: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the newer SDKs' name of the bot."""
    return {("agent" if name == "bot" else name): each for name, each in told.items()}


KEY = "proactive/conversations/a:ana;messageid=1"
SDK = Conversation({"aud": APP_ID}, ConversationReference.model_validate(PLAIN))

#: Every shape, with its key and the formats that take it.
SHAPES: dict[str, tuple[Any, str | None, set[str]]] = {
    "camelCase": (PLAIN, None, {"auto", "references"}),
    "snake_case": (renamed(PLAIN, snake), None, {"auto", "references"}),
    "PascalCase": (renamed(PLAIN, pascal), None, {"auto", "references"}),
    "agent": (with_agent(PLAIN), "any", {"auto", "references"}),
    "agent in snake_case": (with_agent(renamed(PLAIN, snake)), None, {"auto", "references"}),
    "nulls": ({**PLAIN, "deliveryMode": None, "agent": None}, None, {"auto", "references"}),
    "teamsfx": (PLAIN, "_tenant-1_a:ana;messageid=1", {"auto", "references", "teamsfx"}),
    "python": (SDK.store_item_to_json(), KEY, {"auto", "references", "sdk-proactive"}),
    "javascript": (
        {"reference": PLAIN, "claims": {"aud": APP_ID, "iss": "x"}, "eTag": "3"},
        KEY,
        {"auto", "references", "sdk-proactive"},
    ),
    ".net": (
        {"$type": "Conversation", "Reference": renamed(PLAIN, pascal), "Claims": {"aud": APP_ID}},
        None,
        {"auto", "references", "sdk-proactive"},
    ),
    "cosmos": (
        {"id": "x", "realId": KEY, "document": SDK.store_item_to_json(), "_etag": "y"},
        None,
        {"auto", "references", "sdk-proactive"},
    ),
    "text in JSON": (
        json.dumps(SDK.store_item_to_json()),
        KEY,
        {"auto", "references", "sdk-proactive"},
    ),
    "in a field": ({"conversationReference": PLAIN, "when": 1}, None, {"auto", "references"}),
    "jsonpickle": (
        {"py/object": "botbuilder.schema.ConversationReference", **renamed(PLAIN, snake)},
        None,
        {"auto", "references"},
    ),
}


def read(
    value: Any, key: str | None = None, form: Format = Format.AUTO, bot: str = APP_ID
) -> Sighting:
    """What an entry is captured as."""
    record = record_of(value, key, form)
    assert record is not None
    return read_reference(record, bot=bot, check_service_url=lambda _: None)


def taken(value: Any, key: str | None, form: Format) -> bool:
    """Whether an entry is neither refused nor passed over."""
    try:
        return record_of(value, key, form) is not None
    except Refused:
        return False


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", list(Format))
def test_every_shape_gives_the_same(shape: str, form: Format) -> None:
    """In the formats that it is of."""
    value, key, forms = SHAPES[shape]
    if str(form) not in forms:
        assert not taken(value, key, form)
        return
    assert read(value, key, form) == Sighting(
        key=ConversationKey(bot=APP_ID, channel="msteams", conversation_id="a:ana;messageid=1"),
        service_url=URL,
        at=NEVER,
        tenant_id="tenant-1",
        conversation_type="personal",
        is_group=False,
        locale="en-GB",
        agent=PLAIN["bot"],
        members=(Member(user_id="29:ana", name="Ana", aad_object_id="ana-object"),),
        presence=Presence.KEPT,
        raw={name: each for name, each in PLAIN.items() if name != "activityId"},
    )


def test_fields_nobody_knows_are_kept() -> None:
    """As they are written, and the whole channel."""
    odd = {
        **PLAIN,
        "channelId": "msteams:COPILOT",
        "new_field": {"some_thing": 1},
        "user": {**PLAIN["user"], "agenticUserId": "x"},
    }
    seen = read(odd)
    assert seen.key.channel == "msteams"
    assert seen.raw["channelId"] == "msteams:COPILOT"
    assert seen.raw["new_field"] == {"some_thing": 1}
    assert seen.raw["user"]["agenticUserId"] == "x"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"conversation": None}, "it has no conversation"),
        ({"conversation": "a"}, "its conversation is no object"),
        ({"conversation": {}}, "it has no conversation.id"),
        ({"conversation": {"id": 7}}, "its conversation.id is no text"),
        ({"conversation": {"id": "a\0b"}}, "its conversation.id cannot be used"),
        ({"conversation": {"id": "\ud800"}}, "its conversation.id cannot be used"),
        ({"conversation": {"id": "a" * 3_000}}, "its conversation.id cannot be used"),
        ({"conversation": {"id": "a", "isGroup": "yes"}}, "isGroup is neither true nor false"),
        ({"channelId": None}, "it has no channelId"),
        ({"channelId": " "}, "it has no channelId"),
        ({"serviceUrl": None}, "it has no serviceUrl"),
        ({"serviceUrl": ["x"]}, "its serviceUrl is no text"),
        ({"user": "ana"}, "its user is no object"),
        ({"user": {"id": "a", "name": 1}}, "its user.name is no text"),
        ({"bot": {"id": f"28:{OTHER_APP}"}}, f"it belongs to bot {OTHER_APP}, and this is bot"),
    ],
    ids=repr,
)
def test_what_nothing_could_be_sent_to_is_refused(change: dict[str, Any], why: str) -> None:
    """And why."""
    with pytest.raises(Refused, match=why):
        read(PLAIN | change)


@pytest.mark.parametrize("value", [None, 7, "text", [], [PLAIN], True, {}, {"id": "x"}])
def test_what_is_no_reference_is_refused(value: Any) -> None:
    """Whatever it is."""
    with pytest.raises(Refused, match=r"it is no object|it has no conversation"):
        record_of(value, "key", Format.AUTO)


def test_conversations_of_another_bot_are_refused() -> None:
    """By the claims, too; without credentials this bot owns none that has an owner."""
    record = {"claims": {"aud": OTHER_APP}, "reference": {**PLAIN, "bot": {"id": "x"}}}
    with pytest.raises(Refused, match="set MicrosoftAppId to that bot's"):
        read(record)
    assert read(record, bot=OTHER_APP.upper()).key.bot == OTHER_APP.upper()
    with pytest.raises(Refused, match="and this bot has no id"):
        read(PLAIN, bot="local")
    record = {"claims": {"aud": "https://api.botframework.com"}, "reference": PLAIN}
    assert read(record).key.bot == APP_ID


def test_other_state_in_the_same_file_is_passed_over() -> None:
    """When it is known to be a file of the SDK's state."""
    assert record_of({"count": 1}, "msteams/users/29:ana", Format.SDK_PROACTIVE) is None
    with pytest.raises(Refused, match="it needs a reference and claims"):
        record_of({"count": 1}, KEY, Format.SDK_PROACTIVE)


def test_a_service_url_is_checked() -> None:
    """As that of an activity is."""

    def check(url: str) -> None:
        raise ForbiddenServiceUrl(url)

    with pytest.raises(ForbiddenServiceUrl, match=URL):
        read_reference(Record(reference=PLAIN, claims={}), bot=APP_ID, check_service_url=check)


@pytest.mark.parametrize(
    "user",
    [
        {"id": "a:ana;messageid=1"},
        {"id": " "},
        {"id": f"28:{OTHER_APP}"},
        {"id": "x", "role": "skill"},
        PLAIN["bot"],
        {},
        None,
    ],
    ids=repr,
)
def test_who_is_no_person_is_no_member(user: Any) -> None:
    """The bot itself, another one, or the conversation."""
    assert read(PLAIN | {"user": user}).members == ()


def test_only_some_channels_vouch_for_people() -> None:
    """Elsewhere anybody can say that they are somebody else."""
    user = {"id": "u", "name": "U", "aadObjectId": "o", "email": "u@example.com"}
    told = PLAIN | {"user": user}
    assert read(told).members == (
        Member(user_id="u", name="U", aad_object_id="o", email="u@example.com"),
    )
    assert read(told | {"channelId": "webchat"}).members == (Member(user_id="u", name="U"),)


def test_what_is_written_is_read_back() -> None:
    """A reference as the protocol has it, with what is right now."""
    seen = read(PLAIN)
    known = Reference(
        number=1,
        id="r",
        key=seen.key,
        service_url="https://newer.example/",
        first_seen=NEVER,
        last_seen=NEVER,
        tenant_id=seen.tenant_id,
        conversation_type=seen.conversation_type,
        agent=seen.agent,
        members=seen.members,
        raw=seen.raw,
    )
    written = write_reference(known)
    expected = {**seen.raw, "serviceUrl": "https://newer.example/"}
    assert written == expected
    ConversationReference.model_validate(written)


def test_what_is_written_of_one_that_was_made_here() -> None:
    """Nothing was ever received of it."""
    key = ConversationKey(bot=APP_ID, channel="msteams", conversation_id="a:eva")
    eva = Member(user_id="29:eva", name="Eva")
    known = Reference(
        number=1,
        id="r",
        key=key,
        service_url=URL,
        first_seen=NEVER,
        last_seen=NEVER,
        members=(eva,),
        locale="de",
    )
    assert write_reference(known) == {
        "bot": {"id": APP_ID},
        "user": {"id": "29:eva", "name": "Eva"},
        "locale": "de",
        "channelId": "msteams",
        "conversation": {"id": "a:eva"},
        "serviceUrl": URL,
    }
