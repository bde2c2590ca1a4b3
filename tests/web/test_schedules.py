"""Schedules over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from recado.domain.politeness import NO_RULES
from recado.domain.reference import Member
from recado.recipients import Recipients
from recado.schedules import Schedules
from recado.web.schedules import schedules_routes
from tests.web.conftest import Connect, World, assert_problem, settings

SCHEDULES = "/api/v1/schedules"
DAILY: dict[str, Any] = {"to": "user:ana", "text": "Stand-up!", "cron": "30 9 * * 1-5"}


def made_over(world: World) -> Schedules:
    """The use case over what is behind the web side."""
    recipients = Recipients(world.store, world.references, world.clock, bot="local", rules=NO_RULES)
    return Schedules(
        world.store, world.outbox, world.references, recipients, world.clock, bot="local"
    )


@pytest.fixture
async def client(world: World, connect: Connect) -> httpx.AsyncClient:
    """A client of a server on which Ana is known."""
    await world.knows("a:ana", members=(Member(user_id="ana"),), timezone="Europe/Madrid")
    return connect(routers=[schedules_routes(made_over(world), settings())])


async def test_from_making_to_cancelling(client: httpx.AsyncClient, world: World) -> None:
    """Each step answers with what became of it."""
    answer = await client.post(SCHEDULES, json={**DAILY, "key": "standup", "title": "Stand-up"})
    assert answer.status_code == 201
    made = answer.json()
    assert (made["state"], made["zone"], made["to"]) == ("active", "Europe/Madrid", ["user:ana"])
    assert made["rule"] == {"cron": "30 9 * * 1-5"}
    assert (
        await client.post(SCHEDULES, json={**DAILY, "key": "standup", "title": "Stand-up"})
    ).json() == made
    page = (await client.get(SCHEDULES, params={"state": "active", "to": "user:ana"})).json()
    assert [each["id"] for each in page["items"]] == [made["id"]]
    coming = (
        await client.get(f"{SCHEDULES}/upcoming", params={"to": "user:ana", "limit": 3})
    ).json()
    assert [each["title"] for each in coming["items"]] == ["Stand-up"] * 3
    assert coming["items"][0]["at"] == made["next_at"]
    assert (await client.post(f"{SCHEDULES}/standup/pause")).json()["state"] == "paused"
    assert (await client.post(f"{SCHEDULES}/standup/resume")).json()["state"] == "active"
    moved = await client.patch(f"{SCHEDULES}/standup", json={"every": 3600, "zone": "UTC"})
    assert moved.json()["rule"]["every"] == 3600 * 10**6
    run = await client.post(f"{SCHEDULES}/standup/run")
    assert (run.status_code, run.json()["kind"]) == (202, "run")
    assert await world.accepted() == 1
    shown = (await client.get(f"{SCHEDULES}/standup")).json()
    assert len(shown["upcoming"]) == 20
    assert [each["notification_id"] for each in shown["history"]] == [run.json()["notification_id"]]
    assert (await client.delete(f"{SCHEDULES}/standup")).json()["state"] == "cancelled"
    again = await client.post(f"{SCHEDULES}/standup/run")
    assert_problem(again, 409, "transition_refused")


async def test_every_way_to_say_when(client: httpx.AsyncClient) -> None:
    """Times without an offset are those on the wall."""
    far = datetime(2040, 1, 1, 9, tzinfo=UTC)
    for when, next_at in (
        ({"at": "2040-01-01T09:00:00Z"}, far),
        ({"at": "2040-01-01T09:00"}, far - timedelta(hours=1)),
        ({"at": "2040-01-01T09:00", "zone": "America/New_York"}, far + timedelta(hours=5)),
        ({"rrule": "FREQ=YEARLY;COUNT=2", "start": "2040-01-01T09:00"}, far - timedelta(hours=1)),
        ({"every": 60, "start": "2040-01-01T09:00:00Z"}, far),
    ):
        answer = await client.post(SCHEDULES, json={"to": "user:ana", "text": "x", **when})
        assert answer.status_code == 201, answer.text
        assert datetime.fromisoformat(answer.json()["next_at"]) == next_at


async def test_an_idempotency_key_is_the_schedules(client: httpx.AsyncClient) -> None:
    """Another request under it is refused."""
    told = {"to": "user:ana", "text": "x", "after": 60}
    head = {"idempotency-key": '"k1"'}
    first = await client.post(SCHEDULES, json=told, headers=head)
    again = await client.post(SCHEDULES, json=told, headers=head)
    assert (first.json()["key"], again.json()["id"]) == ("k1", first.json()["id"])
    other = await client.post(SCHEDULES, json={**told, "text": "y"}, headers=head)
    assert_problem(other, 422, "idempotency_conflict")


async def test_options_are_taken(client: httpx.AsyncClient) -> None:
    """Those of notify, and the schedule's own."""
    answer = await client.post(
        SCHEDULES,
        json={
            "to": ["user:ana"],
            "handler": "greet",
            "value": {"n": 1},
            "after": 60,
            "priority": "urgent",
            "category": "news",
            "user": {"id": "ana"},
            "misfire": "skip",
            "jitter": 30,
            "unless_spoken": True,
            "expires_after": 600,
            "once_key": "o",
            "once_every": 90.5,
        },
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["options"] == {
        "handler": "greet",
        "value": {"n": 1},
        "priority": "urgent",
        "category": "news",
        "user": {"id": "ana"},
        "once_key": "o",
        "once_every": 90.5,
    }


@pytest.mark.parametrize(
    ("told", "code", "says"),
    [
        ({}, "invalid_schedule", "one of at, after, every, cron and rrule"),
        ({"every": 5}, "invalid_schedule", "10 s or more"),
        ({"cron": "61 * * * *"}, "invalid_schedule", "no cron expression"),
        ({"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, "invalid_schedule", "never comes"),
        ({"at": "2020-01-01T09:00"}, "past_time", "passed already"),
        ({"at": "tomorrow"}, "invalid_input", "2026-12-24T18:00:00+01:00"),
        ({"after": "10"}, "invalid_input", "number of seconds"),
        ({"every": 60, "zone": "Europe/Madird"}, "unknown_zone", "Europe/Madrid"),
        ({"every": 60, "evry": 60}, "invalid_input", "evry"),
        ({"every": 60, "text": "x", "activity": {}}, "invalid_input", "not both"),
        ({"every": 60, "misfire": "never"}, "invalid_input", "misfire"),
    ],
)
async def test_bad_input(
    client: httpx.AsyncClient, told: dict[str, Any], code: str, says: str
) -> None:
    """A problem that says what to do, and nothing is stored."""
    answer = await client.post(SCHEDULES, json={"to": "user:ana", "text": "x", **told})
    problem = assert_problem(answer, 422, code)
    assert says in str(problem)
    assert (await client.get(SCHEDULES)).json()["items"] == []


async def test_what_is_not_there(client: httpx.AsyncClient) -> None:
    """Is a 404, whatever is asked of it."""
    for method, path in (
        ("GET", "/x"),
        ("DELETE", "/x"),
        ("POST", "/x/pause"),
        ("POST", "/x/resume"),
        ("POST", "/x/run"),
    ):
        answer = await client.request(method, SCHEDULES + path)
        assert_problem(answer, 404, "unknown_schedule")
    nobody = await client.post(SCHEDULES, json={**DAILY, "to": "user:nobody"})
    assert_problem(nobody, 404, "unknown_recipient")
