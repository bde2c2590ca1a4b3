"""Recipients over HTTP, and the chain of a delivery."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from recado.domain.politeness import Rules
from recado.domain.reference import Member
from recado.recipients import Recipients
from recado.store.port import Observed, Wanted
from recado.web.recipients import recipients_routes
from tests.web.conftest import KEY, Connect, World, assert_problem, settings

ANA = "/api/v1/recipients/user:ana@example.com"


@pytest.fixture
async def client(world: World, connect: Connect) -> httpx.AsyncClient:
    """A client of a server on which Ana is known."""
    member = Member(user_id="29:ana", email="ana@example.com")
    await world.knows("a:ana", members=(member,), timezone="Europe/Paris")
    recipients = Recipients(
        world.store, world.references, world.clock, bot="local", rules=Rules(zone="Asia/Tokyo")
    )
    return connect(routers=[recipients_routes(recipients, settings())])


async def test_what_is_set_is_shown(client: httpx.AsyncClient) -> None:
    """What is left out stays; null takes it back."""
    assert (await client.get(ANA)).json() == {
        "who": "user:ana@example.com",
        "zone": "Europe/Paris",
        "zone_by": "told",
        "quiet_hours": None,
        "windows": {},
    }
    await client.put(ANA, json={"zone": "europe/madrid", "windows": {"prices": "mon-fri 9-18"}})
    changed = await client.put(ANA, json={"quiet_hours": "22:00-08:00"})
    assert changed.json() == (await client.get("/api/v1/recipients/user:29:ana")).json() | {
        "who": "user:ana@example.com"
    }
    assert changed.json()["zone"] == "Europe/Madrid"
    back = await client.put(ANA, json={"zone": None, "windows": {"prices": None}})
    assert (back.json()["zone_by"], back.json()["windows"]) == ("told", {})
    assert back.json()["quiet_hours"] == "22:00-08:00"
    place = (await client.get("/api/v1/recipients/conversation:a:ana")).json()
    assert place["quiet_hours"] == "22:00-08:00"
    assert (await client.get("/api/v1/recipients/user:eva")).json()["zone"] == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"zone": "Europe/Madird"}, "unknown_zone"),
        ({"zone": "UTC", "quiet_hours": "00:00-24:00"}, "invalid_hours"),
        ({"zone": "UTC", "windows": {"prices": "soon"}}, "invalid_hours"),
        ({"zone": "UTC", "quite_hours": "22:00-08:00"}, "invalid_input"),
        ({"zone": 3}, "invalid_input"),
        ({"windows": {"prices": 3}}, "invalid_input"),
    ],
)
async def test_bad_input(client: httpx.AsyncClient, body: dict[str, object], code: str) -> None:
    """A problem that says what to do, and nothing is stored."""
    assert_problem(await client.put(ANA, json=body), 422, code)
    assert (await client.get(ANA)).json()["zone"] == "Europe/Paris"


async def test_who_cannot_be(client: httpx.AsyncClient) -> None:
    """Nobody in particular, or a conversation nobody knows."""
    everyone = await client.put("/api/v1/recipients/everyone", json={"zone": "UTC"})
    assert_problem(everyone, 422, "invalid_audience")
    nowhere = await client.get("/api/v1/recipients/conversation:nowhere")
    assert_problem(nowhere, 404, "unknown_recipient")


async def test_it_takes_a_key(world: World, connect: Connect) -> None:
    """As everything that tells or changes something does."""
    recipients = Recipients(world.store, world.references, world.clock, bot="local", rules=Rules())
    env = {"RECADO_API_KEYS": KEY}
    closed = connect(env, routers=[recipients_routes(recipients, settings(env))])
    assert_problem(await closed.get(ANA), 401, "unauthorized")


async def test_the_chain_is_shown(world: World, connect: Connect) -> None:
    """What holds a delivery now, and what would next."""
    client = connect()
    await world.knows("a:ana")
    due = world.clock.now() + timedelta(hours=1)
    sent = await client.post(
        "/api/notify", json={"to": "conversation:a:ana", "text": "hi", "when": due.isoformat()}
    )
    (delivery,) = sent.json()["deliveries"]
    chain = (await client.get(f"/api/deliveries/{delivery}")).json()["chain"]
    assert chain[0]["name"] == "due"
    assert chain[0]["holds"] == "now"
    assert chain[0]["since"] is not None
    assert chain[0]["until"].startswith(due.isoformat()[:19])
    assert [link["name"] for link in chain if link["holds"] != "no"] == ["due"]
    # One that is being sent is held by nothing.
    sent = await client.post("/api/notify", json={"to": "conversation:a:ana", "text": "now"})
    (delivery,) = sent.json()["deliveries"]
    now = world.clock.now()
    await world.store.cycle(
        [],
        owner="test",
        now=now,
        lease_until=now + timedelta(seconds=30),
        wanted=Wanted(limit=1),
        observed=Observed(),
    )
    assert (await client.get(f"/api/deliveries/{delivery}")).json()["chain"] == []
