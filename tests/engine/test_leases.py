"""Leases by a process's own clock: what is not begun any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from microsoft_agents.activity import Activity

from recado.bot.run import LeaseOverError, Run
from recado.domain.delivery import State
from recado.domain.policy import Failure
from recado.engine.leases import Leases
from recado.store.port import Claim, Cycled
from recado.store.sqlite import SqliteStore
from recado.testing import HandClock
from tests.engine.kit import Bench
from tests.store.kit import Desk

LASTING = timedelta(seconds=25)


SLEEP = 40.0


@pytest.fixture
async def claim(clock: HandClock) -> Claim:
    """A claim made now."""
    store = SqliteStore(None, clock)
    await store.open()
    desk = Desk(store, clock)
    found = await desk.claim_of(await desk.say("hello", await desk.meet()))
    await store.close()
    return found


@pytest.fixture
def clock() -> HandClock:
    """The time."""
    return HandClock()


def test_a_claim_lasts_from_its_beginning(claim: Claim, clock: HandClock) -> None:
    """And no longer."""
    leases = Leases(clock, LASTING)
    assert leases.last(claim)
    clock.advance(24.9)
    assert leases.last(claim)
    clock.advance(0.1)
    assert not leases.last(claim)


def test_it_lasts_from_its_renewal(claim: Claim, clock: HandClock) -> None:
    """If the store could renew it, and as long as it is held."""
    leases = Leases(clock, LASTING)
    clock.advance(20)
    leases.renewed([claim], {claim.delivery_id}, clock.now())
    clock.advance(20)
    leases.renewed([claim], (), clock.now())
    assert leases.last(claim)
    clock.advance(5)
    assert not leases.last(claim)


def test_what_is_not_held_is_forgotten(claim: Claim, clock: HandClock) -> None:
    """A delivery that is claimed again later has a lease of its own."""
    leases = Leases(clock, LASTING)
    leases.renewed([claim], {claim.delivery_id}, clock.now() + timedelta(hours=1))
    leases.renewed([], (), clock.now())
    clock.advance(25)
    assert not leases.last(claim)


async def test_what_was_not_begun_before_a_sleep_is_not_begun_after_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that slept beyond its lease when it had claimed puts back what it claimed."""
    made = await bench.say("hello", await bench.meet())
    cycle, asleep = bench.store.cycle, [True]

    async def sleep(*told: Any, **more: Any) -> Cycled:
        cycled = await cycle(*told, **more)
        if cycled.claims and asleep:
            asleep.clear()
            bench.clock.advance(SLEEP)
        return cycled

    monkeypatch.setattr(bench.store, "cycle", sleep)
    begun = bench.now
    await bench.start()
    await bench.quiet()
    detail = await bench.detail(made)
    assert detail.delivery.state is State.DELIVERED
    (attempt,) = detail.attempts
    assert (attempt.number, attempt.started_at) == (1, begun + timedelta(seconds=SLEEP))
    assert bench.texts_sent == ["hello"]


async def test_a_turn_sends_no_more_when_its_lease_is_over() -> None:
    """But what is recorded is answered from the record, as ever."""
    sent: list[str] = []
    lasting = [True]

    async def send(key: str) -> str:
        sent.append(key)
        return "m1"

    async def record(*_: object) -> None:
        lasting.clear()

    run = Run("d", Activity(type="event"), {1: "m0"}, record, lambda: bool(lasting))
    assert await run.once(send) == "m0"
    assert await run.once(send) == "m1"
    with pytest.raises(LeaseOverError) as raised:
        await run.once(send)
    answer = run.answer_behind(raised.value)
    assert answer is not None
    assert answer.failure is Failure.NOT_SENT
    assert sent == ["d/2"]
