"""The Connector API behind the local channel, and the channel itself."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from recado.domain.policy import Failure
from recado.errors import StoreFull
from recado.store.sqlite.store import SqliteStore
from tests.local.conftest import Client, Local


def path_of(conversation: str, *rest: str) -> str:
    """A Connector path, with every id percent-encoded."""
    parts = [conversation, *rest]
    return "/v3/conversations/" + "/".join(quote(part, safe="") for part in parts)


async def test_a_bot_in_another_process_speaks(client: Client) -> None:
    """Send, reply, update and delete as the Connector API has them (protocol §2.1)."""
    conversation = (await client.begin())["conversationId"]
    activities = path_of(conversation, "activities")
    message = {"type": "message", "text": "hello", "from": {"id": "b", "name": "B"}}
    sent = await client.post(activities, json=message)
    assert sent.status_code == 200
    first = sent.json()["id"]
    await client.post(path_of(conversation, "activities", first), json=message)
    await client.put(
        path_of(conversation, "activities", first), json={**message, "text": "changed"}
    )
    [changed, reply] = (await client.history(conversation))["activities"]
    assert (changed["text"], changed["id"]) == ("changed", first)
    assert changed["from"] == {"id": "b", "name": "B", "role": "bot"}
    assert reply["replyToId"] == first
    assert (await client.delete(path_of(conversation, "activities", first))).status_code == 200
    [left] = (await client.history(conversation))["activities"]
    assert left["id"] == reply["id"]


async def test_a_bot_creates_a_conversation(client: Client, local: Local) -> None:
    """Creating answers with an id, a service URL of this server and the first activity's id."""
    created = await client.post(
        "/v3/conversations",
        json={"members": [{"id": "dl_ana"}], "activity": {"type": "message", "text": "hi"}},
    )
    assert created.status_code == 201
    body = created.json()
    assert body["serviceUrl"] == f"{client.base_url}/"
    assert body["activityId"] == f"{body['id']}|0000001"
    page = await local.history.read(body["id"], 0)
    assert [activity["text"] for activity in page.activities] == ["hi"]
    assert page.activities[0]["recipient"] == {"id": "dl_ana"}


async def test_the_members_are_the_person_and_the_bot(client: Client) -> None:
    """Rosters in all three forms."""
    conversation = (await client.begin())["conversationId"]
    members = (await client.get(path_of(conversation, "members"))).json()
    assert [member["id"] for member in members] == ["dl_ana", "bot"]
    paged = (await client.get(path_of(conversation, "pagedmembers"))).json()
    assert paged == {"members": members}
    one = await client.get(path_of(conversation, "members", "dl_ana"))
    assert one.json() == members[0]
    nobody = await client.get(path_of(conversation, "members", "x"))
    assert nobody.status_code == 404


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("POST", ["activities"]),
        ("POST", ["activities", "a"]),
        ("PUT", ["activities", "a"]),
        ("DELETE", ["activities", "a"]),
        ("GET", ["members"]),
        ("GET", ["pagedmembers"]),
    ],
)
async def test_an_unknown_conversation_is_not_found(
    client: Client, method: str, rest: list[str]
) -> None:
    """The code is the one the engine knows."""
    answer = await client.request(
        method, path_of("no|one", *rest), json={"type": "message", "text": "x"}
    )
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "ConversationNotFound"


@pytest.mark.parametrize("activity", ["a", "0000001", "x|0000001", "|", "{c}|", "{c}|0000009"])
async def test_an_unknown_activity_is_not_found(client: Client, activity: str) -> None:
    """Neither another conversation's activity nor one that never was can be changed."""
    conversation = (await client.begin())["conversationId"]
    path = path_of(conversation, "activities", activity.format(c=conversation))
    for answer in (
        await client.put(path, json={"type": "message", "text": "x"}),
        await client.delete(path),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "ActivityNotFoundInConversation"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"type":"message","from":1}', 400),
        (b'{"type":"message","text":"%b"}' % (b"x" * 262_144), 413),
    ],
)
async def test_a_malformed_activity_is_refused(client: Client, body: bytes, status: int) -> None:
    """The error body is the protocol's (protocol §2.2)."""
    conversation = (await client.begin())["conversationId"]
    answer = await client.post(path_of(conversation, "activities"), content=body)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message"}


@pytest.mark.parametrize(
    "parameters", [[], {"members": [7]}, {"members": [{}]}, {"activity": []}, {"activity": {}}]
)
async def test_malformed_conversation_parameters_are_refused(
    client: Client, parameters: Any
) -> None:
    """Creating checks what it is given."""
    answer = await client.post("/v3/conversations", content=json.dumps(parameters))
    assert answer.status_code == 400


async def test_a_store_that_fails_has_not_taken_it(
    local: Local, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store promises that nothing happened, so the attempt counts as not sent."""

    async def full(*_: Any, **__: Any) -> Any:
        raise StoreFull("The disk is full.")

    await local.history.start("c", None)
    monkeypatch.setattr(store, "local_append", full)
    answer = await local.say("c", "hello")
    assert answer.failure is Failure.NOT_SENT
    assert answer.message == "The disk is full."


async def test_a_store_that_fails_is_a_503_to_clients(
    client: Client, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is JSON with CORS headers, so a page can read it."""
    conversation = (await client.begin())["conversationId"]

    async def full(*_: Any, **__: Any) -> Any:
        raise StoreFull("The disk is full.")

    monkeypatch.setattr(store, "local_append", full)
    client.headers["Origin"] = "http://localhost:5500"
    answer = await client.say(conversation, "hello")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "ServiceError"
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5500"
