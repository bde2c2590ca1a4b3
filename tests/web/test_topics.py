"""Topics over HTTP."""

from __future__ import annotations

import httpx
import pytest

from recado.domain.reference import Member
from recado.topics import Topics
from recado.web.topics import topics_routes
from tests.web.conftest import Connect, World, assert_problem, settings


@pytest.fixture
async def client(world: World, connect: Connect) -> httpx.AsyncClient:
    """A client of a server on which Ana is known."""
    await world.knows("a:ana", members=(Member(user_id="ana"),))
    topics = Topics(world.store, world.outbox, world.references, world.clock, bot="local")
    return connect(routers=[topics_routes(topics, settings())])


async def test_from_making_to_removing(client: httpx.AsyncClient) -> None:
    """Each step answers with what became of it."""
    made = await client.put("/api/v1/topics/Releases", json={"title": "New versions"})
    assert made.status_code == 200
    assert (made.json()["name"], made.json()["subscribed"]) == ("releases", 0)
    who = {"who": "user:ana"}
    for changed in (True, False):
        answer = await client.post("/api/v1/topics/releases/subscribe", json=who)
        assert answer.json() == {"changed": changed}
    page = (await client.get("/api/v1/topics")).json()
    assert [(each["name"], each["subscribed"]) for each in page["items"]] == [("releases", 1)]
    subscribers = (await client.get("/api/v1/topics/releases/subscribers")).json()
    assert len(subscribers["items"]) == 1
    told = await client.post("/api/notify", json={"to": "topic:releases", "text": "Version 2."})
    assert told.status_code == 202
    for changed in (True, False):
        answer = await client.post("/api/v1/topics/releases/unsubscribe", json=who)
        assert answer.json() == {"changed": changed}
    assert (await client.delete("/api/v1/topics/releases")).status_code == 204
    assert_problem(await client.get("/api/v1/topics/releases"), 404, "unknown_topic")


async def test_bad_input(client: httpx.AsyncClient) -> None:
    """A problem that says what to do, and nothing is stored."""
    assert_problem(await client.put("/api/v1/topics/a%20b"), 422, "invalid_input")
    misspelt = await client.put("/api/v1/topics/news", json={"titel": "News"})
    assert "title" in assert_problem(misspelt, 422, "invalid_input")["detail"]
    assert_problem(await client.delete("/api/v1/topics/news"), 404, "unknown_topic")
    await client.put("/api/v1/topics/news")
    strangers = await client.post("/api/v1/topics/news/subscribe", json={"who": "user:eva"})
    assert_problem(strangers, 404, "unknown_recipient")
    unread = await client.post("/api/v1/topics/news/subscribe", content=b"{")
    assert_problem(unread, 415, "unsupported_media_type")
    assert (await client.get("/api/v1/topics/news")).json()["subscribed"] == 0
