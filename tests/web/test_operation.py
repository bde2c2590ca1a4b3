"""Health and metrics: what operators and their machines ask."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from recado.errors import StoreReadOnly, StoreUnavailable
from recado.telemetry import (
    AttemptEnded,
    DeliveriesLost,
    ReferenceCaptured,
    ServiceFailed,
    TurnFailed,
)
from recado.web.health import StoreCheck
from recado.web.metrics import Metrics
from tests.web.conftest import Connect, World, assert_problem
from tests.web.test_notify import Broken


async def test_a_process_that_answers_is_alive(world: World, connect: Connect) -> None:
    """Whatever the database does: restarting the process would not mend it."""
    store = Broken(world, StoreUnavailable("It is locked."), "check", "backlog")
    answer = await connect(store=store).get("/healthz")
    assert answer.json() == {"status": "alive"}


async def test_ready_means_that_notifications_can_be_accepted(connect: Connect) -> None:
    """The store can be written, and the engine runs."""
    answer = await connect().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"] == {"store": "ok", "engine": "ok"}


async def test_a_store_that_cannot_be_written_is_not_ready(world: World, connect: Connect) -> None:
    """503 with the reason."""
    store = Broken(world, StoreReadOnly("The database cannot be written."), "check")
    problem = assert_problem(await connect(store=store).get("/readyz"), 503, "not_ready")
    assert problem["checks"]["store"] == "The database cannot be written."


async def test_an_engine_in_trouble_is_not_ready(connect: Connect) -> None:
    """In its own words."""
    client = connect(trouble=lambda: "Dispatcher is not running.")
    problem = assert_problem(await client.get("/readyz"), 503, "not_ready")
    assert problem["checks"] == {"store": "ok", "engine": "Dispatcher is not running."}


class Hanging:
    """A store whose database does not answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.answered = asyncio.Event()

    async def check(self) -> None:
        self.asked += 1
        await self.answered.wait()


async def test_probes_of_a_hanging_database_do_not_pile_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One question at a time, never cancelled; its late answer counts for a moment."""
    monkeypatch.setattr("recado.web.health._PATIENCE", 0.01)
    store: Any = Hanging()
    check = StoreCheck(store)
    for _ in range(3):
        assert "did not answer" in (await check.problem() or "")
    assert store.asked == 1
    store.answered.set()
    assert await check.problem() is None
    assert await check.problem() is None
    assert store.asked == 1
    monkeypatch.setattr("recado.web.health._GOOD_FOR", -1)
    assert await check.problem() is None
    assert store.asked == 2


async def test_metrics_count_what_happened(delivering: World, connect: Connect) -> None:
    """Notifications, attempts, times, and what waits."""
    client = connect()
    await delivering.knows("a:1")
    await client.post("/api/notify", json={"to": "user:29:ana", "text": "hi", "wait": 5})
    await client.post("/api/notify", json={"to": "user:29:ana", "text": "x", "when": 3600})
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'recado_notifications_accepted_total{replayed="false"} 2.0' in lines
    labels = 'channel="msteams",outcome="delivered",reason="",state="delivered"'
    assert f"recado_attempts_total{{{labels}}} 1.0" in lines
    assert 'recado_delivery_seconds_count{channel="msteams",state="delivered"} 1.0' in lines
    assert 'recado_channel_seconds_count{channel="msteams"} 1.0' in lines
    assert 'recado_backlog{state="scheduled"} 1.0' in lines
    assert 'recado_backlog{state="pending"} 0.0' in lines
    assert "recado_references 1.0" in lines
    assert "recado_expanding 0.0" in lines
    assert "recado_store_up 1.0" in lines
    assert 'recado_references_captured_total{new="true"} 1.0' in lines


async def test_the_oldest_waiting_delivery_shows(world: World, connect: Connect) -> None:
    """Nothing delivers here, so what is due waits."""
    client = connect()
    await world.knows("a:1")
    await client.post("/api/notify", json={"to": "conversation:a:1", "text": "hi"})
    (line,) = [
        line
        for line in (await client.get("/metrics")).text.splitlines()
        if line.startswith("recado_oldest_waiting_seconds ")
    ]
    assert float(line.split()[1]) > 0


async def test_metrics_are_told_without_the_database_too(world: World, connect: Connect) -> None:
    """That it is down is what one wants to see then."""
    store = Broken(world, StoreUnavailable("It is locked."), "backlog")
    answer = await connect(store=store).get("/metrics")
    assert answer.status_code == 200
    assert "recado_store_up 0.0" in answer.text


def test_every_event_is_counted() -> None:
    """Each kind in a counter of its own."""
    metrics = Metrics()
    for event in (
        DeliveriesLost(retried=2, parked=1),
        ReferenceCaptured(number=1, new=False, released=4),
        TurnFailed(conversation_id="a:1", proactive=True, error="x"),
        ServiceFailed(service="Dispatcher", error="x"),
    ):
        metrics(event)
    read = metrics.registry.get_sample_value
    assert read("recado_deliveries_lost_total", {"then": "retried"}) == 2
    assert read("recado_deliveries_released_total") == 4
    assert read("recado_turns_failed_total", {"proactive": "true"}) == 1
    assert read("recado_service_failures_total", {"service": "Dispatcher"}) == 1


def test_channels_cannot_make_endless_series() -> None:
    """Reasons are a channel's own words; beyond a hundred they are counted together."""
    metrics = Metrics()
    for number in range(1000):
        metrics(
            AttemptEnded(
                delivery_id="d",
                attempt=1,
                outcome="rejected",
                state="rejected",
                reason=f"code-{number}",
                status=400,
                channel="msteams",
                seconds=0.1,
                waited=0.2,
            )
        )
    series = [
        sample
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "recado_attempts_total"
    ]
    assert len(series) == 101
    assert sum(sample.value for sample in series) == 1000
