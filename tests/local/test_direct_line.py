"""The Direct Line endpoints, over a real server."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest
import websockets

from recado.channel.local import BotAnswer
from recado.domain.policy import Answer
from recado.store.sqlite.store import SqliteStore
from tests.local.conftest import Client, Local, ScriptedBot, Serve, WatchedClock

BASE = "/v3/directline"


async def frame(stream: websockets.ClientConnection) -> dict[str, Any]:
    """The next frame that is not a keep-alive."""
    while not (text := await stream.recv()):
        pass
    activities: dict[str, Any] = json.loads(text)
    return activities


def texts(page: dict[str, Any]) -> list[str]:
    """What an activity set says."""
    return [activity["text"] for activity in page["activities"]]


async def test_starting_tells_the_bot_who_came(client: Client, bot: ScriptedBot) -> None:
    """A new conversation is announced with the person first and the bot second."""
    grant = await client.begin()
    update = await bot.heard.get()
    assert update["type"] == "conversationUpdate"
    assert [member["id"] for member in update["membersAdded"]] == ["dl_ana", "bot"]
    assert update["conversation"] == {"id": grant["conversationId"]}
    assert update["recipient"] == {"id": "bot", "name": "Recado", "role": "bot"}
    assert update["channelId"] == "directline"
    assert update["serviceUrl"] == "https://local.recado.invalid/"
    assert grant["expires_in"] == 1800
    assert "|" in grant["conversationId"]


async def test_a_token_starts_its_conversation_once(client: Client, bot: ScriptedBot) -> None:
    """Generating starts nothing; starting twice with one token comes back to the same place."""
    generated = (await client.post(f"{BASE}/tokens/generate")).json()
    assert bot.heard.empty()
    bearer = {"Authorization": f"Bearer {generated['token']}"}
    first = await client.post(f"{BASE}/conversations", headers=bearer)
    again = await client.post(f"{BASE}/conversations", headers=bearer)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["conversationId"] == generated["conversationId"]
    assert again.json()["conversationId"] == generated["conversationId"]


async def test_a_message_reaches_bot_and_history(client: Client, bot: ScriptedBot) -> None:
    """What is posted comes back with id, timestamp and the client's own mark (protocol §6.4)."""
    grant = await client.begin()
    await bot.heard.get()
    answer = await client.say(
        grant["conversationId"], "run", channelData={"clientActivityID": "c1"}
    )
    assert answer.status_code == 200
    [kept] = (await client.history(grant["conversationId"], ""))["activities"]
    assert kept["id"] == answer.json()["id"] == f"{grant['conversationId']}|0000001"
    assert kept["channelData"] == {"clientActivityID": "c1"}
    assert kept["timestamp"] == "2026-01-05T09:00:00.000Z"
    assert kept["from"] == {"id": "dl_ana", "role": "user"}
    assert kept == await bot.heard.get()


async def test_a_repeated_post_is_kept_once(client: Client, bot: ScriptedBot) -> None:
    """A client that did not hear the answer may post again; the bot gets the id it knows."""
    grant = await client.begin()
    marked = {"channelData": {"clientActivityID": "c1"}}
    first = await client.say(grant["conversationId"], "run", **marked)
    again = await client.say(grant["conversationId"], "run", **marked)
    assert first.json() == again.json()
    assert texts(await client.history(grant["conversationId"])) == ["run"]
    heard = [await bot.heard.get() for _ in range(3)]
    assert heard[1]["id"] == heard[2]["id"]


async def test_history_is_replayed_from_a_watermark(client: Client, local: Local) -> None:
    """Who has a watermark gets what came later, and the same again with the same watermark."""
    conversation = (await client.begin())["conversationId"]
    for text in ("one", "two"):
        await local.say(conversation, text)
    page = await client.history(conversation, "")
    assert texts(page) == ["one", "two"]
    await local.say(conversation, "three")
    for _ in range(2):
        assert texts(await client.history(conversation, page["watermark"])) == ["three"]
    last = await client.history(conversation, "3")
    assert last == {"activities": [], "watermark": "3"}


async def test_a_long_history_is_paged_until_empty(client: Client, local: Local) -> None:
    """No answer grows with the conversation."""
    conversation = (await client.begin())["conversationId"]
    for number in range(205):
        await local.say(conversation, str(number))
    seen: list[str] = []
    watermark = ""
    while (page := await client.history(conversation, watermark))["activities"]:
        seen += texts(page)
        watermark = page["watermark"]
    assert seen == [str(number) for number in range(205)]


async def test_the_bots_messages_carry_address_and_role(client: Client, local: Local) -> None:
    """Clients tell the bot from the person by role; nulls are not passed on."""
    conversation = (await client.begin())["conversationId"]
    answer = await local.say(
        conversation, {"type": "message", "text": "hi", "id": "mine", "replyToId": None}
    )
    [said] = (await client.history(conversation))["activities"]
    assert answer == Answer(status=200, activity_id=f"{conversation}|0000001")
    assert said["from"] == {"id": "bot", "name": "Recado", "role": "bot"}
    assert said["recipient"] == {"id": "dl_ana", "role": "user"}
    assert said["conversation"] == {"id": conversation}
    assert said["id"] == answer.activity_id
    assert "replyToId" not in said


async def test_a_stream_replays_and_follows(client: Client, local: Local) -> None:
    """The stream begins where nothing is lost and goes on with what comes."""
    grant = await client.begin()
    await local.say(grant["conversationId"], "before")
    async with websockets.connect(grant["streamUrl"]) as stream:
        assert texts(await frame(stream)) == ["before"]
        await stream.send("")  # DirectLineJS does this every 20 s
        await local.say(grant["conversationId"], "after")
        page = await frame(stream)
        assert (texts(page), page["watermark"]) == (["after"], "2")
        await client.say(grant["conversationId"], "mine")
        assert texts(await frame(stream)) == ["mine"]


async def test_typing_is_shown_and_not_kept(client: Client, local: Local) -> None:
    """Typing goes to streams alone, without moving their watermark (protocol §6.2)."""
    grant = await client.begin()
    async with websockets.connect(grant["streamUrl"]) as stream:
        await local.say(grant["conversationId"], "hello")
        await frame(stream)
        await local.say(grant["conversationId"], {"type": "typing"})
        page = await frame(stream)
    assert [activity["type"] for activity in page["activities"]] == ["typing"]
    assert "watermark" not in page
    assert texts(await client.history(grant["conversationId"])) == ["hello"]


@pytest.mark.parametrize("kind", ["conversationUpdate", "trace"])
async def test_what_clients_do_not_see_is_taken_and_dropped(
    client: Client, local: Local, kind: str
) -> None:
    """Such activities are accepted from the bot and shown to nobody."""
    conversation = (await client.begin())["conversationId"]
    assert (await local.say(conversation, {"type": kind})).ok
    assert (await client.history(conversation))["activities"] == []


async def test_a_quiet_stream_is_kept_alive(client: Client, clock: WatchedClock) -> None:
    """An empty frame says that the connection is alive."""
    grant = await client.begin()
    async with websockets.connect(grant["streamUrl"]) as stream:
        await clock.asked_to_wait(1.0)
        clock.advance(15)
        assert await stream.recv() == ""


async def test_a_stream_finds_what_another_process_appended(
    client: Client, clock: WatchedClock, store: SqliteStore, bot: ScriptedBot
) -> None:
    """Another process cannot wake the stream; it looks by itself every second."""
    grant = await client.begin()
    elsewhere = Local(store, clock, bot)
    async with websockets.connect(grant["streamUrl"]) as stream:
        await clock.asked_to_wait(1.0)
        await elsewhere.say(grant["conversationId"], "from the command line")
        clock.advance(1)
        assert texts(await frame(stream)) == ["from the command line"]


async def test_whoever_comes_back_sees_what_was_sent_while_away(
    store: SqliteStore, clock: WatchedClock, bot: ScriptedBot, serve: Serve
) -> None:
    """After a restart on another port the old token and watermark continue the conversation."""
    async with serve(Local(store, clock, bot)) as client:
        grant = await client.begin()
        conversation = grant["conversationId"]
        await client.say(conversation, "run")
        watermark = (await client.history(conversation))["watermark"]
        bearer = client.headers["Authorization"]
    await Local(store, clock, bot).say(conversation, "Your job is complete.")
    async with serve(Local(store, clock, bot)) as client:
        client.headers["Authorization"] = bearer
        back = await client.get(
            f"{BASE}/conversations/{quote(conversation)}", params={"watermark": watermark}
        )
        async with websockets.connect(back.json()["streamUrl"]) as stream:
            assert texts(await frame(stream)) == ["Your job is complete."]
        assert str(client.base_url.port) in back.json()["streamUrl"]


@pytest.mark.parametrize(("query", "expected"), [("", ["new"]), ("?watermark=", ["old", "new"])])
async def test_reconnecting_without_a_watermark(
    client: Client, local: Local, query: str, expected: list[str]
) -> None:
    """Without one the stream begins now (protocol §6.1); an empty one asks for everything."""
    conversation = (await client.begin())["conversationId"]
    await local.say(conversation, "old")
    # The bar is not encoded, as DirectLineJS does it.
    back = await client.get(f"{BASE}/conversations/{conversation}{query}")
    async with websockets.connect(back.json()["streamUrl"]) as stream:
        await local.say(conversation, "new")
        seen: list[str] = []
        while len(seen) < len(expected):
            seen += texts(await frame(stream))
    assert seen == expected


async def test_a_changed_message_reaches_who_has_seen_it(client: Client, local: Local) -> None:
    """An edit or removal comes under the old id, to those past it and those who come later."""
    grant = await client.begin()
    conversation = grant["conversationId"]
    first = await local.say(conversation, "working")
    second = await local.say(conversation, "noise")
    async with websockets.connect(grant["streamUrl"]) as stream:
        assert texts(await frame(stream)) == ["working", "noise"]
        edit = await local.say(conversation, "done", method="PUT", activity_id=first.activity_id)
        assert edit.ok
        [changed] = (await frame(stream))["activities"]
        assert (changed["id"], changed["text"]) == (first.activity_id, "done")
        assert (await local.remove(conversation, second.activity_id)).ok
        [removed] = (await frame(stream))["activities"]
        assert (removed["id"], removed["name"]) == (second.activity_id, "messageDelete")
    assert texts(await client.history(conversation)) == ["done"]


async def test_a_delivery_repeated_after_a_crash_appears_once(client: Client, local: Local) -> None:
    """The delivery's key makes appending idempotent, and the receipt is the same."""
    conversation = (await client.begin())["conversationId"]
    first = await local.say(conversation, "once", key="delivery-1")
    again = await local.say(conversation, "once", key="delivery-1")
    assert first.activity_id == again.activity_id
    assert texts(await client.history(conversation)) == ["once"]


# -- tokens ------------------------------------------------------------------------------------


async def test_an_expired_token_is_refused_by_name(
    local: Local, serve: Serve, clock: WatchedClock
) -> None:
    """403 TokenExpired is what clients act on; with a secret it cannot be refreshed."""
    async with serve(local, secret="s3cret") as client:
        client.headers["Authorization"] = "Bearer s3cret"
        grant = await client.begin()
        clock.advance(1800)
        conversation = grant["conversationId"]
        for answer in (
            await client.get(f"{BASE}/conversations/{conversation}/activities"),
            await client.get(f"{BASE}/conversations/{conversation}"),
            await client.say(conversation, "hi"),
            await client.post(f"{BASE}/tokens/refresh"),
            await client.post(f"{BASE}/conversations"),
        ):
            assert answer.status_code == 403
            assert answer.json()["error"]["code"] == "TokenExpired"


async def test_in_demo_mode_an_expired_token_is_exchanged(
    client: Client, clock: WatchedClock
) -> None:
    """Without a secret who comes back the next day finds the conversation again."""
    grant = await client.begin()
    clock.advance(86_400)
    fresh = (await client.post(f"{BASE}/tokens/refresh")).json()
    assert fresh["conversationId"] == grant["conversationId"]
    client.headers["Authorization"] = f"Bearer {fresh['token']}"
    await client.history(grant["conversationId"])


async def test_a_refreshed_token_lasts_longer(client: Client, clock: WatchedClock) -> None:
    """Refreshing before expiry gives a new half hour."""
    grant = await client.begin()
    clock.advance(1700)
    fresh = (await client.post(f"{BASE}/tokens/refresh")).json()
    clock.advance(1700)
    client.headers["Authorization"] = f"Bearer {fresh['token']}"
    await client.history(grant["conversationId"])


async def test_a_stream_address_is_good_for_a_minute(client: Client, clock: WatchedClock) -> None:
    """It may be seen in logs, so it opens nothing for long, and nothing but the stream."""
    grant = await client.begin()
    token = grant["streamUrl"].partition("?t=")[2].partition("&")[0]
    answer = await client.get(
        f"{BASE}/conversations/{grant['conversationId']}/activities",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 401
    clock.advance(60)
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(grant["streamUrl"])
    assert refused.value.response.status_code == 403


async def test_with_a_secret_only_its_bearer_begins(local: Local, serve: Serve) -> None:
    """The secret generates tokens and starts conversations; nobody else does."""
    async with serve(local, secret="s3cret") as client:
        for path in ("tokens/generate", "conversations"):
            for bearer in ({}, {"Authorization": "Bearer wrong"}):
                answer = await client.post(f"{BASE}/{path}", headers=bearer)
                assert answer.status_code == 401
        generated = await client.post(
            f"{BASE}/tokens/generate",
            headers={"Authorization": "Bearer s3cret"},
            json={"user": {"id": "dl_ana", "name": "Ana"}},
        )
        client.headers["Authorization"] = f"Bearer {generated.json()['token']}"
        started = await client.post(f"{BASE}/conversations", json={"user": {"id": "mallory"}})
        answer = await client.say(
            started.json()["conversationId"], "hi", **{"from": {"id": "mallory"}}
        )
        assert answer.status_code == 403


async def test_a_token_opens_no_other_conversation(client: Client) -> None:
    """Who starts one conversation cannot read another."""
    other = await client.begin()
    del client.headers["Authorization"]
    await client.begin()
    answer = await client.get(f"{BASE}/conversations/{other['conversationId']}/activities")
    assert answer.status_code == 403


@pytest.mark.parametrize("bearer", [None, "Bearer nonsense", "Basic QTpC", "Bearer"])
async def test_without_a_token_there_is_nothing_to_see(client: Client, bearer: str | None) -> None:
    """401 tells a client that its token is not ours, for instance after a new database."""
    grant = await client.begin()
    del client.headers["Authorization"]
    answer = await client.get(
        f"{BASE}/conversations/{grant['conversationId']}/activities",
        headers={} if bearer is None else {"Authorization": bearer},
    )
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "Unauthorized"


async def test_a_conversation_that_is_gone_is_not_found(
    client: Client,
) -> None:
    """404 ends the conversation at the client (protocol §6.3)."""
    generated = (await client.post(f"{BASE}/tokens/generate")).json()
    client.headers["Authorization"] = f"Bearer {generated['token']}"
    conversation = generated["conversationId"]
    for answer in (
        await client.get(f"{BASE}/conversations/{conversation}"),
        await client.get(f"{BASE}/conversations/{conversation}/activities"),
        await client.say(conversation, "hi"),
    ):
        assert answer.status_code == 404


# -- browsers ----------------------------------------------------------------------------------

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-ms-bot-agent,x-requested-with",
}


@pytest.mark.parametrize(
    "origin", ["http://localhost:5500", "http://127.0.0.1:1", "https://localhost", "http://[::1]:9"]
)
async def test_pages_of_this_machine_are_served(client: Client, origin: str) -> None:
    """The preflight DirectLineJS causes (protocol §10) and the request after it name the origin."""
    preflight = await client.options(
        f"{BASE}/conversations", headers={"Origin": origin, **PREFLIGHT}
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == origin
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in PREFLIGHT["Access-Control-Request-Headers"].split(","))
    assert "POST" in preflight.headers["access-control-allow-methods"]
    for answer in (
        await client.post(f"{BASE}/conversations", headers={"Origin": origin}),
        await client.get(f"{BASE}/conversations/none/activities", headers={"Origin": origin}),
    ):
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost.evil.example", "file://", "http://[", ""],
)
async def test_foreign_pages_are_refused(client: Client, bot: ScriptedBot, origin: str) -> None:
    """No other web page can start a conversation, read one or follow one."""
    grant = await client.begin()
    await bot.heard.get()
    headers = {"Origin": origin}
    for answer in (
        await client.options(f"{BASE}/conversations", headers={**headers, **PREFLIGHT}),
        await client.post(f"{BASE}/conversations", headers=headers),
        await client.post(f"{BASE}/tokens/generate", headers=headers),
        await client.get(
            f"{BASE}/conversations/{grant['conversationId']}/activities", headers=headers
        ),
    ):
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(grant["streamUrl"], additional_headers=headers)
    assert refused.value.response.status_code == 403
    assert bot.heard.empty()


# -- malformed input ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "BadArgument"),
        (b"{", 400, "BadSyntax"),
        (b"\xff", 400, "BadSyntax"),
        (b"[]", 400, "BadSyntax"),
        (b"[" * 100_000, 400, "BadSyntax"),
        (b'{"type":"event","value":' + b"[" * 400 + b"]" * 400 + b"}", 200, ""),
        (b'{"type":"message","text":NaN}', 400, "BadSyntax"),
        (b'{"type":"event","value":1e999}', 400, "BadArgument"),
        (b'{"text":"no type"}', 400, "BadArgument"),
        (b'{"type":7}', 400, "BadArgument"),
        (b'{"type":"message","text":7}', 400, "BadArgument"),
        (b'{"type":"message","text":"\\ud800"}', 400, "BadArgument"),
        (b'{"type":"message","text":"x","from":"ana"}', 400, "BadArgument"),
        (b'{"type":"message","text":"x","from":{"id":7}}', 400, "BadArgument"),
        (b'{"type":"message","text":"x","from":{"id":"bot"}}', 400, "BadArgument"),
        (b'{"type":"message","text":"x","attachments":{}}', 400, "BadArgument"),
        (b'{"type":"conversationUpdate","membersAdded":[]}', 400, "BadArgument"),
        (b'{"type":"message","text":"%b"}' % (b"x" * 262_144), 413, "MessageSizeTooBig"),
        (b'{"type":"message","text":"%b"}' % (b"x" * 2_000_000), 413, "MessageSizeTooBig"),
    ],
)
async def test_malformed_activities_are_refused_with_a_reason(
    client: Client, bot: ScriptedBot, body: bytes, status: int, code: str
) -> None:
    """The client's mistake is a clear 4xx; neither bot nor history see it."""
    conversation = (await client.begin())["conversationId"]
    await bot.heard.get()
    answer = await client.post(f"{BASE}/conversations/{conversation}/activities", content=body)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()["error"]["code"] == code
        assert bot.heard.empty()
        assert (await client.history(conversation))["activities"] == []


@pytest.mark.parametrize("watermark", ["x", "-1", "1.5", "\u0661", "9" * 30])
async def test_a_watermark_is_one_of_ours(client: Client, watermark: str) -> None:
    """Anything else is the client's mistake."""
    conversation = (await client.begin())["conversationId"]
    answer = await client.get(
        f"{BASE}/conversations/{conversation}/activities", params={"watermark": watermark}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("user", ["ana", {"id": ""}, {"id": 7}, {"id": "x", "name": 1}, []])
async def test_a_user_is_an_account(client: Client, user: Any) -> None:
    """Token parameters with a malformed user are refused."""
    for path in ("conversations", "tokens/generate"):
        answer = await client.post(f"{BASE}/{path}", json={"user": user})
        assert answer.status_code == 400


# -- the bot -----------------------------------------------------------------------------------


async def failing(activity: dict[str, Any]) -> BotAnswer:
    """A bot whose code raises."""
    raise RuntimeError(activity["type"])


async def refusing(activity: dict[str, Any]) -> BotAnswer:
    """A bot that answers 401."""
    return BotAnswer(401)


@pytest.mark.parametrize("answer", [failing, refusing])
async def test_a_failing_bot_is_the_bots_failure(
    client: Client, bot: ScriptedBot, answer: Any
) -> None:
    """502 BotRejectedActivity (protocol §6.2); the person's message stays in the history."""
    bot.answer = answer
    conversation = (await client.begin())["conversationId"]
    answered = await client.say(conversation, "hello?")
    assert answered.status_code == 502
    assert answered.json()["error"]["code"] == "BotRejectedActivity"
    assert texts(await client.history(conversation)) == ["hello?"]


async def test_a_slow_bot_goes_on_after_the_channel_gave_up(
    client: Client, local: Local, bot: ScriptedBot, clock: WatchedClock
) -> None:
    """After 15 s the client is told 504 (protocol §1.5), and the turn still answers."""
    conversation = (await client.begin())["conversationId"]
    thought = asyncio.Event()

    async def thinking(activity: dict[str, Any]) -> BotAnswer:
        await thought.wait()
        await local.say(conversation, "42")
        return BotAnswer(202)

    bot.answer = thinking
    posting = asyncio.create_task(client.say(conversation, "?"))
    await clock.asked_to_wait(15.0)
    clock.advance(15)
    answered = await posting
    assert answered.status_code == 504
    async with websockets.connect((await again(client, conversation))["streamUrl"]) as stream:
        assert texts(await frame(stream)) == ["?"]
        thought.set()
        assert texts(await frame(stream)) == ["42"]


async def again(client: Client, conversation: str) -> dict[str, Any]:
    """Reconnect, asking for everything."""
    answer = await client.get(f"{BASE}/conversations/{conversation}?watermark=")
    grant: dict[str, Any] = answer.json()
    return grant


async def test_a_person_who_was_not_named_at_the_start_is_announced_when_speaking(
    client: Client, bot: ScriptedBot
) -> None:
    """As on Direct Line: first the bot alone, then the person with the first message."""
    grant = (await client.post(f"{BASE}/conversations", json={"user": {}})).json()
    client.headers["Authorization"] = f"Bearer {grant['token']}"
    await client.say(grant["conversationId"], "hi")
    heard = [await bot.heard.get() for _ in range(3)]
    assert [activity["type"] for activity in heard] == [
        "conversationUpdate",
        "conversationUpdate",
        "message",
    ]
    assert [[m["id"] for m in update["membersAdded"]] for update in heard[:2]] == [
        ["bot"],
        ["dl_ana"],
    ]
    await client.say(grant["conversationId"], "again")
    assert (await bot.heard.get())["type"] == "message"


async def test_a_client_cannot_choose_how_the_bot_delivers(
    client: Client, bot: ScriptedBot
) -> None:
    """With expectReplies the answer would never reach the history."""
    conversation = (await client.begin())["conversationId"]
    await client.say(conversation, "hi", deliveryMode="expectReplies")
    heard = [await bot.heard.get() for _ in range(2)]
    assert "deliveryMode" not in heard[1]


async def test_a_client_is_believed_its_id_and_name_alone(client: Client, bot: ScriptedBot) -> None:
    """A directory id from a browser would make it somebody else."""
    conversation = (await client.begin())["conversationId"]
    account = {"id": "dl_ana", "name": "Ana", "aadObjectId": "boss", "role": "bot"}
    await client.say(conversation, "hi", **{"from": account})
    heard = [await bot.heard.get() for _ in range(2)]
    assert heard[1]["from"] == {"id": "dl_ana", "name": "Ana", "role": "user"}


# -- uploads -----------------------------------------------------------------------------------


async def test_an_upload_as_directlinejs_sends_it(client: Client, bot: ScriptedBot) -> None:
    """Multipart with an activity and files becomes one activity with attachments."""
    conversation = (await client.begin())["conversationId"]
    activity = {
        "type": "message",
        "from": {"id": "dl_ana"},
        "channelData": {"clientActivityID": "c1"},
    }
    answer = await client.post(
        f"{BASE}/conversations/{conversation}/upload?userId=dl_ana",
        files=[
            ("activity", ("blob", json.dumps(activity), "application/vnd.microsoft.activity")),
            ("file", ("dot.gif", b"GIF89a\r\n\0", "image/gif")),
        ],
    )
    assert answer.status_code == 200, answer.text
    [kept] = (await client.history(conversation))["activities"]
    assert kept["channelData"] == {"clientActivityID": "c1"}
    assert kept["attachments"] == [
        {
            "contentType": "image/gif",
            "contentUrl": "data:image/gif;base64,R0lGODlhDQoA",
            "name": "dot.gif",
        }
    ]


async def test_an_upload_of_one_file(client: Client) -> None:
    """A body that is the file itself, named in its headers."""
    conversation = (await client.begin())["conversationId"]
    answer = await client.post(
        f"{BASE}/conversations/{conversation}/upload?userId=dl_ana",
        content=b"hello\n",
        headers={
            "Content-Type": "text/plain",
            "Content-Disposition": 'attachment; filename="a b.txt"',
        },
    )
    assert answer.status_code == 200, answer.text
    [kept] = (await client.history(conversation))["activities"]
    [attachment] = kept["attachments"]
    assert attachment == {
        "contentType": "text/plain",
        "contentUrl": "data:text/plain;base64,aGVsbG8K",
        "name": "a b.txt",
    }


async def test_an_upload_that_is_too_large_is_refused(client: Client) -> None:
    """Files lie in the history and are kept small."""
    conversation = (await client.begin())["conversationId"]
    answer = await client.post(
        f"{BASE}/conversations/{conversation}/upload", content=b"x" * 1_000_001
    )
    assert answer.status_code == 413


# -- the server --------------------------------------------------------------------------------


async def test_streams_end_when_the_service_closes(client: Client, local: Local) -> None:
    """A server that stops says so, and keeps nobody waiting."""
    grant = await client.begin()
    async with websockets.connect(grant["streamUrl"]) as stream:
        await local.service.close()
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await stream.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


async def test_streams_end_when_the_server_stops(local: Local, serve: Serve) -> None:
    """Stopping the server does not wait for streams, and clients are told."""
    async with serve(local) as client:
        grant = await client.begin()
        stream = await websockets.connect(grant["streamUrl"])
    with pytest.raises(websockets.ConnectionClosed):
        await stream.recv()


async def test_a_follower_that_does_not_read_costs_no_memory(local: Local) -> None:
    """Followers read history by position; only a few passing activities wait for them."""
    await local.history.start("c", None)
    pages = local.service.follow("c", 0)
    await local.say("c", "one")
    first = await anext(pages)
    assert first is not None
    for number in range(1000):
        await local.say("c", {"type": "typing", "value": number})
        await local.say("c", str(number))
    typing = await anext(pages)
    assert typing is not None
    assert [activity["value"] for activity in typing.activities] == list(range(984, 1000))
    page = await anext(pages)
    assert page is not None
    assert len(page.activities) == 100
    await pages.aclose()
