"""Changing what was said over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.web.conftest import Connect, World, assert_problem

ANA = "conversation:a:1"


async def notified(client: httpx.AsyncClient) -> str:
    """The address of what a notification says."""
    answer = await client.post("/api/notify", json={"to": ANA, "text": "old"})
    return f"{answer.headers['location']}/content"


async def test_an_update_is_accepted_like_a_notification(world: World, connect: Connect) -> None:
    """202, and a location of its own that counts what was changed."""
    await world.knows("a:1")
    client = connect()
    content = await notified(client)
    answer = await client.put(content, json={"text": "new"})
    assert answer.status_code == 202
    accepted = answer.json()
    assert (len(accepted["deliveries"]), accepted["replayed"]) == (1, False)
    progress = (await client.get(answer.headers["location"])).json()
    assert progress["counts"] == {"pending": 1}
    assert progress["changes"] == {"changed": 0, "unsent": 1, "followed": 0, "refused": 0}
    original = (await client.get(content.removesuffix("/content"))).json()
    assert original["counts"] == {"superseded": 1}
    assert "changes" not in original


async def test_a_recall_is_accepted_and_repeated(world: World, connect: Connect) -> None:
    """The second one is answered with the first."""
    await world.knows("a:1")
    client = connect()
    content = await notified(client)
    first = await client.delete(content)
    assert first.status_code == 202
    again = await client.delete(content)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotency-replay"] == "true"
    assert_problem(await client.put(content, json={"text": "new"}), 409, "transition_refused")


async def test_a_recall_can_say_something(world: World, connect: Connect) -> None:
    """Where the message cannot be removed."""
    await world.knows("a:1")
    client = connect()
    answer = await client.request("DELETE", await notified(client), json={"text": "Ignore that."})
    assert answer.status_code == 202


async def test_an_update_with_a_key_is_accepted_once(world: World, connect: Connect) -> None:
    """As with notify."""
    await world.knows("a:1")
    client = connect()
    content = await notified(client)
    headers = {"Idempotency-Key": '"k"'}
    first = await client.put(content, json={"text": "new"}, headers=headers)
    again = await client.put(content, json={"text": "new"}, headers=headers)
    assert again.json()["id"] == first.json()["id"]
    problem = await client.put(content, json={"text": "newer"}, headers=headers)
    assert_problem(problem, 422, "idempotency_conflict")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "a", "activity": {"type": "message", "text": "b"}},
        {"text": "a", "otherwise": "shout"},
        {"text": "a", "to": "all"},
        {"text": 1},
    ],
)
async def test_what_cannot_be_said(world: World, connect: Connect, body: dict[str, Any]) -> None:
    """Each is answered with what is wrong."""
    await world.knows("a:1")
    client = connect()
    answer = await client.put(await notified(client), json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] in {"invalid_input", "invalid_activity"}
    assert await world.accepted() == 1


async def test_there_has_to_be_something_to_change(connect: Connect) -> None:
    """An id that nobody has given out."""
    client = connect()
    answer = await client.put("/api/notifications/unknown/content", json={"text": "new"})
    assert_problem(answer, 404, "unknown_notification")
    answer = await client.delete("/api/notifications/unknown/content")
    assert_problem(answer, 404, "unknown_notification")


async def test_it_needs_a_key_like_everything_else(connect: Connect) -> None:
    """A stranger changes nothing."""
    client = connect({"RECADO_API_KEYS": "a-key-that-is-long-enough"})
    assert_problem(await client.delete("/api/notifications/x/content"), 401, "unauthorized")
