"""Watches over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from recado.domain.reference import Member
from recado.watches import Watches
from recado.web.watches import watches_routes
from tests.web.conftest import KEY, OTHER_KEY, Connect, World, assert_problem, settings

WATCH = {"to": "user:ana", "subject": "price:42", "rule": "drop 20%"}
PATH = "/api/v1/watches"


@pytest.fixture
async def watches(world: World) -> Watches:
    """The watches of a world in which Ana is known."""
    await world.knows("a:ana", members=(Member(user_id="ana"),))
    return Watches(world.store, world.references, world.clock, world.telemetry, bot="local")


@pytest.fixture
def client(watches: Watches, connect: Connect) -> httpx.AsyncClient:
    """A client of a server that has them."""
    return connect(routers=[watches_routes(watches, settings())])


async def test_from_making_to_ending(client: httpx.AsyncClient, watches: Watches) -> None:
    """Each step answers with the watch as it stands then."""
    await watches.emit("price:42", {"offer": {"price": 100}})
    asked = WATCH | {"path": "offer.price", "cooldown": 60, "repeat": True, "text": "{value}!"}
    made = await client.post(PATH, json=asked)
    assert made.status_code == 201
    watch = made.json()
    assert made.headers["location"] == f"{PATH}/{watch['id']}"
    told: dict[str, Any] = {
        "number": 1,
        "subject": "price:42",
        "rule": "drop 20%",
        "path": "offer.price",
        "to": "user:ana",
        "conversation_id": "a:ana",
        "repeat": True,
        "cooldown": 60,
        "state": "active",
        "baseline": "100",
        "armed": True,
        "fired": 0,
        "trouble": None,
    }
    assert {name: watch[name] for name in told} == told
    assert watch["activity"]["text"] == "{value}!"
    at = f"{PATH}/{watch['id']}"
    for verb, state in (("pause", "paused"), ("resume", "active")):
        assert (await client.post(f"{at}/{verb}")).json()["state"] == state
    assert (await client.get(at)).json()["state"] == "active"
    for _ in range(2):
        ended = await client.delete(at)
        assert (ended.status_code, ended.json()["state"]) == (200, "cancelled")


async def test_watches_are_listed(client: httpx.AsyncClient) -> None:
    """By subject, by whom they tell, by how they stand, page by page."""
    made = [await client.post(PATH, json=WATCH | {"subject": name}) for name in ("a", "b", "a")]
    ids = [each.json()["id"] for each in made]
    await client.delete(f"{PATH}/{ids[2]}")

    async def listed(**wanted: Any) -> list[str]:
        page = (await client.get(PATH, params=wanted)).json()
        return [each["id"] for each in page["items"]]

    assert await listed() == ids[:2]
    assert await listed(subject="a") == ids[:1]
    assert await listed(to="user:ana", state=["cancelled", "active"]) == ids
    first = (await client.get(PATH, params={"limit": 1})).json()
    assert await listed(after=first["next"]) == ids[1:2]
    assert_problem(await client.get(PATH, params={"state": "sleeping"}), 422, "invalid_input")
    assert_problem(await client.get(PATH, params={"to": "user:eva"}), 404, "unknown_recipient")


async def test_asking_twice_makes_one(watches: Watches, connect: Connect) -> None:
    """By a key in the body, or by the header, of which each caller has its own."""
    keys = {"RECADO_API_KEYS": f"{KEY},{OTHER_KEY}"}
    routers = [watches_routes(watches, settings(keys))]
    one, two = (connect(keys, key=key, routers=routers) for key in (KEY, OTHER_KEY))
    header = {"Idempotency-Key": "k"}
    first = await one.post(PATH, json=WATCH, headers=header)
    again = await one.post(PATH, json=WATCH, headers=header)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert (await two.post(PATH, json=WATCH, headers=header)).status_code == 201
    other = await one.post(PATH, json=WATCH | {"rule": "below 5"}, headers=header)
    assert_problem(other, 422, "idempotency_conflict")
    named = await one.post(PATH, json=WATCH | {"key": "mine"})
    assert (await two.get(f"{PATH}/mine")).json()["id"] == named.json()["id"]


async def test_nobody_without_a_key(watches: Watches, connect: Connect) -> None:
    """The routes are closed as all others are."""
    keys = {"RECADO_API_KEYS": KEY}
    stranger = connect(keys, routers=[watches_routes(watches, settings(keys))])
    for answer in (
        await stranger.post(PATH, json=WATCH),
        await stranger.get(PATH),
        await stranger.delete(f"{PATH}/x"),
        await stranger.post(f"{PATH}/x/pause"),
    ):
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("change", "status", "code", "words"),
    [
        ({"rule": "drop 0%"}, 422, "invalid_rule", "every value"),
        ({"rule": "fly"}, 422, "invalid_rule", "drop 20%"),
        ({"rule": "drop 120%"}, 422, "invalid_rule", "never fire"),
        ({"rule": "changes", "repeat": True}, 422, "invalid_rule", "cooldown"),
        ({"to": "all"}, 422, "invalid_audience", "one person"),
        ({"to": "user:eva"}, 404, "unknown_recipient", "eva"),
        ({"text": "{price}"}, 422, "invalid_input", "{value}"),
        ({"text": "a", "handler": "b"}, 422, "invalid_input", "one of"),
        ({"cooldown": -1}, 422, "invalid_input", "cooldown"),
        ({"expires": 0}, 422, "invalid_input", "expire"),
        ({"expires": "9999-12-31T23:59:59-01:00"}, 422, "invalid_input", "calendar"),
        ({"path": "a..b"}, 422, "invalid_input", "path"),
        ({"subjet": "x"}, 422, "invalid_input", "subject"),
        ({"subject": "a\0b"}, 422, "invalid_input", "subject"),
        ({"quiet": 5}, 422, "invalid_input", "quiet"),
        ({"value": 1}, 422, "invalid_input", "handler"),
    ],
)
async def test_bad_input(
    client: httpx.AsyncClient, change: dict[str, Any], status: int, code: str, words: str
) -> None:
    """A problem that says what to do, and nothing is stored."""
    problem = assert_problem(await client.post(PATH, json=WATCH | change), status, code)
    assert words in problem["detail"]
    assert (await client.get(PATH)).json()["items"] == []


async def test_a_text_that_is_known_is_refused(client: httpx.AsyncClient, watches: Watches) -> None:
    """A watch on what is no number would never fire."""
    await watches.emit("price:42", "sold out")
    problem = assert_problem(await client.post(PATH, json=WATCH), 422, "invalid_input")
    assert "no number" in problem["detail"]
    assert_problem(await client.get(f"{PATH}/nobody"), 404, "unknown_watch")
