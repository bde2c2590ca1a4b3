from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from recado.testing import START, HandClock, held, simulate


async def _sleep(clock: HandClock, seconds: float) -> bool:
    return await clock.wait(asyncio.Event(), seconds)


async def test_a_wait_ends_when_the_clock_is_wound() -> None:
    """Not before its time, and exactly then."""
    clock = HandClock()
    waiting = asyncio.create_task(_sleep(clock, 5))
    await asyncio.sleep(0)
    assert clock.next_due == START + timedelta(seconds=5)
    clock.advance(4.999999)
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.advance(0.000001)
    assert await waiting is False


async def test_a_wait_ends_with_its_event() -> None:
    """Also when the clock is wound in the same moment."""
    clock = HandClock()
    event = asyncio.Event()
    waiting = asyncio.create_task(clock.wait(event, 5))
    await asyncio.sleep(0)
    event.set()
    clock.advance(5)
    assert await waiting is True
    assert clock.next_due is None


async def test_cancelling_a_wait_leaves_nothing_behind() -> None:
    """Neither for the clock to ring nor in its memory."""
    clock = HandClock()
    waiting = [asyncio.create_task(_sleep(clock, 5 + n)) for n in range(1000)]
    await asyncio.sleep(0)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert clock.next_due is None
    assert len(clock._waiting) <= 128  # noqa: SLF001 - nothing else shows it
    clock.advance(10_000)


async def test_a_cancelled_wait_is_no_time_out() -> None:
    """Whoever cancels is not told that the time had come."""
    clock = HandClock()
    waiting = asyncio.create_task(_sleep(clock, 5))
    await asyncio.sleep(0)
    waiting.cancel()
    clock.advance(5)
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_it_winds_itself_from_waiter_to_waiter() -> None:
    """Everybody wakes at their own time, in order, and the clock stops where it was told."""
    clock = HandClock()
    woken: list[tuple[str, timedelta]] = []

    async def sleeper(name: str, seconds: float) -> None:
        for _ in range(3):
            await _sleep(clock, seconds)
            woken.append((name, clock.now() - START))

    tasks = [asyncio.create_task(sleeper("slow", 4)), asyncio.create_task(sleeper("quick", 3))]
    await clock.run_until(START + timedelta(seconds=11))
    seconds = [(name, since.total_seconds()) for name, since in woken]
    assert seconds == [("quick", 3), ("slow", 4), ("quick", 6), ("slow", 8), ("quick", 9)]
    assert clock.now() == START + timedelta(seconds=11)
    clock.advance(1)
    await asyncio.gather(*tasks)


async def test_held_it_does_not_wind_itself() -> None:
    """Work in a thread is not overtaken by the time."""
    clock = HandClock()
    seen: list[float] = []

    async def worker() -> None:
        await _sleep(clock, 1)
        with clock.hold():
            await asyncio.to_thread(time.sleep, 0.05)
        seen.append((clock.now() - START).total_seconds())

    task = asyncio.create_task(worker())
    await clock.run_until(START + timedelta(seconds=10))
    await task
    assert seen == [1]


def test_an_hour_passes_at_once() -> None:
    """Sleeps, time-outs and waits on the clock all follow it."""

    async def main(clock: HandClock) -> list[float]:
        seen = []
        for wait in (asyncio.sleep(600), _sleep(clock, 1800.5)):
            await wait
            seen.append((clock.now() - START).total_seconds())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1199.5):
                await asyncio.Event().wait()
        seen.append((clock.now() - START).total_seconds())
        return seen

    begun = time.perf_counter()
    assert simulate(main) == [600, 2400.5, 3600]
    assert time.perf_counter() - begun < 2


def test_a_simulation_repeats_itself() -> None:
    """The same work gives the same moments, to the microsecond."""

    async def main(clock: HandClock) -> list[str]:
        told: list[str] = []

        async def sleeper(number: int) -> None:
            for step in range(20):
                await _sleep(clock, 0.0101 * number + 0.003 * step)
                told.append(f"{number} {clock.now().isoformat()}")

        async with asyncio.TaskGroup() as group:
            for number in range(1, 20):
                group.create_task(sleeper(number))
        return told

    assert simulate(main) == simulate(main)


def test_a_simulation_waits_for_threads() -> None:
    """What holds the clock in a thread ends in the moment it began in."""

    class Store:
        async def commit(self) -> str:
            await asyncio.to_thread(time.sleep, 0.05)
            return "committed"

    async def main(clock: HandClock) -> tuple[str, float]:
        ticking = asyncio.create_task(_sleep(clock, 3600))
        told = await held(Store(), clock).commit()
        since = (clock.now() - START).total_seconds()
        ticking.cancel()
        return told, since

    assert simulate(main) == ("committed", 0)


def test_many_waiters_are_cheap() -> None:
    """A hundred thousand wake-ups are a matter of seconds."""

    async def main(clock: HandClock) -> int:
        async def sleeper(number: int) -> None:
            for _ in range(100):
                await _sleep(clock, 0.5 + number / 1000)

        async with asyncio.TaskGroup() as group:
            for number in range(1000):
                group.create_task(sleeper(number))
        return 100_000

    begun = time.process_time()
    assert simulate(main) == 100_000
    assert time.process_time() - begun < 20
