"""Several processes on one SQLite file: who serves, and what a killed one leaves behind."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from recado.domain.delivery import OnUnknown, State
from recado.domain.job import JobScope
from recado.store.sqlite import SqliteStore
from recado.testing import HandClock
from tests.store.kit import LEASE, Desk

CHILD = """
import asyncio, sys
from pathlib import Path
from recado.store.sqlite import SqliteStore
from recado.testing import HandClock
from tests.store.kit import Desk
from recado.domain.delivery import OnUnknown
from recado.domain.job import JobScope

async def main(path, task):
    store = SqliteStore(Path(path), HandClock())
    await store.open()
    desk = Desk(store, HandClock(), owner="child")
    if task == "serve":
        print("serving" if await store.try_serve("child") else "refused", flush=True)
        for name, choice in (("a:retry", OnUnknown.RETRY), ("a:park", OnUnknown.PARK)):
            reference = await desk.meet(name)
            await desk.say("one", reference, on_unknown=choice)
            await desk.say("two", reference)
        print(len(await desk.claim()), flush=True)
    else:
        reference = await desk.meet("a:shared")
        for _ in range(40):
            job, _ = await asyncio.gather(
                store.start_job(JobScope(bot="local"), reference, user=None, now=desk.now),
                desk.say("hello", reference),
            )
            print(job.number, flush=True)
        print("done", flush=True)
    sys.stdin.read()
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


class Child:
    """Another process that works on the same file until it is told to end, or killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout

    async def line(self) -> str:
        """What it says next."""
        return (await self._stdout.readline()).decode().strip()

    async def end(self) -> None:
        """Have it end in order."""
        self._stdin.close()
        assert await self._process.wait() == 0

    async def kill(self) -> None:
        """Kill it as a power cut would."""
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def child(path: Path, task: str) -> AsyncIterator[Child]:
    """A child at work; it is killed if it is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(path), task, stdin=PIPE, stdout=PIPE
    )
    try:
        yield Child(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file they share."""
    return tmp_path / "recado.db"


@pytest.fixture
async def desk(path: Path) -> AsyncIterator[Desk]:
    """A desk in this process."""
    clock = HandClock()
    store = SqliteStore(path, clock)
    await store.open()
    yield Desk(store, clock)
    await store.close()


async def test_a_killed_server_is_succeeded_at_once(desk: Desk, path: Path) -> None:
    """One serves at a time; after kill -9 the next does, and takes over without waiting."""
    async with child(path, "serve") as other:
        assert await other.line() == "serving"
        assert await other.line() == "2"
        assert not await desk.store.try_serve("me")
        assert await desk.store.served()
        await other.kill()
        assert not await desk.store.served()
        assert await desk.store.try_serve("me")
    # Not a moment has passed on the clock: the dead one's leases are 30 s from running out.
    lost = await desk.store.reap("me", desk.now, 100)
    assert sorted(each.state for each in lost) == [State.RETRYING, State.UNKNOWN]
    assert sorted(await desk.drain()) == ["one", "two", "two"]
    assert len(await desk.ids(state=State.UNKNOWN)) == 1
    assert len(await desk.ids()) == 4


async def test_a_server_that_ends_in_order_gives_its_role_up(desk: Desk, path: Path) -> None:
    """As soon as it has ended, not when its leases do."""
    async with child(path, "serve") as other:
        assert await other.line() == "serving"
        assert await other.line() == "2"
        await other.end()
    assert await desk.store.try_serve("me")


async def test_a_second_server_is_refused(desk: Desk, path: Path) -> None:
    """While this process serves, no other one does."""
    assert await desk.store.try_serve("me")
    async with child(path, "serve") as other:
        assert await other.line() == "refused"


async def test_looking_who_serves_disturbs_nobody(desk: Desk, path: Path) -> None:
    """Neither this process's role nor another's is changed by asking."""
    assert not await desk.store.served()
    assert await desk.store.try_serve("me")
    assert await desk.store.served()
    other = SqliteStore(path, HandClock())
    await other.open()
    assert await other.served()
    assert not await other.try_serve("other")
    await desk.store.stop_serving()
    assert not await other.served()
    assert await other.try_serve("other")
    await other.close()


async def test_processes_share_what_counts(desk: Desk, path: Path) -> None:
    """Numbers are unique and nothing is lost, however many processes write at once."""
    async with child(path, "write") as one, child(path, "write") as two:

        async def told(other: Child) -> list[int]:
            numbers = []
            while (line := await other.line()) != "done":
                numbers.append(int(line))
            return numbers

        first, second = await asyncio.gather(told(one), told(two))
        await one.end()
        await two.end()
    assert sorted(first + second) == list(range(1, 81))
    assert len(await desk.ids()) == 80
    assert len((await desk.store.references()).items) == 1
    page = await desk.store.jobs(JobScope(bot="local"), limit=100)
    assert [job.number for job in page.items] == list(range(1, 81))
    assert len(await desk.drain()) == 80


async def test_a_sleeper_does_not_reap_itself(desk: Desk) -> None:
    """After a long sleep its own lanes are its own as long as nobody took them."""
    await desk.say("hello", await desk.meet(), on_unknown=OnUnknown.PARK)
    (claim,) = await desk.claim()
    desk.clock.advance(100 * LEASE)
    await desk.store.renew([claim], desk.now + LEASE)
    assert await desk.store.reap("me", desk.now, 10) == []
    await desk.settle(claim)
    assert await desk.state(claim.delivery_id) is State.DELIVERED
