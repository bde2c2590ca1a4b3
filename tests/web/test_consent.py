"""Consent and people over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from recado.consent import Consents
from recado.domain.delivery import State
from recado.web.consent import consent_routes
from tests.store.kit import Desk
from tests.web.conftest import KEY, Connect, World, assert_problem, settings


@pytest.fixture
def client(connect: Connect, world: World) -> httpx.AsyncClient:
    """A client of a server with the routes."""
    return connect(routers=[routes(world)])


def routes(world: World, **flags: Any) -> Any:
    """The routes over the world."""
    consent = Consents(world.store, world.references, world.clock, bot="local")
    return consent_routes(consent, settings(**flags))


async def say(client: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    """Record something; what holds then."""
    answer = await client.post("/api/v1/consent", json={"who": "user:29:ana"} | told)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_is_recorded_holds(client: httpx.AsyncClient, world: World) -> None:
    """A refusal keeps what is accepted afterwards from leaving."""
    await world.knows("a:1")
    told = await say(client, say="out", how="e-mail", wording="No more, please")
    assert (told["said"], told["person"]) == ("out", True)
    await world.outbox.notify("user:29:ana", "hello")
    desk = Desk(world.store, world.clock)  # type: ignore[arg-type]
    assert await desk.claim() == []
    (made,) = await desk.ids()
    assert await desk.standing(made) == (State.SUPPRESSED, "opted_out")
    shown = (await client.get("/api/v1/consent", params={"who": "user:29:ana"})).json()
    assert shown == told


async def test_kinds_mutes_and_their_end(client: httpx.AsyncClient) -> None:
    """Each by itself."""
    assert (await say(client, say="out", category="prices"))["categories"] == {"prices": "out"}
    assert (await say(client, say="mute", seconds=3600))["muted_until"] is not None
    assert (await say(client, say="resume"))["muted_until"] is None
    told = await say(client, say="in", category="prices", how="form", by="clerk")
    assert told["categories"] == {"prices": "in"}


async def test_history_in_pages(client: httpx.AsyncClient) -> None:
    """Newest first, with all that was told."""
    at = "2026-01-05T09:00:00+01:00"
    for _ in range(2):
        await say(client, say="in", at=at, how="sms", wording="Yes", by="clerk")
    await say(client, say="out")
    page = await client.get("/api/v1/consent/history", params={"who": "user:29:ana", "limit": 1})
    assert [each["said"] for each in page.json()["items"]] == ["out"]
    rest = await client.get(
        "/api/v1/consent/history",
        params={"who": "user:29:ana", "after": page.json()["next"]},
    )
    (first,) = rest.json()["items"]
    assert (first["how"], first["wording"], first["by"]) == ("sms", "Yes", "clerk")
    assert first["at"] == "2026-01-05T08:00:00Z"


@pytest.mark.parametrize(
    "told",
    [
        {"say": "perhaps"},
        {"say": "mute"},
        {"say": "mute", "seconds": 1, "until": "2036-01-01T00:00:00Z"},
        {"say": "mute", "seconds": -1},
        {"say": "in", "seconds": 5},
        {"say": "in", "at": "2026-01-05T09:00:00"},
        {"say": "in", "at": "2999-01-05T09:00:00Z"},
        {"say": "resume", "category": "prices"},
        {"say": "in", "category": ""},
        {"say": "in", "whom": "x"},
        {"say": "in", "who": "everyone"},
        {"say": "in", "who": "ana@example.com"},
        {"say": "mute", "until": "1999-01-01T00:00:00Z"},
        {"say": "mute", "until": "9999-12-31T23:59:59-05:00"},
        {"say": "mute", "seconds": 1e300},
        {"say": "in", "at": "0001-01-01T00:00:00+05:00"},
        {"say": "in", "at": "9999-12-31T23:59:59-05:00"},
    ],
)
async def test_what_cannot_be_used(client: httpx.AsyncClient, told: dict[str, Any]) -> None:
    """A problem that says what is wrong; nothing is recorded."""
    answer = await client.post("/api/v1/consent", json={"who": "user:29:ana"} | told)
    assert answer.status_code == 422, answer.text
    assert_problem(answer, 422, answer.json()["code"])
    page = await client.get("/api/v1/consent/history", params={"who": "user:29:ana"})
    assert page.json()["items"] == []


@pytest.mark.parametrize("after", ["x", "{}", "[1]", '[1e999,"x"]', '[99999999999999999999,"x"]'])
async def test_what_is_no_page(client: httpx.AsyncClient, after: str) -> None:
    """A problem, whatever stands there."""
    told = {"who": "user:29:ana", "after": after}
    answer = await client.get("/api/v1/consent/history", params=told)
    assert_problem(answer, 422, "invalid_input")


async def test_a_conversation_that_is_not_known(client: httpx.AsyncClient) -> None:
    """It is not found."""
    answer = await client.get("/api/v1/consent", params={"who": "conversation:x"})
    assert_problem(answer, 404, "unknown_recipient")


async def test_somebody_is_shown_and_erased(client: httpx.AsyncClient, world: World) -> None:
    """Everything, and then nothing; erased again, nothing is done."""
    await world.knows("a:1")
    await world.outbox.notify("user:29:ana", "hello", when=timedelta(days=1))
    told = (await client.get("/api/v1/people/29:ana")).json()
    assert told["records"]["notification"][0]["content"]["text"] == "hello"
    done = await client.delete("/api/v1/people/29:ana")
    assert done.json()["rows"] > 0
    assert (await client.get("/api/v1/people/29:ana")).json()["records"] == {}
    assert (await client.delete("/api/v1/people/29:ana")).json() == {"rows": 0}


async def test_keys_are_asked_for(connect: Connect, world: World) -> None:
    """Nobody reads or changes this without one."""
    env = {"RECADO_API_KEYS": KEY}
    closed = connect(env, routers=[routes(world, env=env)])
    for method, path in (
        ("GET", "/api/v1/consent?who=user:x"),
        ("GET", "/api/v1/consent/history?who=user:x"),
        ("POST", "/api/v1/consent"),
        ("GET", "/api/v1/people/x"),
        ("DELETE", "/api/v1/people/x"),
    ):
        assert_problem(await closed.request(method, path), 401, "unauthorized")
