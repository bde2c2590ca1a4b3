"""A clock wound by hand, and an event loop whose time it is."""

from __future__ import annotations

import asyncio
import heapq
import inspect
import itertools
import math
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

T = TypeVar("T")

#: Where a hand-wound clock stands at first.
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

#: Turns of an ordinary event loop without news after which none is to be expected.
_STILL = 25
_MICROSECOND = timedelta(microseconds=1)


class HandClock:
    """A clock that stands still until it is wound.

    Waits on it end when their event is set or when the clock has passed their time. It can be
    wound by hand (:meth:`advance`), or wind itself from one waiter to the next
    (:meth:`run_until`, :func:`simulate`).
    """

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._numbers = itertools.count()
        #: Who waits, the earliest first. Who has gone meanwhile stays until its time comes, or
        #: until most have gone.
        self._waiting: list[tuple[datetime, int, _Waiter]] = []
        self._gone = 0
        self._holds = 0
        self._free = asyncio.Event()
        self._free.set()
        #: Counts waits begun and ended, to see whether anything happens.
        self._news = 0

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta | float) -> None:
        """Wind the clock forward by a duration, or by seconds."""
        self._now += by if isinstance(by, timedelta) else timedelta(seconds=by)
        self._ring()

    def set(self, now: datetime) -> None:
        """Set the clock, also backwards."""
        self._now = now
        self._ring()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        if event.is_set() or (seconds is not None and seconds <= 0):
            await asyncio.sleep(0)
            return event.is_set()
        self._news += 1
        try:
            # Only the clock can end it: a task of its own for each waiter would cost five times
            # as much.
            async with asyncio.timeout(None) as limit:
                waiter = self._queue(limit, seconds)
                try:
                    return await event.wait()
                finally:
                    self._leave(waiter)
        except TimeoutError:
            return event.is_set()
        finally:
            self._news += 1

    @property
    def next_due(self) -> datetime | None:
        """When the next waiter is due; None if nobody waits for the time."""
        while self._waiting and self._waiting[0][2].gone:
            heapq.heappop(self._waiting)
            self._gone -= 1
        return self._waiting[0][0] if self._waiting else None

    # -- winding itself ----------------------------------------------------------------------

    async def run_until(self, until: datetime) -> None:
        """Wind from one waiter to the next, letting each do its work, until *until*.

        On an ordinary event loop, what sleeps on the loop's own timers or in threads does not
        take part unless it holds the clock (:meth:`hold`); below :func:`simulate` everything
        does.
        """
        if isinstance(asyncio.get_running_loop(), _SimulatedLoop):
            await self.wait(asyncio.Event(), (until - self._now).total_seconds())
            return
        await self._still()
        while (due := self.next_due) is not None and due <= until:
            self.set(max(due, self._now))
            await self._still()
        self.set(max(until, self._now))
        await self._still()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep the clock from winding itself: work is under way that its loop cannot see."""
        self._holds += 1
        self._free.clear()
        try:
            yield
        finally:
            self._holds -= 1
            self._news += 1
            if not self._holds:
                self._free.set()

    @property
    def held(self) -> bool:
        """Whether somebody holds it."""
        return self._holds > 0

    async def _still(self) -> None:
        """Wait until everybody who was woken has done their work."""
        still = 0
        while still < _STILL:
            if self._holds:
                await self._free.wait()
            before = self._news
            await asyncio.sleep(0)
            still = still + 1 if before == self._news and not self._holds else 0

    # -- waiters -----------------------------------------------------------------------------

    def _queue(self, limit: asyncio.Timeout, seconds: float | None) -> _Waiter | None:
        if seconds is None:
            return None
        waiter = _Waiter(limit)
        due = self._now + timedelta(seconds=seconds)
        heapq.heappush(self._waiting, (due, next(self._numbers), waiter))
        return waiter

    def _leave(self, waiter: _Waiter | None) -> None:
        if waiter is None or waiter.rung:
            return
        waiter.gone = True
        self._gone += 1
        if self._gone > 64 and self._gone * 2 > len(self._waiting):
            self._waiting = [each for each in self._waiting if not each[2].gone]
            heapq.heapify(self._waiting)
            self._gone = 0

    def _ring(self) -> None:
        while (due := self.next_due) is not None and due <= self._now:
            _, _, waiter = heapq.heappop(self._waiting)
            waiter.rung = True
            waiter.limit.reschedule(waiter.loop.time())


class _Waiter:
    """One wait for the time: rung when that has come, gone when it ended before."""

    __slots__ = ("gone", "limit", "loop", "rung")

    def __init__(self, limit: asyncio.Timeout) -> None:
        self.limit = limit
        self.loop = asyncio.get_running_loop()
        self.rung = False
        self.gone = False


class _Jump(selectors.DefaultSelector):
    """A selector that does not wait for the next timer but winds the clock to it."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        step = None if timeout is None else timedelta(microseconds=math.ceil(timeout * 1e6))
        due = self._clock.next_due
        if due is not None:
            left = max(due - self._clock.now(), timedelta(0))
            step = left if step is None else min(left, step)
        if self._clock.held or step is None:
            # A thread, or the world outside, has to do something first.
            return super().select(None)
        self._clock.advance(max(step, _MICROSECOND) if step else step)
        return []


class _SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop that is never idle: when there is nothing to do, it is later."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(_Jump(clock))
        self._hand = clock
        self._begun = clock.now()

    def time(self) -> float:
        """Seconds on the hand-wound clock since the loop was made."""
        return (self._hand.now() - self._begun).total_seconds()


def simulate(
    main: Callable[[HandClock], Coroutine[Any, Any, T]], clock: HandClock | None = None
) -> T:
    """Run *main* in an event loop whose time is a hand-wound clock that winds itself.

    Whenever nothing is left to do now, the clock jumps to what is due next: waits on the clock,
    ``asyncio.sleep``, time-outs and ``call_later`` alike. So an hour takes as long as the work
    in it. Work in threads has to hold the clock: see :func:`held`.

    Args:
        main: called with the clock; what it returns is returned.
        clock: another clock than a new one.
    """
    wound = clock or HandClock()
    with asyncio.Runner(loop_factory=lambda: _SimulatedLoop(wound)) as runner:
        return runner.run(main(wound))


def held(inner: T, clock: HandClock) -> T:
    """*inner* with every call of its coroutine methods holding *clock*.

    For what works in threads or over sockets below a clock that winds itself, as a store does:
    ``Recado(store=held(SqliteStore(None, clock), clock), clock=clock)``.
    """
    return cast("T", _Held(inner, clock))


class _Held:
    def __init__(self, inner: Any, clock: HandClock) -> None:
        self._inner = inner
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*args: Any, **given: Any) -> Any:
            with self._clock.hold():
                return await found(*args, **given)

        # The next look-up finds it at once.
        object.__setattr__(self, name, call)
        return call
