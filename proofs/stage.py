"""A stage on which hours pass in seconds: a process of Recado, a channel, and one clock.

Store, dispatcher and pacer are the real ones. The channel counts requests for itself, when they
arrive, and refuses what is too many; it shares no code with the pacer.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from recado.channel.keeping import Keeping
from recado.channel.paced import PacedChannel
from recado.channel.pacing import Pacer
from recado.channel.port import Channel, Post
from recado.channel.profiles import PUBLISHED, longest_window
from recado.domain.audience import Audience, Conversation, EveryConversation
from recado.domain.notification import Notification
from recado.domain.pace import Profile
from recado.domain.policy import Answer
from recado.domain.reference import Reference
from recado.engine.dispatcher import Dispatcher, DispatcherSettings
from recado.engine.sharing import Sharing
from recado.engine.timekeeper import Timekeeper
from recado.store.postgres import PostgresStore
from recado.store.sqlite import SqliteStore
from recado.telemetry import Event, ServiceFailed, Telemetry
from recado.testing import (
    TEAMS,
    HandClock,
    Latency,
    RateLimits,
    Room,
    SimulatedChannel,
    held,
    make_notification,
)

#: Round trips: near, and as far and as uneven as from another continent.
NEAR: Final = Latency(0.005)
FAR: Final = Latency(0.08, 0.04)

TENANT: Final = "tenant-1"


class Wire(Channel):
    """The way to a channel: what was put on it arrives, whatever becomes of the sender."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def send(self, post: Post) -> Answer:
        return await asyncio.shield(asyncio.ensure_future(self._channel.send(post)))

    async def close(self) -> None:
        await self._channel.close()


class Process:
    """One process that delivers, put together as the application does.

    Args:
        clock: the time.
        channel: where everything goes.
        database: a SQLite file, None for one in memory, or a store that is not open yet.
        owner: its name in leases.
        profiles: what it believes the channels allow.
        connections: requests under way at once.

    Attributes:
        pacer: its channels' pace.
        paced: what its bot's replies go through.
        failures: what its services could not do.
    """

    def __init__(  # noqa: PLR0913 - one fact each
        self,
        clock: HandClock,
        channel: Channel,
        database: Path | SqliteStore | PostgresStore | None,
        owner: str,
        *,
        profiles: Mapping[str, Profile] = PUBLISHED,
        connections: int = 64,
    ) -> None:
        opened: SqliteStore | PostgresStore
        if database is None or isinstance(database, Path):
            opened = SqliteStore(database, clock)
        else:
            opened = database
        self.store = held(opened, clock)
        telemetry = Telemetry()
        telemetry.subscribe(self._note)
        self.failures: set[str] = set()
        wire = Wire(channel)
        rng = random.Random(7)
        keeping = Keeping(whole=self.store.one_delivers)
        self.pacer = Pacer(clock, profiles, keeping=keeping, rng=rng, on_room=self._wake)
        back = longest_window(profiles)
        self._sharing = Sharing(self.store, self.pacer, clock, owner=owner, longest_window=back)
        self.paced = PacedChannel(wire, self.pacer, leave=self._sharing)
        self._dispatcher = Dispatcher(
            self.store,
            wire,
            None,
            clock,
            telemetry,
            pacer=self.pacer,
            owner=owner,
            sharing=self._sharing,
            settings=DispatcherSettings(connections=connections),
            rng=rng,
        )
        self._timekeeper = Timekeeper(self.store, clock, telemetry, on_due=self._dispatcher.wake)

    async def start(self) -> None:
        """Open the database and begin to deliver."""
        await self.store.open()
        self.store.on_work(self._wake)
        self._dispatcher.start()
        self._timekeeper.start()

    async def stop(self) -> None:
        """End in order."""
        await self._timekeeper.stop()
        await self._dispatcher.stop()
        await self.store.close()

    async def crash(self) -> None:
        """End like a killed process: nothing is put in order, and what is on the wire arrives."""
        services = (self._dispatcher, self._timekeeper)
        tasks = set(self._dispatcher._in_flight)  # noqa: SLF001 - no process may do this
        tasks |= {each._task for each in services if each._task is not None}  # noqa: SLF001 - no process may do this
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.store.close()

    def _wake(self) -> None:
        self._dispatcher.wake()
        self._timekeeper.wake()

    def _note(self, event: Event) -> None:
        if isinstance(event, ServiceFailed):
            self.failures.add(f"{event.service}: {event.error}")


class Stage:
    """A channel, the processes before it, and what there is to say.

    Args:
        clock: winds itself (:func:`recado.testing.simulate`).
        limits: what the channel enforces.
        latency: how long requests and answers travel.
        channel: which channel it is.
        path: the database; None for one in memory, which no crash survives.
        process: more for each :class:`Process`.
    """

    def __init__(
        self,
        clock: HandClock,
        *,
        limits: RateLimits = TEAMS,
        latency: Latency = NEAR,
        channel: str = "msteams",
        path: Path | None = None,
        **process: Any,
    ) -> None:
        self.clock = clock
        self.channel = SimulatedChannel(
            clock, channel=channel, limits=limits, latency=latency, seed=11
        )
        self._path = path
        self._told = process
        self._names = itertools.count(1)
        self.process = self._another()

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[None]:
        """A process delivers for the length of the block; none of its services may fail."""
        await self.process.start()
        try:
            yield
        finally:
            await self.process.stop()
        if self.process.failures:
            raise AssertionError(self.process.failures)

    async def crash(self, seconds: float = 0.2) -> None:
        """Kill the process, and start another over its database *seconds* later."""
        await self.process.crash()
        await self.pass_time(seconds)
        self.process = self._another()
        await self.process.start()

    def _another(self) -> Process:
        owner = f"process-{next(self._names)}"
        return Process(self.clock, self.channel, self._path, owner, **self._told)

    # -- who there is, and what there is to say ------------------------------------------------

    async def meet(self, *names: str, tenant: str = TENANT) -> list[Reference]:
        """Conversations the bot has heard of."""
        rooms = [self.channel.person(each, conversation=each, tenant=tenant) for each in names]
        return await self.know(*rooms)

    async def know(self, *rooms: Room) -> list[Reference]:
        """Conversations of any kind the bot has heard of."""
        sightings = [self.channel.sighting(each) for each in rooms]
        await self.process.store.capture(sightings)
        found = [await self.process.store.reference_by_key(each.key) for each in sightings]
        return [each for each in found if each is not None]

    async def say(self, text: str, to: Reference | None = None, **changes: Any) -> Notification:
        """Something to say, to one conversation or to all."""
        audience: Audience = EveryConversation() if to is None else Conversation(to.id)
        told = {"audience": audience, "accepted_at": self.clock.now()} | changes
        notification = make_notification(text, **told)
        await self.process.store.accept(notification, [] if to is None else [to])
        return notification

    async def pile_up(self, count: int, to: Reference | None = None) -> None:
        """So many notifications at once."""
        for number in range(count):
            await self.say(f"{number:05d}", to)

    def reply(self, conversation: str, text: str = "reply") -> asyncio.Task[Answer]:
        """What a bot answers a person, at the pace of the channel."""
        told = self.channel.sighting(conversation)
        body = (
            f'{{"type":"message","text":"{text}","conversation":'
            f'{{"id":"{conversation}","tenantId":"{told.tenant_id}"}}}}'
        )
        post = Post(
            bot="local",
            channel=told.key.channel,
            service_url=told.service_url,
            conversation_id=conversation,
            body=body.encode(),
            urgent=True,
        )
        return asyncio.create_task(self.process.paced.send(post))

    # -- time ----------------------------------------------------------------------------------

    async def pass_time(self, seconds: float) -> None:
        """Let so much time pass."""
        await self.clock.wait(asyncio.Event(), seconds)

    @property
    def refused(self) -> int:
        """How often the channel answered 429."""
        return self.channel.record.statuses[429]
