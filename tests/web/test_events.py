"""``POST /api/v1/events``: what has happened, in every form, taken in whole or refused whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from recado.errors import StoreFull
from recado.watches import Watches
from recado.web.events import events_routes
from recado.web.guard import BODY_LIMIT
from tests.web.conftest import KEY, OTHER_KEY, Connect, World, assert_problem, settings

PATH = "/api/v1/events"
STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/shop",
    "ce-type": "price.changed",
    "ce-subject": "t%C3%A9",
    "Content-Type": "application/json",
}
CREDENTIALS = {"MicrosoftAppId": "app", "MicrosoftAppPassword": "secret"}
KEYS = {"RECADO_API_KEYS": f"{KEY},{OTHER_KEY}"}

Open = Callable[..., httpx.AsyncClient]


def event(**changes: Any) -> dict[str, Any]:
    """An event as JSON."""
    told = {
        "specversion": "1.0",
        "id": "1",
        "source": "/shop",
        "type": "price.changed",
        "subject": "tea",
        "data": 3.2,
    }
    return told | changes


@pytest.fixture
def watches(world: World) -> Watches:
    """What takes the events in."""
    return Watches(world.store, world.references, world.clock, world.telemetry, bot="local")


@pytest.fixture
def open_(connect: Connect, watches: Watches) -> Open:
    """Makes clients of a server with the route; each with the settings it is given."""

    def opened(env: dict[str, str] | None = None, **flags: Any) -> httpx.AsyncClient:
        key, peer = flags.pop("key", None), flags.pop("peer", "127.0.0.1")
        routes = events_routes(watches.emit_many, settings(env, **flags))
        return connect(env, key=key, peer=peer, routers=[routes], **flags)

    return opened


@pytest.fixture
def client(open_: Open) -> httpx.AsyncClient:
    """A client of a server that runs as it does out of the box."""
    return open_()


async def post(client: httpx.AsyncClient, told: Any, **headers: str) -> httpx.Response:
    """Send a structured event, or a batch."""
    kind = BATCH if isinstance(told, list) else STRUCTURED
    return await client.post(PATH, content=json.dumps(told), headers={**kind, **headers})


# -- what is taken in ------------------------------------------------------------------------


async def test_an_event_is_committed_when_it_is_answered(
    client: httpx.AsyncClient, watches: Watches
) -> None:
    """With what was taken in and how many look at it."""
    answer = await post(client, event())
    assert answer.status_code == 202
    taken = {"id": "1", "source": "/shop", "subject": "tea", "replayed": False, "watching": 0}
    assert answer.json() == {"accepted": 1, "replayed": 0, "watching": 0, "events": [taken]}
    assert await watches.newest("tea") == Decimal("3.2")


async def test_the_same_event_again_fires_nothing(
    client: httpx.AsyncClient, watches: Watches
) -> None:
    """Source and id name it, whatever else it says."""
    await post(client, event())
    answer = (await post(client, event(data=2))).json()
    assert (answer["accepted"], answer["replayed"]) == (0, 1)
    assert answer["events"][0]["replayed"] is True
    assert await watches.newest("tea") == Decimal("3.2")
    assert (await post(client, event(source="/other", data=2))).json()["accepted"] == 1


async def test_who_watches_is_counted(
    world: World, client: httpx.AsyncClient, watches: Watches
) -> None:
    """Those of the subject only."""
    await world.knows("a:1")
    for rule in ("below 5", "changes"):
        await watches.create("conversation:a:1", subject="tea", rule=rule)
    await watches.create("conversation:a:1", subject="coffee", rule="changes")
    answer = (await post(client, [event(), event(id="2", subject="cocoa")])).json()
    assert answer["watching"] == 2
    assert [each["watching"] for each in answer["events"]] == [2, 0]


async def test_binary_mode(client: httpx.AsyncClient, watches: Watches) -> None:
    """The attributes are headers, percent-encoded, and the body is the data."""
    answer = await client.post(PATH, content='{"price": 3.20}', headers=BINARY)
    assert answer.status_code == 202, answer.text
    assert answer.json()["events"][0]["subject"] == "té"
    assert await watches.newest("té") == {"price": Decimal("3.20")}


async def test_binary_mode_with_text(client: httpx.AsyncClient, watches: Watches) -> None:
    """Data need not be JSON."""
    headers = {**BINARY, "Content-Type": "text/plain", "ce-subject": "tea"}
    assert (await client.post(PATH, content="sold out", headers=headers)).status_code == 202
    assert await watches.newest("tea") == "sold out"


async def test_an_event_without_a_subject_is_about_its_source(client: httpx.AsyncClient) -> None:
    """And the answer says what to watch."""
    answer = await post(client, event(subject=None))
    assert answer.json()["events"][0]["subject"] == "/shop"


async def test_plain_json_will_do(client: httpx.AsyncClient, watches: Watches) -> None:
    """For people without CloudEvents; each is an event of its own, unless it has an id."""
    for _ in range(2):
        answer = await client.post(PATH, json={"subject": "tea", "value": 3})
        assert answer.json()["accepted"] == 1
    assert await watches.newest("tea") == 3
    for accepted in (1, 0):
        answer = await client.post(PATH, json={"subject": "tea", "value": 3, "id": "a"})
        assert answer.json()["accepted"] == accepted
    for accepted in (1, 0):
        answer = await client.post(
            PATH, json={"subject": "tea", "value": 3}, headers={"Idempotency-Key": '"b"'}
        )
        assert answer.json()["accepted"] == accepted


async def test_plain_events_of_two_keys_are_not_each_others_replays(open_: Open) -> None:
    """Two programs may number theirs from one."""
    for key in (KEY, OTHER_KEY):
        client = open_(KEYS, key=key)
        answer = await client.post(PATH, json={"subject": "tea", "value": 3, "id": "1"})
        assert answer.json()["accepted"] == 1


async def test_numbers_keep_their_digits(client: httpx.AsyncClient, watches: Watches) -> None:
    """As written, not as a double holds them."""
    body = '{"subject": "tea", "value": 3.10000000000000000001}'
    await client.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert str(await watches.newest("tea")) == "3.10000000000000000001"


# -- what is refused -------------------------------------------------------------------------


async def test_a_batch_is_taken_whole_or_refused_whole(
    client: httpx.AsyncClient, watches: Watches
) -> None:
    """And the problem says which entry is wrong, to people and to programs."""
    answer = await post(client, [event(), event(id="2", source="no good")])
    problem = assert_problem(answer, 400, "invalid_event")
    assert "at index 1 of the batch" in problem["detail"]
    assert problem["errors"][0]["field"] == "1.source"
    assert await watches.newest("tea") is None
    answer = await post(client, [event(), event(id="2"), event(id="2")])
    assert (answer.json()["accepted"], answer.json()["replayed"]) == (2, 1)
    assert (await post(client, [])).json()["accepted"] == 0


@pytest.mark.parametrize(
    ("headers", "body", "status", "code", "told"),
    [
        (STRUCTURED, json.dumps(event(id=None)), 400, "invalid_event", "id is missing"),
        (STRUCTURED, json.dumps(event(specversion="0.3")), 400, "invalid_event", "1.0"),
        (STRUCTURED, "[]", 400, "invalid_event", "an event is a JSON object"),
        (BATCH, json.dumps(event()), 400, "invalid_event", "a batch is a JSON array"),
        (STRUCTURED, "{", 400, "malformed_json", "valid JSON"),
        (STRUCTURED, "", 400, "malformed_json", "valid JSON"),
        (STRUCTURED, '{"id": "1", "id": "2"}', 400, "malformed_json", "twice"),
        (STRUCTURED, '{"data": NaN}', 400, "malformed_json", "NaN"),
        (STRUCTURED, b'{"data": "\xff"}', 400, "malformed_json", "UTF-8"),
        ({**BINARY, "ce-id": ""}, "{}", 400, "invalid_event", "id is empty"),
        ({**BINARY, "ce-source": "no good"}, "{}", 400, "invalid_event", "%20"),
        ({**BINARY, "Content-Type": "image/png"}, "x", 400, "invalid_event", "image/png"),
        ({}, "3.2", 415, "unsupported_media_type", "missing"),
        ({"Content-Type": "text/plain"}, "3.2", 415, "unsupported_media_type", "subject"),
        (
            {"Content-Type": "application/x-www-form-urlencoded"},
            '{"subject": "tea", "value": 3}',
            415,
            "unsupported_media_type",
            "application/json",
        ),
        (
            {"Content-Type": "application/cloudevents+avro"},
            "x",
            415,
            "unsupported_media_type",
            "avro is not read here",
        ),
        (
            {"Content-Type": "application/json"},
            json.dumps(event()),
            415,
            "unsupported_media_type",
            "looks like CloudEvents",
        ),
        (
            {"Content-Type": "application/json"},
            json.dumps([event()]),
            415,
            "unsupported_media_type",
            "batch",
        ),
        ({"Content-Type": "application/json"}, "{}", 400, "invalid_event", "subject is missing"),
        (
            {"Content-Type": "application/json"},
            '{"subject": "tea", "price": 3}',
            400,
            "invalid_event",
            "no 'price'",
        ),
        (
            {"Content-Type": "application/json"},
            '{"subject": 7, "value": 3}',
            400,
            "invalid_event",
            "a number",
        ),
    ],
)
async def test_what_is_wrong_is_said(
    client: httpx.AsyncClient,
    watches: Watches,
    *,
    headers: dict[str, str],
    body: str | bytes,
    status: int,
    code: str,
    told: str,
) -> None:
    """In a sentence that says what to do; nothing is stored."""
    answer = await client.post(PATH, content=body, headers=headers)
    assert told in assert_problem(answer, status, code)["detail"]
    assert await watches.newest("tea") is None


async def test_too_much_is_refused(client: httpx.AsyncClient, watches: Watches) -> None:
    """By size, and by number of events."""
    answer = await post(client, event(data="x" * BODY_LIMIT))
    assert_problem(answer, 413, "request_too_large")
    answer = await post(client, [event(id=str(number)) for number in range(1001)])
    assert "1,001" in assert_problem(answer, 413, "request_too_large")["detail"]
    assert await watches.newest("tea") is None


async def test_data_that_is_too_large_is_found_in_a_batch(
    client: httpx.AsyncClient, watches: Watches
) -> None:
    """One large event does not make the others suspect."""
    large = event(id="2", data="x" * 300_000)
    answer = await post(client, [event(), large])
    problem = assert_problem(answer, 400, "invalid_event")
    assert problem["errors"][0]["field"] == "1.data"
    answer = await post(client, large)
    assert assert_problem(answer, 400, "invalid_event")["errors"][0]["field"] == "data"
    assert await watches.newest("tea") is None


async def test_a_full_disk_is_told(client: httpx.AsyncClient, watches: Watches) -> None:
    """A program may try again; nothing was acknowledged."""

    async def full(*_: object) -> None:
        raise StoreFull("The disk is full: make room.")

    watches._store.accept_events = full  # type: ignore[assignment,method-assign] # noqa: SLF001
    answer = await post(client, event())
    assert_problem(answer, 503, "store_full")
    assert answer.headers["retry-after"] == "60"


# -- who may ---------------------------------------------------------------------------------


async def test_configured_keys_are_needed(open_: Open) -> None:
    """As for everything else."""
    assert_problem(await post(open_(KEYS), event()), 401, "unauthorized")
    assert (await post(open_(KEYS, key=KEY), event())).status_code == 202
    answer = await open_(KEYS).post(PATH, params={"key": KEY}, json={})
    assert_problem(answer, 400, "key_in_url")


async def test_credentials_without_keys_close_it(open_: Open) -> None:
    """With a real bot something is at stake."""
    assert_problem(await post(open_(CREDENTIALS), event()), 403, "keys_not_configured")


async def test_the_demos_page_needs_no_key(open_: Open) -> None:
    """It has none; other sites' pages are kept out all the same."""
    client = open_(KEYS, demo=True)
    own = {"Origin": "http://localhost:3978", "Sec-Fetch-Site": "same-origin"}
    assert (await post(client, event(), **own)).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:5000"},
        {"Referer": "http://evil.example/page"},
    ],
    ids=lambda headers: "-".join(headers.values()),
)
async def test_other_sites_pages_cannot_say_what_happened(
    open_: Open, watches: Watches, headers: dict[str, str]
) -> None:
    """Not in demo mode either."""
    answer = await post(open_(demo=True), event(), **headers)
    assert_problem(answer, 403, "cross_site")
    assert await watches.newest("tea") is None


async def test_other_names_and_machines_are_not_answered(open_: Open) -> None:
    """On loopback without keys: neither a rebound name nor another machine, nor a tunnel."""
    answer = await post(open_(), event(), Host="evil.example")
    assert_problem(answer, 421, "unknown_host")
    assert_problem(await post(open_(peer="10.0.0.9"), event()), 403, "not_exposed")
    forwarded = {"X-Forwarded-For": "10.0.0.9"}
    assert_problem(await post(open_(), event(), **forwarded), 403, "not_exposed")


async def test_it_describes_itself(client: httpx.AsyncClient) -> None:
    """Every form a body may have is in the OpenAPI document."""
    described = (await client.get("/openapi.json")).json()["paths"][PATH]["post"]
    assert set(described["requestBody"]["content"]) == {
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/json",
    }
    assert "202" in described["responses"]
