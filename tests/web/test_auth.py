"""API keys: where they are needed, and how they are given."""

from __future__ import annotations

import pytest

from tests.web.conftest import KEY, OTHER_KEY, Connect, World, assert_problem

CREDENTIALS = {"MicrosoftAppId": "app", "MicrosoftAppPassword": "secret"}
KEYS = {"RECADO_API_KEYS": f"{KEY},{OTHER_KEY}"}
EXPOSED = {**CREDENTIALS, **KEYS, "RECADO_HOST": "0.0.0.0"}

CLOSED = [
    ("GET", "/api/notify"),
    ("POST", "/api/notify"),
    ("GET", "/api/notifications/x"),
    ("GET", "/api/jobs"),
    ("POST", "/api/jobs/1/complete"),
]


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_configured_keys_are_needed(connect: Connect, method: str, path: str) -> None:
    """Also on loopback: who configures keys means it."""
    client = connect(KEYS)
    problem = assert_problem(await client.request(method, path), 401, "unauthorized")
    assert "RECADO_API_KEYS" in problem["detail"]


@pytest.mark.parametrize(
    "given",
    ["Bearer wrong-key-wrong-key", f"Bearer {KEY} x", f"Basic {KEY}", KEY, "Bearer", "Bearer é"],
)
async def test_other_credentials_do_not_do(connect: Connect, given: str) -> None:
    """Nothing but one of the keys, as a bearer."""
    answer = await connect(KEYS).get("/api/jobs", headers={b"Authorization": given.encode()})
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
async def test_each_key_opens(connect: Connect, key: str) -> None:
    """Several keys let one be replaced without an interruption."""
    assert (await connect(KEYS, key=key).get("/api/jobs")).status_code == 200


@pytest.mark.parametrize("name", ["key", "code", "api_key", "access_token", "Key"])
async def test_a_key_in_a_url_is_refused(connect: Connect, name: str) -> None:
    """Even a right one: it is in somebody's log now."""
    answer = await connect(KEYS).get("/api/jobs", params={name: KEY})
    problem = assert_problem(answer, 400, "key_in_url")
    assert "Authorization: Bearer" in problem["detail"]
    assert KEY not in answer.text


@pytest.mark.parametrize(("method", "path"), CLOSED[1:])
async def test_credentials_without_keys_close_the_api(
    connect: Connect, method: str, path: str
) -> None:
    """With a real bot something is at stake, so the API is closed until keys are configured."""
    answer = await connect(CREDENTIALS).request(method, path)
    problem = assert_problem(answer, 403, "keys_not_configured")
    assert "RECADO_API_KEYS" in problem["detail"]


async def test_local_testing_needs_no_keys(connect: Connect) -> None:
    """Without credentials, on loopback, everything works."""
    assert (await connect().get("/api/jobs")).status_code == 200


async def test_demo_mode_opens_the_page_and_nothing_else(
    delivering: World, connect: Connect
) -> None:
    """Loading /api/notify works in a browser, which cannot send a key."""
    await delivering.knows("a:1")
    client = connect(KEYS, demo=True)
    assert (await client.get("/api/notify")).status_code == 200
    assert_problem(await client.get("/api/jobs"), 401, "unauthorized")
    assert (await connect(CREDENTIALS, demo=True).get("/api/jobs")).status_code == 200


async def test_health_is_open_and_metrics_are_for_keys(connect: Connect) -> None:
    """Where other machines can reach the server."""
    client = connect(EXPOSED)
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200
    assert_problem(await client.get("/metrics"), 401, "unauthorized")
    assert (await connect(EXPOSED, key=KEY).get("/metrics")).status_code == 200
    assert (await connect(KEYS).get("/metrics")).status_code == 200


async def test_keys_have_idempotency_keys_of_their_own(world: World, connect: Connect) -> None:
    """Two callers may choose the same idempotency key."""
    await world.knows("a:1")
    body = {"to": "conversation:a:1", "text": "hi"}
    headers = {"Idempotency-Key": "once"}
    ids = set()
    for key in (KEY, KEY, OTHER_KEY):
        answer = await connect(KEYS, key=key).post("/api/notify", json=body, headers=headers)
        assert answer.status_code == 202
        ids.add(answer.json()["id"])
    assert len(ids) == 2
    assert await world.accepted() == 2
