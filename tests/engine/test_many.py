"""Promise 4 across processes: they share one pace through their database, in simulated time.

Each scenario has a channel that counts arrivals for itself and refuses what is too many.
``make proof`` plays them with real processes, which are killed (``python -m proofs.many``).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from proofs.stage import FAR, NEAR, TENANT, Process, Stage
from recado.domain.policy import Answer
from recado.store.postgres import PostgresStore
from recado.testing import HandClock, Latency, simulate
from tests.store.kit import postgres_address

#: Requests a second that a tenant is permitted.
RATE = 50
OTHER = "tenant-2"


class Crowd:
    """Several processes over one database, before one channel.

    Args:
        stage: the channel and the first of them.
        others: the rest.
    """

    def __init__(self, stage: Stage, *others: Process) -> None:
        self.stage = stage
        self.processes = [stage.process, *others]

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[None]:
        """All of them deliver for the length of the block; none of their services may fail."""
        for process in self.processes:
            await process.start()
        try:
            yield
        finally:
            for process in reversed(self.processes):
                await process.stop()
        assert not [each.failures for each in self.processes if each.failures]

    async def kill(self, process: Process) -> None:
        """End one like a killed process; its session and its lock end with it."""
        self.processes.remove(process)
        if isinstance(process.store, PostgresStore) or not process.store.one_delivers:
            process.store._inner._owner = None  # type: ignore[union-attr]  # noqa: SLF001 - it tells nobody
        await process.crash()

    def reply(self, process: Process, conversation: str) -> asyncio.Task[Answer]:
        """What this process's bot answers a person."""
        self.stage.process = process
        return self.stage.reply(conversation)

    async def chat(
        self, processes: Sequence[Process], people: Sequence[str], many: int
    ) -> list[float]:
        """Replies of these processes to people at random; how long each took, the longest last."""
        clock, rng = self.stage.clock, random.Random(5)  # noqa: S311 - moments
        waits = []
        for _ in range(many):
            begun = clock.now()
            assert (await self.reply(rng.choice(processes), rng.choice(people))).ok
            waits.append((clock.now() - begun) / timedelta(seconds=1))
            await self.stage.pass_time(rng.uniform(0.1, 0.6))
        return sorted(waits)


def on_file(clock: HandClock, path: Path, latency: Latency = NEAR) -> Crowd:
    """Two processes on a SQLite file."""
    stage = Stage(clock, path=path, latency=latency)
    return Crowd(stage, Process(clock, stage.channel, path, "second"))


def on_server(clock: HandClock, url: str, many: int, latency: Latency = NEAR) -> Crowd:
    """Processes on PostgreSQL, whose sessions nobody sees, as behind a pooler."""
    address = postgres_address(f"{url}&pooler=true")

    def one(number: int) -> Process:
        store = PostgresStore(address, clock, connections=3)
        return Process(clock, stage.channel, store, f"process-{number}")

    stage = Stage(clock, latency=latency)
    stage.process = one(0)
    return Crowd(stage, *(one(number) for number in range(1, many)))


# -- one delivers, others reply ---------------------------------------------------------------


@pytest.mark.parametrize("latency", [NEAR, FAR])
def test_replies_of_another_process_on_a_file(tmp_path: Path, latency: Latency) -> None:
    """They ask the one that delivers, do not wait behind its broadcast, and cost it no 429."""

    async def main(clock: HandClock) -> tuple[list[float], int, int]:
        crowd = on_file(clock, tmp_path / "recado.db", latency)
        stage = crowd.stage
        async with crowd.playing():
            people = [f"a:{number}" for number in range(300)]
            await stage.meet(*people)
            await stage.pile_up(14)
            await stage.pass_time(3)
            before = stage.channel.judge.count_in(TENANT)
            begun = clock.now()
            waits = await crowd.chat(crowd.processes[1:], people, 60)
            passed = (clock.now() - begun) / timedelta(seconds=1)
            taken = stage.channel.judge.count_in(TENANT) - before
            return waits, int(100 * taken / (RATE * passed)), stage.refused

    waits, percent, refused = simulate(main)
    assert refused == 0
    assert percent >= (95 if latency is NEAR else 85)
    assert waits[len(waits) // 2] <= 0.3 + latency.mean + latency.spread
    assert waits[-1] <= 0.8


def test_one_conversation_that_two_processes_speak_in(tmp_path: Path) -> None:
    """Its own windows hold as well, to the last second of its hour; all of them are used."""

    async def main(clock: HandClock) -> tuple[int, int]:
        crowd = on_file(clock, tmp_path / "recado.db")
        stage = crowd.stage
        async with crowd.playing():
            (here,) = await stage.meet("a:1")
            await stage.pile_up(120, here)
            for _ in range(30):
                crowd.reply(crowd.processes[1], "a:1")
                await stage.pass_time(1.9)
            await stage.pass_time(20)
            return stage.channel.judge.count("a:1"), stage.refused

    taken, refused = simulate(main)
    assert refused == 0
    assert taken >= 120


def test_a_successor_knows_what_both_have_sent(tmp_path: Path) -> None:
    """The process that delivers is killed, and the one that replied until then delivers."""

    async def main(clock: HandClock) -> tuple[int, int]:
        crowd = on_file(clock, tmp_path / "recado.db")
        stage, (first, second) = crowd.stage, crowd.processes
        async with crowd.playing():
            people = [f"a:{number}" for number in range(200)]
            (here, *_) = await stage.meet(*people)
            await stage.pile_up(6)
            await stage.pile_up(60, here)
            for _ in range(8):
                crowd.reply(second, "a:0")
                await stage.pass_time(0.5)
            await crowd.kill(first)
            before = stage.channel.judge.count_in(TENANT)
            await stage.pass_time(10)
            return stage.channel.judge.count_in(TENANT) - before, stage.refused

    taken, refused = simulate(main)
    assert refused == 0
    assert taken >= 0.8 * 10 * RATE


def test_a_process_alone_does_not_ask(tmp_path: Path) -> None:
    """While nobody delivers, nobody can be asked: a reply leaves at once."""

    async def main(clock: HandClock) -> float:
        stage = Stage(clock, path=tmp_path / "recado.db")
        await stage.process.store.open()
        await stage.meet("a:1")
        begun = clock.now()
        assert (await stage.reply("a:1")).ok
        await stage.process.store.close()
        return (clock.now() - begun) / timedelta(seconds=1)

    assert simulate(main) <= 2 * NEAR.mean


# -- all deliver ------------------------------------------------------------------------------


def test_processes_together_keep_to_one_pace(migrated_url: str) -> None:
    """Two tenants, three processes that deliver and reply: no 429, and hardly anything unused."""

    async def main(clock: HandClock) -> tuple[list[int], list[float], int]:
        crowd = on_server(clock, migrated_url, 3)
        stage = crowd.stage
        async with crowd.playing():
            people = [f"a:{number}" for number in range(150)]
            others = [f"b:{number}" for number in range(150)]
            await stage.meet(*people)
            await stage.meet(*others, tenant=OTHER)
            await stage.pile_up(12)
            await stage.pass_time(3)
            judge = stage.channel.judge
            before = [judge.count_in(each) for each in (TENANT, OTHER)]
            begun = clock.now()
            waits = await crowd.chat(crowd.processes, [*people, *others], 20)
            passed = (clock.now() - begun) / timedelta(seconds=1)
            taken = [
                int(100 * (judge.count_in(each) - count) / (RATE * passed))
                for each, count in zip((TENANT, OTHER), before, strict=True)
            ]
            return taken, waits, stage.refused

    percent, waits, refused = simulate(main)
    assert refused == 0
    assert min(percent) >= 95, percent
    assert waits[-1] <= 0.8


def test_what_a_killed_process_kept_is_taken_over(migrated_url: str) -> None:
    """Here when its lease has run out, because its session is not seen; without a 429."""

    async def main(clock: HandClock) -> tuple[int, int, int]:
        crowd = on_server(clock, migrated_url, 3, FAR)
        stage = crowd.stage
        async with crowd.playing():
            people = [f"a:{number}" for number in range(200)]
            (here, *_) = await stage.meet(*people)
            await stage.pile_up(8)
            await stage.pile_up(30, here)
            await stage.pass_time(3)
            (keeper,) = [each for each in crowd.processes if each.pacer.keeping.kept]
            await crowd.kill(keeper)
            before = stage.channel.judge.count_in(TENANT)
            await stage.pass_time(5)
            after = stage.channel.judge.count_in(TENANT)
            await stage.pass_time(5)
            return after - before, stage.channel.judge.count_in(TENANT) - after, stage.refused

    first, then, refused = simulate(main)
    assert refused == 0
    assert first >= 0.1 * 5 * RATE
    assert then >= 0.85 * 5 * RATE


def test_a_newcomer_gets_its_share(migrated_url: str) -> None:
    """Of many tenants that one process keeps, another one that starts later takes some over."""

    async def main(clock: HandClock) -> tuple[list[int], int]:
        crowd = on_server(clock, migrated_url, 2)
        stage, (first, second) = crowd.stage, crowd.processes
        await first.start()
        for tenant in range(24):
            names = [f"{tenant}:{number}" for number in range(3)]
            await stage.meet(*names, tenant=f"tenant-{tenant}")
        await stage.pile_up(25)
        await stage.pass_time(2)
        alone = len(first.pacer.keeping.kept)
        await second.start()
        await stage.pass_time(5)
        shares = [len(each.pacer.keeping.kept) for each in (first, second)]
        await second.stop()
        await first.stop()
        return [alone, *shares], stage.refused

    (alone, first, second), refused = simulate(main)
    assert refused == 0
    assert alone == 24
    assert first + second == 24
    assert min(first, second) >= 10
