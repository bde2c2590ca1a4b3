"""A bench: dispatcher and timekeeper over a real store, a channel that obeys, a hand-wound clock.

Tests wait for facts. :meth:`Bench.quiet` waits until nothing more happens by itself: the
services sleep on the clock, and every request that can be answered has been.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from recado.channel.pacing import Pacer
from recado.channel.port import Post
from recado.clock import Clock
from recado.domain.policy import Answer
from recado.engine.dispatcher import Dispatcher, DispatcherSettings
from recado.engine.port import TurnEnded
from recado.engine.service import Service
from recado.engine.timekeeper import Timekeeper
from recado.store.port import Claim, Cycled, Observed, Settlement, Wanted
from recado.store.sqlite import SqliteStore
from recado.telemetry import Event, Telemetry
from recado.testing import FakeChannel, HandClock
from tests.store.kit import Desk, plainly

E = TypeVar("E", bound=Event)

#: Turns of the event loop without news after which none is to be expected.
_STILL = 25
OTHER_HOST = "https://smba.infra.gcc.teams.microsoft.com/"


class WatchedClock(HandClock):
    """A hand-wound clock that knows who sleeps on it."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep: set[asyncio.Task[Any] | None] = set()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        task = asyncio.current_task()
        self.asleep.add(task)
        try:
            return await super().wait(event, seconds)
        finally:
            self.asleep.discard(task)


class TroubledStore(SqliteStore):
    """A SQLite store whose cycles can be made to fail, and are counted.

    Attributes:
        before: errors raised instead of a cycle; None lets one pass.
        after: errors raised after a cycle was committed.
        refuses: raises if the batch is one the database refuses.
        meanwhile: run after a cycle was committed and before its result is told.
        cycles: how many were begun.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        super().__init__(path, clock)
        self.before: deque[Exception | None] = deque()
        self.after: deque[Exception | None] = deque()
        self.refuses: Callable[[Sequence[Settlement]], None] = lambda _: None
        self.meanwhile: Callable[[], Any] | None = None
        self.cycles = 0

    async def cycle(
        self,
        settlements: Sequence[Settlement],
        *,
        owner: str,
        now: datetime,
        lease_until: datetime,
        wanted: Wanted,
        observed: Observed,
    ) -> Cycled:
        self.cycles += 1
        if self.before and (error := self.before.popleft()) is not None:
            raise error
        self.refuses(settlements)
        cycled = await super().cycle(
            settlements,
            owner=owner,
            now=now,
            lease_until=lease_until,
            wanted=wanted,
            observed=observed,
        )
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        if self.after and (error := self.after.popleft()) is not None:
            raise error
        return cycled


class GatedChannel(FakeChannel):
    """A channel that can keep single conversations waiting, and knows how busy it is.

    Attributes:
        shut: conversations whose requests are taken in but not answered.
        plans: answers per conversation, before those of ``answers``; an exception is raised.
        busy: requests in it now.
        busiest: the most there ever were.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shut: dict[str, asyncio.Event] = {}
        self.plans: dict[str, deque[Answer | BaseException]] = {}
        self.busy = 0
        self.busiest = 0

    def shut_out(self, *conversations: str) -> None:
        """Answer nothing to these conversations."""
        for each in conversations:
            self.shut[each] = asyncio.Event()

    def let_in(self, conversation: str) -> None:
        """Answer again."""
        self.shut.pop(conversation).set()

    def plan(self, conversation: str, *answers: Answer | BaseException) -> None:
        """Answer so next time, and the times after."""
        self.plans.setdefault(conversation, deque()).extend(answers)

    async def send(self, post: Post) -> Answer:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            answer = await super().send(post)
            gate = self.shut.get(post.conversation_id)
            if gate is not None:
                await gate.wait()
        finally:
            self.busy -= 1
        planned = self.plans.get(post.conversation_id)
        if not planned:
            return answer
        told = planned.popleft()
        if isinstance(told, BaseException):
            raise told
        return told

    def said_to(self, conversation: str) -> list[str | None]:
        """Texts one conversation was sent, in order."""
        return [each.text for each in self.sent if each.post.conversation_id == conversation]


class FakeTurns:
    """Handlers by name: each is a function of the claim."""

    def __init__(self, **handlers: Callable[[Claim], TurnEnded]) -> None:
        self.handlers = dict(handlers)
        self.ran: list[str] = []

    def names(self) -> Collection[str]:
        return self.handlers.keys()

    async def run(self, claim: Claim, lasts: Callable[[], bool]) -> TurnEnded:
        assert claim.handler is not None
        self.ran.append(claim.handler)
        return self.handlers[claim.handler](claim)


class Bench(Desk):
    """Everything that delivers, in one process."""

    store: TroubledStore
    clock: WatchedClock

    def __init__(
        self,
        store: TroubledStore,
        clock: WatchedClock,
        *,
        channel: GatedChannel | None = None,
        turns: FakeTurns | None = None,
        pacer: Pacer | None = None,
        settings: DispatcherSettings | None = None,
        owner: str = "first",
        other_host: Callable[[str], str | None] = lambda _: OTHER_HOST,
    ) -> None:
        super().__init__(store, clock, owner)
        self.channel = channel or GatedChannel()
        self.turns = turns or FakeTurns()
        self.telemetry = Telemetry()
        self.events: list[Event] = []
        self.telemetry.subscribe(self.events.append)
        self.settled = 0
        self.dispatcher = Dispatcher(
            store,
            self.channel,
            self.turns,
            clock,
            self.telemetry,
            pacer=pacer or Pacer(clock, {}),
            owner=owner,
            settings=settings,
            other_host=other_host,
            on_settled=self._on_settled,
        )
        self.timekeeper = Timekeeper(store, clock, self.telemetry, on_due=self.dispatcher.wake)
        self._services: list[Service] = []

    def _on_settled(self) -> None:
        self.settled += 1

    async def start(self, *, timekeeper: bool = True) -> None:
        """Start the services, and wait until they have done what there was to do."""
        self.store.on_work(self.dispatcher.wake, self.timekeeper.wake)
        self._services = [self.dispatcher, *([self.timekeeper] if timekeeper else [])]
        for service in self._services:
            service.start()
        await self.quiet()

    async def stop(self) -> None:
        """Stop in order, as the application does."""
        for service in reversed(self._services):
            await service.stop()
        self._services = []

    async def crash(self) -> None:
        """End like a killed process: whatever was under way is cut off, nothing is put in order."""
        tasks = set(self.dispatcher._in_flight)  # noqa: SLF001 - no process may do this
        tasks |= {each._task for each in self._services if each._task is not None}  # noqa: SLF001 - no process may do this
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        self._services = []
        await self.store.stop_serving()

    async def quiet(self) -> None:
        """Wait until nothing more happens by itself."""
        still = 0
        async with asyncio.timeout(20):
            while still < _STILL:
                before = len(self.channel.sent), self.channel.busy, self.store.cycles
                await asyncio.sleep(0)
                after = len(self.channel.sent), self.channel.busy, self.store.cycles
                still = still + 1 if self._asleep and before == after else 0

    @property
    def _asleep(self) -> bool:
        tasks = {each._task for each in self._services if each.running}  # noqa: SLF001 - to know
        return tasks <= self.clock.asleep

    async def wind(self, seconds: float | timedelta) -> None:
        """Wind the clock, and wait until everything that brings has been done."""
        self.clock.advance(seconds)
        await self.quiet()

    def told(self, kind: type[E]) -> list[E]:
        """What telemetry was told of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def texts_sent(self) -> list[str | None]:
        """Everything the channel was handed, in order."""
        return self.channel.texts

    def times_sent(self) -> Counter[str]:
        """How often each delivery was handed to the channel."""
        return Counter(each.post.key or "" for each in self.channel.sent)

    async def break_address(self, conversation_id: str) -> None:
        """Have the stored address of a conversation be no JSON."""
        work = plainly(
            lambda db: db.execute(
                "UPDATE recado_reference SET address = 'broken' WHERE conversation_id = ?",
                (conversation_id,),
            ).close()
        )
        await self.store._db.write(work)  # noqa: SLF001 - no verb of the port could do this


def failed(status: int, code: str | None = None, **more: Any) -> Answer:
    """A refusal."""
    return Answer(status=status, code=code, **more)


def parsed(body: bytes | None) -> dict[str, Any]:
    """The activity in a request."""
    activity: dict[str, Any] = json.loads(body or b"{}")
    return activity
