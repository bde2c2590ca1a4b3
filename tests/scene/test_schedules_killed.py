"""Schedules when processes are killed around their commits, with real processes.

Whoever is killed and whenever: each occurrence of each schedule has to be said once. Here it is
played in short: :mod:`proofs.killed` plays it at length.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from proofs.killed import IN_FULL, in_full
from proofs.killing import Told
from proofs.kills import Nursery, nursery
from proofs.points import SCHEDULE_POINTS, Plan
from proofs.recorder import signalled
from recado import Recado, Settings
from recado.domain.audience import Conversation
from recado.domain.content import content_of
from recado.domain.ids import new_id
from recado.domain.schedule import Every, FiringKind, Misfire, Saying, Schedule, Timing
from recado.store.port import DeliveryFilter
from recado.testing import FakeConnector

#: Shorter than anybody may ask for, so that much comes to pass.
_EVERY = timedelta(seconds=0.2)
_MICROSECOND = timedelta(microseconds=1)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/recado.db"
    migrated: str = request.getfixturevalue("migrated_url")
    return migrated


class Play:
    """What happens in one test: processes, and somebody who looks.

    Args:
        url: of the database.
        lanes: ids of conversations.
        start: starts processes.
    """

    def __init__(self, url: str, start: Nursery, directory: Path) -> None:
        self.url = url
        self.start = start
        self.looking = Recado(Settings(database_url=url))
        self.schedules: list[Schedule] = []
        self._log = str(directory / "acknowledged.log")
        self._pids: dict[str, int] = {}

    async def schedule(self, conversations: Sequence[str], many: int) -> None:
        """In each conversation so many occurrences fall due, from a moment ago on."""
        store, now = self.looking.store, self.looking.clock.now()
        for conversation in conversations:
            lane = await store.find_conversation("local", conversation)
            assert lane is not None
            rule = Every(_EVERY, now)
            last = now + _EVERY * (many - 1)
            timing = Timing(rule=rule, zone="UTC", until=last, misfire=Misfire.ALL)
            made = Schedule(
                id=new_id(),
                bot="local",
                saying=Saying(audience=Conversation(lane.id), content=content_of("tick").json),
                timing=timing,
                created_at=now,
                reached=now - _MICROSECOND,
                due=timing.next(now - _MICROSECOND),
            )
            self.schedules.append(await store.create_schedule(made, [lane.number]))

    async def process(self, name: str, plan: Plan) -> None:
        """Start a process that delivers until it meets its fate."""
        told = Told(
            name=name,
            url=self.url,
            plan=plan,
            lease=1.5,
            lanes=(),
            every=0,
            seed=1,
            log=self._log,
        )
        self._pids[name] = await self.start.start(told)

    async def ended(self, name: str) -> int:
        """How a process ended, once it has."""
        async with asyncio.timeout(60):
            return await self.start.until(name, "ended")

    async def stop(self, name: str) -> None:
        """Have it stop in order."""
        signalled(self._pids[name], signal.SIGTERM)
        await self.ended(name)

    async def all_over(self) -> None:
        """Wait until every schedule has ended."""
        async with asyncio.timeout(60):
            while True:
                found = [await self.looking.schedules.get(each.id) for each in self.schedules]
                if all(each.state.ended for each in found):
                    return
                await asyncio.sleep(0.05)

    async def check(self, many: int) -> None:
        """Each occurrence has been said once, by a notification of its own, and nothing else."""
        known: Counter[str | None] = Counter()
        for each in self.schedules:
            firings = list(reversed(await self.looking.schedules.firings(each.id, 10_000)))
            assert {one.kind for one in firings} == {FiringKind.FIRED}
            expected = [each.created_at + _EVERY * number for number in range(many)]
            assert [one.occurrence for one in firings] == expected
            assert (await self.looking.schedules.get(each.id)).fired == many
            known.update(one.notification_id for one in firings)
        page = await self.looking.outbox.deliveries(DeliveryFilter(), limit=10_000)
        said = Counter(one.notification_id for one in page.items)
        assert said == known
        assert set(said.values()) == {1}


@asynccontextmanager
async def playing(url: str, tmp_path: Path) -> AsyncIterator[tuple[Play, list[str]]]:
    """A play, and its conversations; whatever lives at its end is ended."""
    async with FakeConnector() as channel, nursery(tmp_path) as start:
        play = Play(url, start, tmp_path)
        await play.looking.open()
        try:
            known = await channel.meet_all(play.looking, [f"p{number}" for number in range(4)])
            references = [each.id for each in known]
            yield play, references
        finally:
            await play.looking.stop()


@pytest.mark.timeout(120)
async def test_one_after_the_other_is_killed(url: str, tmp_path: Path) -> None:
    """Around the commit of its firing, again and again; who comes next says what is left."""
    many = 40 if IN_FULL else 15
    async with playing(url, tmp_path) as (play, conversations):
        await play.schedule(conversations, many)
        plans = [
            Plan(point, times) for times in in_full((1, 2, 4), (2,)) for point in SCHEDULE_POINTS
        ]
        for number, plan in enumerate(plans):
            await play.process(f"p{number}", plan)
            assert await play.ended(f"p{number}") == -signal.SIGKILL, plan
        await play.process("last", Plan())
        await play.all_over()
        await play.stop("last")
        await play.check(many)


@pytest.mark.timeout(120)
async def test_several_at_once_and_some_are_killed(migrated_url: str, tmp_path: Path) -> None:
    """They race for the same occurrences, some die of it, and one sleeps through its lease."""
    many = 50 if IN_FULL else 25
    async with playing(migrated_url, tmp_path) as (play, conversations):
        await play.schedule(conversations, many)
        await play.process("sleeper", Plan(SCHEDULE_POINTS[1], 3, pause=True))
        await play.process("lives", Plan())
        for number, point in enumerate(SCHEDULE_POINTS * 2):
            await play.process(f"p{number}", Plan(point, 2 + number))
        for number in range(len(SCHEDULE_POINTS * 2)):
            await asyncio.sleep(0.5)
            signalled(play._pids[f"p{number}"], signal.SIGKILL)  # noqa: SLF001 - its point may not have come
        await play.all_over()
        signalled(play._pids["sleeper"], signal.SIGCONT)  # noqa: SLF001 - as above
        await asyncio.sleep(1)
        await play.check(many)
