"""Database faults: what a Recado does while its database is in trouble, and afterwards.

Run as ``python -m proofs.database``. A Recado accepts and delivers all the time; then its database
is taken away from it in one way after the other. It has to say that something is wrong, to refuse
what it cannot store, to go on by itself once the trouble is over, and to deliver whatever it has
acknowledged.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg

from proofs.cluster import Cluster, SmallDisk, cluster, small_disk
from proofs.cutter import Cutter
from proofs.processes import meet
from proofs.recorder import Recorder
from proofs.report import Claim, Report, load
from recado.app import Recado
from recado.clock import SystemClock
from recado.config import Settings
from recado.domain.delivery import State
from recado.errors import RecadoError
from recado.web.health import StoreCheck

#: Conversations, and seconds between two notifications.
_LANES: Final = 20
_EVERY: Final = 0.02
#: Seconds of quiet before a fault, and seconds that faults last that have no length of their own.
_BEFORE: Final = 1.0
_LASTING: Final = 4.0
#: Seconds that nothing may be accepted without the health's saying so; it waits for two.
_WHILE: Final = 3.0
#: Seconds between two looks at the health.
_LOOK: Final = 0.05
#: Seconds after the end of a fault within which everything has to go on; what is lost in the
#: commit of a claim has to wait for the end of its lease besides.
SOON: Final = 10.0
#: Seconds of a lease here: the shortest that can be set.
_LEASE: Final = 5.0
_PATIENCE: Final = 60.0

#: What is done to a database; it is over when this returns.
Fault = Callable[[], Awaitable[None]]
#: Whether a fault, by its name, is to be played.
Wanted = Callable[[str], bool]


@dataclass
class Outcome:
    """What came of one fault."""

    name: str
    accepted: int = 0
    #: How often something could not be accepted, by the error.
    refused: Counter[str] = field(default_factory=Counter)
    #: The most seconds that one thing had to wait until it was accepted.
    longest: float = 0.0
    #: Errors that were no answer of ours.
    foreign: list[str] = field(default_factory=list)
    #: What was told about the health, and whether it was, while something was refused.
    told: Counter[str] = field(default_factory=Counter)
    #: Seconds from the fault's end until everything went on; None if it did not.
    recovered: float | None = None
    repeats: int = 0
    twice: int = 0
    lost: list[str] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)

    @property
    def holds(self) -> bool:
        """Whether it went as it should."""
        well = self.recovered is not None and self.recovered <= SOON
        wrong = self.foreign or self.lost or self.left or self.twice or self.untold
        return well and not wrong

    @property
    def untold(self) -> bool:
        """Whether nothing was accepted for a while, and the health did not say so."""
        return self.longest > _WHILE and not self.told

    @property
    def figures(self) -> str:
        """What is wrong, in short."""
        wrong = {
            "foreign errors": self.foreign[:2],
            "lost": self.lost[:3],
            "left": dict(self.left),
            "accepted twice": self.twice,
            "not told": self.untold,
        }
        found = "; ".join(f"{name}: {what}" for name, what in wrong.items() if what)
        after = "never" if self.recovered is None else f"{self.recovered:.1f} s"
        return f"went on after {after}" + (f"; {found}" if found else "")


class JumpingClock(SystemClock):
    """The machine's clock, which can be set."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


class Service:
    """A Recado that accepts and delivers all the time.

    Args:
        url: of its database.
        recorder: its channel.
        clock: another clock than usual.
    """

    def __init__(self, url: str, recorder: Recorder, clock: JumpingClock | None = None) -> None:
        settings = Settings(
            database_url=url, pace={"msteams": None}, connections=16, database_connections=5
        ).model_copy(update={"lease_seconds": _LEASE})
        self.recado = Recado(settings, clock=clock)
        self._recorder = recorder
        self._check = StoreCheck(self.recado.store)
        #: What was said last, and by text what was acknowledged.
        self._number = 0
        self._acknowledged: dict[str, str] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """For the length of the block."""
        await self.recado.start()
        try:
            names = [f"c{number}" for number in range(_LANES)]
            await meet(self.recado, f"{self._recorder.url}/one/", names, "tenant-1")
            yield
        finally:
            await self.recado.stop()

    async def suffer(self, name: str, fault: Fault) -> Outcome:
        """Go through one fault."""
        outcome = Outcome(name)
        first = self._number
        accepting = asyncio.create_task(self._accept(outcome))
        looking = asyncio.create_task(self._look(outcome))
        await asyncio.sleep(_BEFORE)
        await fault()
        outcome.recovered = await self._recovery(time.monotonic())
        for task in (accepting, looking):
            task.cancel()
        await asyncio.gather(accepting, looking, return_exceptions=True)
        await self._judge(outcome, first)
        return outcome

    async def _accept(self, outcome: Outcome) -> None:
        """Accept one thing after the other, each until it is acknowledged."""
        while True:
            self._number += 1
            text, since = f"{self._number:06d}", time.monotonic()
            while text not in self._acknowledged:
                try:
                    made = await self.recado.notify(
                        f"conversation:c{self._number % _LANES}", text, idempotency_key=text
                    )
                except RecadoError as error:
                    outcome.refused[type(error).__name__] += 1
                    await asyncio.sleep(_EVERY)
                except Exception as error:  # noqa: BLE001 - an exception of any kind is what the proof looks for
                    outcome.foreign.append(f"{type(error).__name__}: {error}")
                    await asyncio.sleep(_EVERY)
                else:
                    self._acknowledged[text] = made.id
                outcome.longest = max(outcome.longest, time.monotonic() - since)
            await asyncio.sleep(_EVERY)

    async def _look(self, outcome: Outcome) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            for told in await self._health():
                outcome.told[told] += 1

    async def _health(self) -> list[str]:
        """What ``/readyz`` would say is wrong."""
        found = (await self._check.problem(), self.recado.trouble())
        return [each for each in found if each is not None]

    async def _recovery(self, since: float) -> float | None:
        """Seconds until something accepted from now on has arrived, and all is well."""
        before = self._number + 1  # which may be half accepted
        while time.monotonic() < since + _PATIENCE:
            arrived = any(each.text > f"{before:06d}" for each in self._recorder.arrivals[-50:])
            if arrived and not await self._health():
                return time.monotonic() - since
            await asyncio.sleep(_LOOK)
        return None

    async def _judge(self, outcome: Outcome, first: int) -> None:
        await self._settle()
        texts = [f"{number:06d}" for number in range(first + 1, self._number + 1)]
        times = Counter(each.text for each in self._recorder.arrivals)
        for text in texts:
            if text not in self._acknowledged:
                continue  # it was cut off while it was being accepted
            outcome.accepted += 1
            progress = await self.recado.store.progress(self._acknowledged[text], exact=True)
            states = {} if progress is None else dict(progress.counts)
            outcome.twice += sum(states.values()) > 1
            if not states or (State.DELIVERED in states and not times[text]):
                outcome.lost.append(text)
            elif State.DELIVERED not in states:
                outcome.left.update(map(str, states))
            outcome.repeats += max(0, times[text] - 1)

    async def _settle(self) -> None:
        """Wait until nothing is left to be done."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            backlog = await self.recado.store.backlog()
            if not sum(backlog.waiting.values()) + backlog.expanding:
                return
            await asyncio.sleep(_LOOK)


# -- faults of PostgreSQL ----------------------------------------------------------------------


class PostgresFaults:
    """What can happen to a server, and to the way to it.

    Args:
        server: the server.
        way: the way.
        rng: what is drawn.
    """

    def __init__(self, server: Cluster, way: Cutter, rng: random.Random) -> None:
        self._server = server
        self._way = way
        self._rng = rng

    def all(self) -> Mapping[str, Fault]:
        """Each by its name."""
        return {
            "server restarted, fast": lambda: self._restarted(signal.SIGINT),
            "server restarted, immediate": lambda: self._restarted(signal.SIGQUIT),
            "server killed": lambda: self._restarted(signal.SIGKILL),
            "server away for 10 s": lambda: self._restarted(signal.SIGINT, away=10),
            "connections cut": self._cut,
            "answers cut in their middle": self._cut_within,
            "nothing gets through": self._jammed,
            "nothing gets through, then cut": self._jammed_and_cut,
            "new connections are closed": self._refused,
            "backends terminated": self._terminated,
            "table locked": self._locked,
            "server read-only": self._read_only,
        }

    async def _restarted(self, how: signal.Signals, away: float = 1.0) -> None:
        await self._server.stop(how)
        await asyncio.sleep(away)
        await self._server.start()

    async def _cut(self) -> None:
        until = time.monotonic() + _LASTING
        while time.monotonic() < until:
            self._way.cut()
            await asyncio.sleep(self._rng.random() * 0.2)

    async def _cut_within(self) -> None:
        self._way.cut_within(64)
        await asyncio.sleep(_LASTING)
        self._way.cut_within(None)

    async def _jammed(self) -> None:
        self._way.jam(jammed=True)
        await asyncio.sleep(_LASTING)
        self._way.jam(jammed=False)

    async def _jammed_and_cut(self) -> None:
        self._way.jam(jammed=True)
        await asyncio.sleep(_LASTING)
        self._way.cut()
        self._way.jam(jammed=False)

    async def _refused(self) -> None:
        self._way.refuse(refusing=True)
        self._way.cut()
        await asyncio.sleep(_LASTING)
        self._way.refuse(refusing=False)

    async def _terminated(self) -> None:
        async with self._connected() as connection:
            until = time.monotonic() + _LASTING
            while time.monotonic() < until:
                await connection.execute(_TERMINATE)
                await asyncio.sleep(self._rng.random() * 0.1)

    async def _locked(self) -> None:
        async with self._connected() as connection, connection.transaction():
            await connection.execute("LOCK TABLE recado_delivery IN ACCESS EXCLUSIVE MODE")
            await asyncio.sleep(7)

    async def _read_only(self) -> None:
        async with self._connected() as connection:
            await connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            await connection.execute("SELECT pg_reload_conf()")
            await asyncio.sleep(_LASTING)
            await connection.execute("SET default_transaction_read_only = off")
            await connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            await connection.execute("SELECT pg_reload_conf()")

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self._server.url())
        try:
            yield connection
        finally:
            await connection.close()


#: Ends one backend of Recado's, whatever it is doing.
_TERMINATE: Final = """
SELECT pg_terminate_backend(pid) FROM (
    SELECT pid FROM pg_stat_activity WHERE application_name = 'recado'
    ORDER BY random() LIMIT 1
) AS one
"""


def jumps(clock: JumpingClock) -> Mapping[str, Fault]:
    """The clock is set, and set right again."""

    def jump(hours: float) -> Fault:
        async def fault() -> None:
            clock.ahead += timedelta(hours=hours)
            await asyncio.sleep(0.2)

        return fault

    return {
        "clock 6 h ahead": jump(6),
        "clock 6 h back": jump(-6),
        "clock 6 h further back": jump(-6),
        "clock right again": jump(6),
    }


async def on_postgres(wanted: Wanted = lambda _: True) -> AsyncIterator[Outcome]:
    """Everything that can happen to PostgreSQL; one outcome after the other."""
    rng = random.Random(7)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(cluster())
        way = Cutter(server.port, rng)
        await way.start()
        stack.push_async_callback(way.stop)
        recorder = await stack.enter_async_context(_recording())
        service = Service(server.url(way.port), recorder)
        await stack.enter_async_context(service.running())
        for name, fault in PostgresFaults(server, way, rng).all().items():
            if wanted(name):
                yield await service.suffer(name, fault)


async def on_small_postgres_disk(wanted: Wanted = lambda _: True) -> AsyncIterator[Outcome]:
    """PostgreSQL whose tables are on a disk that fills up.

    Raises:
        OSError: no disk can be mounted here.
    """
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(cluster())
        disk = stack.enter_context(small_disk(24, server.user))
        connection = await asyncpg.connect(server.url())
        await connection.execute(f"CREATE TABLESPACE small LOCATION '{disk.place}'")
        await connection.execute("CREATE DATABASE small TABLESPACE small")
        await connection.close()
        recorder = await stack.enter_async_context(_recording())
        service = Service(server.url(database="small"), recorder)
        await stack.enter_async_context(service.running())
        name = "disk full"
        if wanted(name):
            yield await service.suffer(name, _filled(disk, 6 * _LASTING))


def _filled(disk: SmallDisk, lasting: float = _LASTING) -> Fault:
    async def fault() -> None:
        await asyncio.to_thread(disk.fill)
        await asyncio.sleep(lasting)
        disk.empty()

    return fault


async def jumping_on_postgres(wanted: Wanted = lambda _: True) -> AsyncIterator[Outcome]:
    """PostgreSQL whose time jumps."""
    clock = JumpingClock()
    async with cluster() as server, _recording() as recorder:
        service = Service(server.url(), recorder, clock)
        async with service.running():
            for name, fault in jumps(clock).items():
                if wanted(name):
                    yield await service.suffer(name, fault)


# -- faults of SQLite --------------------------------------------------------------------------


async def on_sqlite(wanted: Wanted = lambda _: True) -> AsyncIterator[Outcome]:
    """What can happen to a SQLite file on any disk, and to the clock."""
    with tempfile.TemporaryDirectory(prefix="recado-database-") as directory:
        file = Path(directory) / "recado.db"
        clock = JumpingClock()

        async def locked() -> None:
            with closing(sqlite3.connect(file, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                await asyncio.sleep(8)
                other.execute("ROLLBACK")

        async with _recording() as recorder:
            service = Service(f"sqlite:///{file}", recorder, clock)
            async with service.running():
                for name, fault in {"file locked by another": locked, **jumps(clock)}.items():
                    if wanted(name):
                        yield await service.suffer(name, fault)


async def on_small_sqlite_disk(wanted: Wanted = lambda _: True) -> AsyncIterator[Outcome]:
    """What happens to a SQLite file on a disk that fills up.

    Raises:
        OSError: no disk can be mounted here.
    """
    with small_disk(24) as disk:
        async with _recording() as recorder:
            service = Service(f"sqlite:///{disk.place}/recado.db", recorder)
            async with service.running():
                name = "disk full"
                if wanted(name):
                    yield await service.suffer(name, _filled(disk))


@asynccontextmanager
async def _recording() -> AsyncIterator[Recorder]:
    recorder = Recorder(lambda _: None, random.Random(7), slowest=0.01)
    await recorder.start()
    try:
        yield recorder
    finally:
        await recorder.stop()


_PLAYED: Final = {
    "SQLite": (on_sqlite, on_small_sqlite_disk),
    "PostgreSQL": (on_postgres, on_small_postgres_disk, jumping_on_postgres),
}


async def _play(report: Report, part: str, stores: str) -> None:
    for store, plays in _PLAYED.items():
        if store.lower() not in stores.lower():
            continue
        outcomes: list[Outcome] = []
        for play in plays:
            try:
                outcomes += [each async for each in play(lambda name: part in name)]
            except OSError as error:
                report.say(f"Not played on {store}: {play.__name__} ({error})")
        report.table(
            f"{store}: health told, nothing lost, and on by itself within {SOON:.0f} s",
            ("", "accepted", "refused meanwhile", "repeats", "went on after", "lost"),
            [
                (
                    each.name,
                    f"{each.accepted:,}",
                    ", ".join(f"{many} {name}" for name, many in each.refused.items()) or "0",
                    each.repeats,
                    "never" if each.recovered is None else f"{each.recovered:.1f} s",
                    len(each.lost),
                )
                for each in outcomes
            ],
        )
        report.claims(Claim(f"{store}, {each.name}", each.holds, each.figures) for each in outcomes)


def main() -> int:
    """Play all of it, and say by the exit code whether it went as it should."""
    parser = argparse.ArgumentParser(prog="python -m proofs.database", description=__doc__)
    parser.add_argument("--only", default="", help="faults whose name has this in it")
    parser.add_argument("--stores", default="sqlite,postgresql")
    told: Any = parser.parse_args()
    report = Report()
    report.say(f"Database faults ({load()})")
    asyncio.run(_play(report, told.only, told.stores))
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
