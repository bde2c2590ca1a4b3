from __future__ import annotations

import base64
from typing import Any

import aiohttp
import pytest

from recado.testing import FakeConnector, Operation
from recado.testing.calls import read_target
from tests.testing.conftest import Bot

ODD = "a:1|x/%41?#&= ñ;messageid=7"


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "conversations", Operation.CREATE),
        ("GET", "conversations", Operation.CONVERSATIONS),
        ("POST", "conversations/c/activities", Operation.SEND),
        ("POST", "conversations/c/activities/a", Operation.REPLY),
        ("PUT", "conversations/c/activities/a", Operation.UPDATE),
        ("DELETE", "conversations/c/activities/a", Operation.DELETE),
        ("POST", "conversations/c/activities/history", Operation.HISTORY),
        ("GET", "conversations/c/members", Operation.MEMBERS),
        ("GET", "conversations/c/members/m", Operation.MEMBER),
        ("DELETE", "conversations/c/members/m", Operation.REMOVE_MEMBER),
        ("GET", "conversations/c/pagedmembers?pageSize=5", Operation.PAGED_MEMBERS),
        ("GET", "conversations/c/activities/a/members", Operation.ACTIVITY_MEMBERS),
        ("POST", "conversations/c/attachments", Operation.UPLOAD),
        ("GET", "attachments/a", Operation.ATTACHMENT),
        ("GET", "attachments/a/views/v", Operation.VIEW),
        ("GET", "teams/t", Operation.TEAM),
        ("GET", "teams/t/conversations", Operation.TEAM_CHANNELS),
        ("PATCH", "conversations", Operation.UNKNOWN),
        ("GET", "conversations/c/activities/a/members/m", Operation.UNKNOWN),
        ("GET", "nothing", Operation.UNKNOWN),
    ],
)
def test_every_route_is_known(method: str, path: str, operation: Operation) -> None:
    """Below any service URL, with or without a path of its own."""
    for base in ("/v3/", "/emea/tenant/v3/"):
        assert read_target(method, base + path).operation is operation


async def test_ids_arrive_as_they_are(channel: FakeConnector, bot: Bot) -> None:
    """Whatever characters they have."""
    status, told = await bot.say(ODD)
    assert status == 201
    assert channel.texts == {ODD: ["hello"]}
    assert channel.requests[0].conversation == ODD
    assert channel.requests[0].activity_id == told["id"]


async def test_what_was_said_can_be_edited_and_removed(channel: FakeConnector, bot: Bot) -> None:
    """Its present state and its history are there to see; the id stays."""
    _, told = await bot.say("a:1", "first")
    where = ("conversations", "a:1", "activities", told["id"])
    edited = {"type": "message", "text": "second"}
    assert await bot.ask("PUT", *where, json=edited) == (200, {"id": told["id"]})
    (said,) = channel.said("a:1")
    assert (said.text, said.edited, said.history[0]["text"]) == ("second", True, "first")
    assert (await bot.ask("DELETE", *where))[0] == 200
    assert channel.said("a:1") == []
    assert said.deleted
    for method in ("PUT", "DELETE"):
        status, refused = await bot.ask(method, *where, json=edited)
        assert (status, refused["error"]["code"]) == (404, "ActivityNotFoundInConversation")
    assert channel.texts["a:1"] == ["first"]


async def test_a_reply_is_said_whatever_it_replies_to(channel: FakeConnector, bot: Bot) -> None:
    """As every SDK relies on."""
    body = {"type": "message", "text": "re"}
    status, _ = await bot.ask("POST", "conversations", "a:1", "activities", "f:9", json=body)
    assert status == 201
    assert channel.texts["a:1"] == ["re"]
    assert channel.requests[0].asked.part == "f:9"


async def test_typing_leaves_nothing(channel: FakeConnector, bot: Bot) -> None:
    """It is a request and nothing that stays."""
    where = ("conversations", "a:1", "activities")
    status, _ = await bot.ask("POST", *where, json={"type": "typing"})
    assert status == 201
    assert (channel.record.arrived, channel.record.taken) == (1, 0)


async def test_a_transcript_is_said_in_its_order(channel: FakeConnector, bot: Bot) -> None:
    """In one request."""
    where = ("conversations", "a:1", "activities", "history")
    activities = [{"type": "message", "text": text} for text in "abc"]
    status, _ = await bot.ask("POST", *where, json={"activities": activities})
    assert status == 201
    assert channel.texts["a:1"] == ["a", "b", "c"]


# -- Teams: create conversation (protocol §2.3) ----------------------------------------------


def _chat(user: str = "29:ana", **more: Any) -> dict[str, Any]:
    return {"isGroup": False, "members": [{"id": user}], "tenantId": "t"} | more


HELLO = {"type": "message", "text": "hello"}


async def test_a_private_chat_is_always_the_same(channel: FakeConnector, bot: Bot) -> None:
    """By either id of the person, and also where it was known before."""
    ana = channel.person("ana")
    aad = ana.members[0]["aadObjectId"]
    for user in ("29:ana", aad):
        assert await bot.ask("POST", "conversations", json=_chat(user)) == (201, {"id": "a:ana"})
    first = await bot.ask("POST", "conversations", json=_chat("29:ben"))
    assert first[1]["id"].startswith("a:1")
    tenant = {"tenantId": None, "channelData": {"tenant": {"id": "t"}}}
    assert await bot.ask("POST", "conversations", json=_chat("29:ben", **tenant)) == first


async def test_a_first_activity_is_said_and_gets_no_id(channel: FakeConnector, bot: Bot) -> None:
    """So it is not the way to say something that must not be lost."""
    status, told = await bot.ask("POST", "conversations", json=_chat(activity=HELLO))
    assert (status, list(told)) == (201, ["id"])
    assert channel.texts[told["id"]] == ["hello"]


async def test_a_thread_is_begun_with_an_activity(channel: FakeConnector, bot: Bot) -> None:
    """It gets an id of its own, and shares members and tenant of its channel."""
    team = channel.team("Sales", ["ana", "ben"])
    body = {"isGroup": True, "channelData": {"channel": {"id": team.id}}, "activity": HELLO}
    status, told = await bot.ask("POST", "conversations", json=body)
    assert status == 201
    assert told["id"] == f"{team.id};messageid={told['activityId']}"
    assert channel.texts[told["id"]] == ["hello"]
    _, members = await bot.ask("GET", "conversations", told["id"], "members")
    assert [each["name"] for each in members] == ["Ana", "Ben"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"isGroup": True, "channelData": {"channel": {"id": "19:x@thread.tacv2"}}},
        {"isGroup": True, "members": [{"id": "29:ana"}, {"id": "29:ben"}], "activity": HELLO},
        {"isGroup": False, "members": [{"id": "29:ana"}, {"id": "29:ben"}], "tenantId": "t"},
        {"isGroup": False, "members": [{"id": "29:ana"}]},
        {"isGroup": False, "members": [{"name": "Ana"}], "tenantId": "t"},
    ],
)
async def test_what_teams_does_not_create(bot: Bot, body: dict[str, Any]) -> None:
    """Group chats, threads without an activity, chats with two, or without a tenant."""
    status, told = await bot.ask("POST", "conversations", json=body)
    assert (status, told["error"]["code"]) == (400, "BadSyntax")


async def test_sessions_are_not_the_same_twice() -> None:
    """With ``supportsSessions`` each one is new, and says something at once."""
    async with FakeConnector(sessions=True) as channel, aiohttp.ClientSession() as session:
        bot = Bot(session, channel)
        told = [
            (await bot.ask("POST", "conversations", json=_chat(activity=HELLO)))[1]
            for _ in range(2)
        ]
        assert told[0]["id"] != told[1]["id"]
        assert all(each["activityId"] for each in told)
        assert (await bot.ask("POST", "conversations", json=_chat()))[0] == 400


# -- members, teams, attachments --------------------------------------------------------------


async def test_a_roster_comes_in_pages(channel: FakeConnector, bot: Bot) -> None:
    """Of at least 50 and at most 500, whatever was asked for."""
    team = channel.team("Everyone", 1_100)
    where = ("conversations", team.id, "pagedmembers")
    sizes = []
    token = ""
    while True:
        _, told = await bot.ask("GET", *where, pageSize="9999", continuationToken=token)
        sizes.append(len(told["members"]))
        token = told.get("continuationToken", "")
        if not token:
            break
    assert sizes == [500, 500, 100]
    _, told = await bot.ask("GET", *where, pageSize="1")
    assert len(told["members"]) == 50
    assert {"id", "name", "aadObjectId", "userPrincipalName", "email"} <= set(told["members"][0])


async def test_one_member(channel: FakeConnector, bot: Bot) -> None:
    """By id; whoever is not there is not found, and can be removed once."""
    channel.group("19:g@thread.v2", ["ana", "ben"])
    where = ("conversations", "19:g@thread.v2", "members", "29:ana")
    status, ana = await bot.ask("GET", *where)
    assert (status, ana["name"]) == (200, "Ana")
    assert (await bot.ask("DELETE", *where))[0] == 204
    assert (await bot.ask("GET", *where))[0] == 404
    assert (await bot.ask("DELETE", *where))[0] == 404


async def test_members_who_saw_an_activity(channel: FakeConnector, bot: Bot) -> None:
    """Those of its conversation."""
    channel.person("ana")
    _, told = await bot.say("a:ana")
    where = ("conversations", "a:ana", "activities", told["id"], "members")
    status, members = await bot.ask("GET", *where)
    assert (status, [each["id"] for each in members]) == (200, ["29:ana"])


async def test_a_team_and_its_channels(channel: FakeConnector, bot: Bot) -> None:
    """The general channel has the team's id and no name."""
    team = channel.team("Sales", ["ana"], channels=["News"])
    _, details = await bot.ask("GET", "teams", team.id)
    assert (details["name"], details["channelCount"], details["memberCount"]) == ("Sales", 2, 1)
    _, told = await bot.ask("GET", "teams", team.id, "conversations")
    assert told["conversations"] == [
        {"id": team.id},
        {"id": "19:sales-news@thread.tacv2", "name": "News"},
    ]
    assert (await bot.ask("GET", "teams", "19:nobody@thread.tacv2"))[0] == 403


async def test_an_attachment_comes_back(bot: Bot) -> None:
    """As it was uploaded."""
    data = base64.b64encode(b"picture").decode()
    body = {"type": "image/png", "name": "a.png", "originalBase64": data}
    _, told = await bot.ask("POST", "conversations", "a:1", "attachments", json=body)
    _, info = await bot.ask("GET", "attachments", told["id"])
    assert info == {
        "name": "a.png",
        "type": "image/png",
        "views": [{"viewId": "original", "size": 7}],
    }
    assert await bot.ask("GET", "attachments", told["id"], "views", "original") == (
        200,
        b"picture",
    )
    assert (await bot.ask("GET", "attachments", told["id"], "views", "thumbnail"))[0] == 404


# -- refusals --------------------------------------------------------------------------------


async def test_what_is_no_activity_is_refused(channel: FakeConnector, bot: Bot) -> None:
    """Without a type, not an object, or larger than Teams takes."""
    where = ("conversations", "a:1", "activities")
    assert (await bot.ask("POST", *where, json={"text": "x"}))[0] == 400
    assert (await bot.ask("POST", *where, json=["x"]))[0] == 400
    assert (await bot.say("a:1", "x" * 60_000))[0] == 413
    assert (await bot.say("a:1", "x" * 50_000))[0] == 201


async def test_targeted_messages_name_somebody_who_is_there(
    channel: FakeConnector, bot: Bot
) -> None:
    """And edits of them name nobody."""
    channel.group("19:g@thread.v2", ["ana"])
    where = ("conversations", "19:g@thread.v2", "activities")
    for recipient, expected in (({"id": "29:ana"}, 201), ({"id": "29:zoe"}, 404), (None, 400)):
        body = HELLO | ({"recipient": recipient} if recipient else {})
        status, told = await bot.ask("POST", *where, json=body, isTargetedActivity="true")
        assert status == expected
        if status == 201:
            again = (*where, told["id"])
            edited, _ = await bot.ask("PUT", *again, json=body, isTargetedActivity="true")
            assert edited == 400


async def test_a_strict_channel_knows_only_what_it_was_told() -> None:
    """Threads of a known channel exist; anything else is not found."""
    async with FakeConnector(strict=True) as channel, aiohttp.ClientSession() as session:
        bot = Bot(session, channel)
        channel.person("ana")
        team = channel.team("Sales", ["ana"])
        assert (await bot.say("a:ana"))[0] == 201
        assert (await bot.say(f"{team.id};messageid=5"))[0] == 201
        status, told = await bot.say("a:nobody")
        assert (status, told["error"]["code"]) == (404, "ConversationNotFound")


async def test_another_channel_creates_anything() -> None:
    """The rules are Teams' own."""
    async with FakeConnector(channel="emulator") as channel, aiohttp.ClientSession() as session:
        bot = Bot(session, channel)
        body = {"isGroup": True, "members": [{"id": "a"}, {"id": "b"}], "activity": HELLO}
        first = await bot.ask("POST", "conversations", json=body)
        second = await bot.ask("POST", "conversations", json=body)
        assert first[0] == second[0] == 201
        assert first[1]["id"] != second[1]["id"]
        assert channel.texts[first[1]["id"]] == ["hello"]
        _, told = await bot.ask("GET", "conversations")
        assert len(told["conversations"]) == 2
