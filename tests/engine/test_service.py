"""The skeleton of services: start, repeat, survive errors, stop and wait."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from recado.engine.service import Service
from recado.errors import StoreUnavailable
from recado.telemetry import Event, ServiceFailed, Telemetry
from recado.testing import HandClock


class Scripted(Service):
    """A service that does as it is told.

    Attributes:
        script: what its steps return, or raise; then it sleeps until it is woken.
        steps: how many it has begun.
        begun: set with each step.
    """

    def __init__(self, clock: HandClock, telemetry: Telemetry) -> None:
        super().__init__(clock, telemetry)
        self.script: deque[float | Exception | None] = deque()
        self.steps = 0
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.stopped = 0
        self.stop_error: Exception | None = None

    async def run_once(self) -> float | None:
        self.steps += 1
        self.begun.set()
        await self.gate.wait()
        told = self.script.popleft() if self.script else None
        if isinstance(told, Exception):
            raise told
        return told

    async def on_stop(self) -> None:
        self.stopped += 1
        await asyncio.sleep(0)
        if self.stop_error is not None:
            raise self.stop_error

    async def steps_are(self, count: int) -> None:
        """Wait for the step of that number."""
        async with asyncio.timeout(5):
            while self.steps < count:
                self.begun.clear()
                await self.begun.wait()


@pytest.fixture
def clock() -> HandClock:
    """The time."""
    return HandClock()


@pytest.fixture
def events() -> list[Event]:
    """What telemetry was told."""
    return []


@pytest.fixture
async def service(clock: HandClock, events: list[Event]) -> Scripted:
    """A service that is not started yet."""
    telemetry = Telemetry()
    telemetry.subscribe(events.append)
    return Scripted(clock, telemetry)


async def settled() -> None:
    """Let everything that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_it_repeats_until_nothing_is_left(service: Scripted) -> None:
    """A step that returns 0 is followed by another at once."""
    service.script.extend([0, 0, 0])
    service.start()
    await service.steps_are(4)
    await settled()
    assert service.steps == 4
    await service.stop()


async def test_it_sleeps_as_long_as_it_says(service: Scripted, clock: HandClock) -> None:
    """On its own clock."""
    service.script.extend([5])
    service.start()
    await settled()
    clock.advance(4.9)
    await settled()
    assert service.steps == 1
    clock.advance(0.1)
    await service.steps_are(2)
    await service.stop()


async def test_waking_ends_a_sleep(service: Scripted) -> None:
    """However long it would be."""
    service.script.extend([3600, None])
    service.start()
    await settled()
    service.wake()
    await service.steps_are(2)
    service.wake()
    await service.steps_are(3)
    await service.stop()


async def test_waking_during_a_step_is_not_lost(service: Scripted) -> None:
    """Another step follows, because this one may have looked before."""
    service.gate.clear()
    service.start()
    await service.steps_are(1)
    service.wake()
    service.gate.set()
    await service.steps_are(2)
    await service.stop()


@pytest.mark.parametrize("error", [StoreUnavailable("locked"), RuntimeError("bug")])
async def test_errors_are_told_and_outlived(
    service: Scripted, clock: HandClock, events: list[Event], error: Exception
) -> None:
    """It goes on after a second, and says so until it went well."""
    service.script.extend([error, None])
    service.start()
    await settled()
    told = f"{type(error).__name__}: {error}"
    assert service.trouble == told
    assert events == [ServiceFailed(service="Scripted", error=told)]
    assert service.running
    assert service.steps == 1
    clock.advance(1)
    await service.steps_are(2)
    await settled()
    assert not service.trouble
    await service.stop()


async def test_starting_twice_is_starting_once(service: Scripted) -> None:
    """A service that runs goes on."""
    service.start()
    service.start()
    await settled()
    assert service.steps == 1
    await service.stop()
    assert not service.running


async def test_stopping_waits_for_the_step_and_puts_things_in_order(service: Scripted) -> None:
    """A step that was begun is finished, then things are put in order, once."""
    service.gate.clear()
    service.start()
    await service.steps_are(1)
    stopping = [asyncio.ensure_future(service.stop()) for _ in range(3)]
    await settled()
    assert not any(each.done() for each in stopping)
    service.gate.set()
    await asyncio.gather(*stopping)
    assert (service.steps, service.stopped, service.running) == (1, 1, False)


async def test_stopping_what_does_not_run_is_allowed(service: Scripted) -> None:
    """Whoever cleans up need not know."""
    await service.stop()
    service.start()
    await service.stop()
    await service.stop()
    assert service.stopped == 1


async def test_who_stops_waiting_does_not_stop_the_stopping(service: Scripted) -> None:
    """A time-out around a stop leaves things in order all the same."""
    service.gate.clear()
    service.start()
    await service.steps_are(1)
    impatient = asyncio.ensure_future(service.stop())
    await settled()
    impatient.cancel()
    await settled()
    service.gate.set()
    await service.stop()
    assert service.stopped == 1


async def test_it_can_be_started_again(service: Scripted) -> None:
    """After it has stopped."""
    for count in (1, 2, 3):
        service.start()
        await service.steps_are(count)
        await service.stop()
        assert service.stopped == count


async def test_one_that_was_cut_off_can_be_started_again(service: Scripted) -> None:
    """Its task was cancelled by somebody else: it does not run, and can."""
    service.start()
    await service.steps_are(1)
    task = service._task  # noqa: SLF001 - nobody but the event loop's end does this
    assert task is not None
    task.cancel()
    await asyncio.wait({task})
    assert not service.running
    service.start()
    await service.steps_are(2)
    await service.stop()


async def test_an_error_while_stopping_is_told(service: Scripted, events: list[Event]) -> None:
    """Whoever stops it can go on stopping others."""
    service.stop_error = RuntimeError("bug")
    service.start()
    await settled()
    await service.stop()
    assert events == [ServiceFailed(service="Scripted", error="RuntimeError: bug")]


async def test_a_busy_service_can_be_stopped(service: Scripted) -> None:
    """It need not have come to rest."""
    service.script.extend([0] * 1_000_000)
    service.start()
    await service.steps_are(3)
    async with asyncio.timeout(5):
        await service.stop()
