"""Kill matrix: processes end, or fall asleep, at each named point of the delivery path.

Run as ``python -m proofs.kills``. Real processes deliver from one database to a recording channel:
on SQLite one at a time with a successor that waits for the role, on PostgreSQL three at once. Each
is told a point at which it is to end with SIGKILL, or to fall asleep with SIGSTOP for longer than
its lease; when it has, another takes its place. At the end everything is delivered, and the
channel's record is held against the database.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from benchmarks import postgres
from proofs import answering
from proofs.judging import ASKED, Fate, Judge, Rows, Verdict
from proofs.killing import CONNECTIONS, SETTLE_BATCH, Told
from proofs.lanes import Findings, look, look_at_file
from proofs.points import (
    ANY,
    BEFORE,
    GIVEN_UP,
    POINTS,
    STOPPING,
    UNANSWERED,
    Plan,
)
from proofs.processes import ROOT, meet
from proofs.recorder import Recorder, signalled
from proofs.report import Claim, Report, load
from recado.app import Recado
from recado.config import Settings
from recado.domain.delivery import State

#: Seconds of a lease here, and how long a process sleeps: longer where the server has to end the
#: transaction in whose middle it fell asleep.
_LEASE: Final = 1.5
_SLEEP: Final = 2.4
_SLEEP_IN_TRANSACTION: Final = 6.5
#: Seconds that a process has to stop in order.
_IN_ORDER: Final = 25.0
#: Seconds that a process lives on after it has slept, so that its answers are settled.
_AFTER_SLEEP: Final = 0.7
#: Seconds without any progress after which what is left is left.
_PATIENCE: Final = 45.0
#: How often a point is passed before it is met, at most, where it is met often.
_OFTEN: Final = 10
_SELDOM: Final = ("expand", "promote", "reap", "renew", "hand back", "stop", "record")

#: What a kill may repeat, or leave to a person: requests in flight and one settle batch.
BOUND: Final = CONNECTIONS + SETTLE_BATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is played.

    Attributes:
        kills: processes that are ended, of each store.
        pauses: processes that fall asleep.
        lanes: conversations.
        every: seconds between two things a process accepts, on average.
        in_time: seconds that a process has to come to its point.
        seed: of what is drawn.
    """

    kills: int
    pauses: int
    lanes: int = 24
    every: float = 0.02
    in_time: float = 3.0
    seed: int = 20261127


@dataclass
class Outcome:
    """What came of a matrix on one store."""

    store: str
    verdict: Verdict
    findings: Findings
    fates: dict[str, Fate]
    requests: Counter[str]
    seconds: float = 0.0
    #: What else is wrong.
    trouble: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """Processes that were ended."""
        return sum(fate.killed for fate in self.fates.values())

    @property
    def pauses(self) -> int:
        """Processes that fell asleep."""
        return sum(fate.slept is not None for fate in self.fates.values())

    def rows(self) -> Iterator[tuple[object, ...]]:
        """For each point: kills, pauses, requests, repeats, parked, late."""
        for point in (*POINTS, ANY):
            those = [fate for fate in self.fates.values() if fate.point == point]
            if not those:
                continue
            counts = (self.requests, *(getattr(self.verdict, each) for each in _COUNTED))
            yield (
                point,
                sum(fate.killed for fate in those),
                sum(fate.slept is not None for fate in those),
                *(f"{sum(each[fate.name] for fate in those):,}" for each in counts),
            )

    def claims(self) -> list[Claim]:
        """What has to hold."""
        verdict = self.verdict
        violent = {
            fate.name for fate in self.fates.values() if fate.killed or fate.slept is not None
        }
        doubts = verdict.repeats + verdict.parked
        most = max(doubts.values(), default=0)
        calm = sum(many for name, many in doubts.items() if name not in violent)
        lists = (
            ("nothing acknowledged is lost", verdict.lost),
            ("every delivery reaches a final state or is parked", verdict.left),
            ("nothing that arrived is called something else", verdict.denied),
            ("what may arrive once at most does not arrive twice", verdict.too_often),
            ("each lane keeps its order", verdict.disordered),
            ("no lane is served by two processes at once, but after a pause", verdict.together),
            ("after a pause one request at most is late in each lane", verdict.beyond),
            ("late receipts are honoured", verdict.unheard),
            ("lanes agree with what stands in them", [*self.findings.trouble, *self.trouble]),
        )
        return [
            *(Claim(what, not found, _figures(found)) for what, found in lists),
            Claim(
                f"a kill or a pause leaves {BOUND} in doubt at most",
                most <= BOUND,
                f"{most} at most, {doubts.total():,} in all",
            ),
            Claim("nobody else leaves anything in doubt", calm == 0, f"{calm}"),
        ]


#: What a verdict has of each process.
_COUNTED: Final = ("repeats", "parked", "late")


def _figures(found: Sequence[str]) -> str:
    return "; ".join([str(len(found)), *found[:3]])


class Nursery:
    """Starts processes, and tells what becomes of them; see :mod:`proofs.forking`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._news: dict[tuple[str, str], asyncio.Future[int]] = {}
        self._reading = asyncio.create_task(self._read())

    async def start(self, told: Told | answering.Told) -> int:
        """Start a process; its id."""
        assert self._process.stdin is not None
        started = self._expect(told.name, "started")
        for news in ("stopped", "ended"):
            self._expect(told.name, news)
        self._process.stdin.write(json.dumps(asdict(told)).encode() + b"\n")
        return await started

    def until(self, name: str, news: str) -> asyncio.Future[int]:
        """When a process has stopped or ended."""
        return self._news[name, news]

    def _expect(self, name: str, news: str) -> asyncio.Future[int]:
        coming = self._news[name, news] = asyncio.get_running_loop().create_future()
        return coming

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            news, name, *more = json.loads(line)
            coming = self._news[name, news]
            if not coming.done():
                coming.set_result(more[0] if more else 0)

    async def close(self) -> None:
        """End whatever lives."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        self._reading.cancel()


@asynccontextmanager
async def nursery(directory: Path, module: str = "proofs.killing") -> AsyncIterator[Nursery]:
    """A nursery for the length of the block, of a module's processes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "ignore",
        "-m",
        module,
        str(directory / "processes.log"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    made = Nursery(process)
    try:
        yield made
    finally:
        await made.close()


class Matrix:
    """One matrix on one store.

    Args:
        url: of an empty database.
        directory: for logs.
        size: how much.
        start: starts processes.
    """

    def __init__(self, url: str, directory: Path, size: Size, start: Nursery) -> None:
        self._url = url
        self._directory = directory
        self._size = size
        self._nursery = start
        self._rng = random.Random(size.seed)
        self._recorder = Recorder(self._arrived, random.Random(size.seed))
        self._lanes = tuple(f"c{number}" for number in range(size.lanes))
        self._plans = self._draw()
        #: Plans that the channel sees to, with how many requests are still to come.
        self._waiting: dict[str, tuple[Plan, int]] = {}
        self._epoch = time.time() - time.monotonic()
        self._number = 0
        self._trouble: list[str] = []
        self.fates: dict[str, Fate] = {}

    @property
    def _sqlite(self) -> bool:
        return self._url.startswith("sqlite")

    def _draw(self) -> Iterator[Plan]:
        """Each point as often as each other one, in any order."""
        size = self._size
        pauses = [
            Plan(point, self._times(point), pause=True)
            for point in self._many(size.pauses)
            if point not in {STOPPING, GIVEN_UP}
        ]
        plans = [*(Plan(each, self._times(each)) for each in self._many(size.kills)), *pauses]
        self._rng.shuffle(plans)
        return iter(plans)

    def _many(self, many: int) -> list[str]:
        return [POINTS[number % len(POINTS)] for number in range(many)]

    def _times(self, point: str) -> int:
        return self._rng.randint(1, 2 if point.startswith(_SELDOM) else _OFTEN)

    def _arrived(self, name: str) -> None:
        """A request has arrived at the channel."""
        if name not in self._waiting:
            return
        plan, left = self._waiting.pop(name)
        if left > 1:
            self._waiting[name] = (plan, left - 1)
        else:
            fate = self.fates[name]
            signalled(fate.pid, signal.SIGSTOP if plan.pause else signal.SIGKILL)

    # -- playing

    async def play(self) -> Outcome:
        """Play it, and look what became of it."""
        begun = time.monotonic()
        await self._recorder.start()
        try:
            async with self._looking() as recado:
                await meet(recado, f"{self._recorder.url}/", list(self._lanes), "tenant-1")
                many = 2 if self._sqlite else 3
                await asyncio.gather(*(self._slot() for _ in range(many)))
                await self._deliver_all(recado)
        finally:
            await self._recorder.stop()
        outcome = await self._judge()
        outcome.seconds = time.monotonic() - begun
        return outcome

    @asynccontextmanager
    async def _looking(self) -> AsyncIterator[Recado]:
        recado = Recado(Settings(database_url=self._url))
        await recado.open()
        try:
            yield recado
        finally:
            await recado.stop()

    async def _slot(self) -> None:
        """One process after the other, each with a fate of its own."""
        for plan in self._plans:
            fate = await self._start(plan, self._size.every)
            await self._meet_fate(fate, plan)

    async def _start(self, plan: Plan, every: float) -> Fate:
        self._number += 1
        name = f"p{self._number}"
        if plan.point == UNANSWERED:
            self._waiting[name] = (plan, plan.times)
        told = Told(
            name=name,
            url=self._url,
            plan=plan,
            lease=_LEASE,
            lanes=self._lanes,
            every=every,
            seed=self._rng.randrange(2**32),
            log=str(self._directory / "acknowledged.log"),
        )
        fate = self.fates[name] = Fate(name, plan.point, 0, time.monotonic())
        fate.pid = await self._nursery.start(told)
        return fate

    async def _meet_fate(self, fate: Fate, plan: Plan) -> None:
        ended, stopped = (self._nursery.until(fate.name, each) for each in ("ended", "stopped"))
        if plan.point in {STOPPING, GIVEN_UP}:
            await asyncio.sleep(self._rng.random())
            signalled(fate.pid, signal.SIGTERM)
        await asyncio.wait(
            {ended, stopped}, timeout=self._size.in_time, return_when="FIRST_COMPLETED"
        )
        self._waiting.pop(fate.name, None)
        if stopped.done() and not ended.done():
            await self._sleep(fate, plan, ended)
        elif not ended.done():
            fate.point = ANY  # its point has not come
            await self._kill(fate)
        else:
            fate.killed = True
        self._note_end(fate, ended)

    def _note_end(self, fate: Fate, ended: asyncio.Future[int]) -> None:
        fate.ended = time.monotonic()
        if ended.result() not in {0, -signal.SIGKILL, -signal.SIGTERM}:
            self._trouble.append(f"{fate.name} ended with {ended.result()} at {fate.point}")

    async def _sleep(self, fate: Fate, plan: Plan, ended: asyncio.Future[int]) -> None:
        fate.slept = time.monotonic()
        in_transaction = not self._sqlite and str(plan.point).endswith(BEFORE)
        await asyncio.sleep(_SLEEP_IN_TRANSACTION if in_transaction else _SLEEP)
        fate.woke = time.monotonic()
        signalled(fate.pid, signal.SIGCONT)
        await asyncio.sleep(_AFTER_SLEEP)
        await self._stop(fate, ended)

    async def _stop(self, fate: Fate, ended: asyncio.Future[int]) -> None:
        """Have it stop in order."""
        signalled(fate.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(ended), _IN_ORDER)
        if not ended.done():
            await self._kill(fate)

    async def _kill(self, fate: Fate) -> None:
        fate.killed = True
        signalled(fate.pid, signal.SIGKILL)
        await self._nursery.until(fate.name, "ended")

    async def _deliver_all(self, recado: Recado) -> None:
        """Two processes that meet no fate deliver what is left."""
        last = [await self._start(Plan(), 0) for _ in range(2)]
        left, since = -1, time.monotonic()
        while time.monotonic() < since + _PATIENCE:
            backlog = await recado.store.backlog()
            parked = backlog.waiting.get(State.UNKNOWN, 0)
            now = sum(backlog.waiting.values()) - parked + backlog.expanding
            if now == 0:
                break
            if now != left:
                left, since = now, time.monotonic()
            await asyncio.sleep(0.1)
        for fate in last:
            ended = self._nursery.until(fate.name, "ended")
            await self._stop(fate, ended)
            self._note_end(fate, ended)

    # -- judging

    async def _judge(self) -> Outcome:
        trouble = self._trouble
        if self._sqlite:
            file = Path(self._url.removeprefix("sqlite:///"))
            findings = look_at_file(file)
            with closing(sqlite3.connect(file)) as db:
                db.row_factory = sqlite3.Row
                rows = [db.execute(each).fetchall() for each in ASKED]
                sound = db.execute("PRAGMA integrity_check").fetchone()[0]
            trouble += [] if sound == "ok" else [sound]
        else:
            connection = await asyncpg.connect(self._url)
            findings = await look(connection)
            rows = [await connection.fetch(each) for each in ASKED]
            await connection.close()
        log = self._directory / "acknowledged.log"
        judge = Judge(
            self._recorder.arrivals,
            self.fates,
            Rows(*rows),
            log.read_text(encoding="ascii").split() if log.exists() else [],
            epoch=self._epoch,
        )
        requests = Counter(each.process for each in self._recorder.arrivals)
        store = "SQLite" if self._sqlite else "PostgreSQL"
        return Outcome(store, judge.judge(), findings, self.fates, requests, trouble=trouble)


async def on_sqlite(directory: Path, size: Size) -> Outcome:
    """A matrix on a new SQLite file in a directory."""
    async with nursery(directory) as start:
        return await Matrix(f"sqlite:///{directory}/recado.db", directory, size, start).play()


async def on_postgres(url: str, directory: Path, size: Size) -> Outcome:
    """A matrix on an empty PostgreSQL database."""
    async with nursery(directory) as start:
        return await Matrix(url, directory, size, start).play()


def tell(report: Report, outcome: Outcome) -> None:
    """Print what came of it."""
    verdict = outcome.verdict
    columns = ("", "kills", "pauses", "requests", "repeats", *_COUNTED[1:])
    report.table(
        f"{outcome.store}: {outcome.kills:,} kills and {outcome.pauses:,} pauses in "
        f"{outcome.seconds:.0f} s",
        columns,
        outcome.rows(),
    )
    states = ", ".join(f"{many:,} {state}" for state, many in sorted(verdict.states.items()))
    report.say(f"{verdict.accepted:,} deliveries: {states}")
    report.say(
        f"{verdict.repeats.total():,} repeats, {verdict.parked.total():,} parked, "
        f"{verdict.late.total():,} late, {verdict.receipts:,} late receipts, "
        f"lost = {len(verdict.lost)}"
    )
    report.claims(outcome.claims())


def main() -> int:
    """Play the matrix on both stores, and say by the exit code whether everything holds."""
    parser = argparse.ArgumentParser(prog="python -m proofs.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1_500, help="of each store")
    parser.add_argument("--pauses", type=int, default=150, help="of each store")
    parser.add_argument("--stores", default="sqlite,postgres")
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--keep", action="store_true", help="keep databases and logs")
    told: Any = parser.parse_args()
    size = Size(kills=told.kills, pauses=told.pauses, seed=told.seed)
    report = Report()
    report.say(f"Kill matrix with seed {size.seed} ({load()})")
    with tempfile.TemporaryDirectory(prefix="recado-kills-") as directory:
        base = Path(tempfile.mkdtemp(prefix="recado-kept-") if told.keep else directory)
        if told.keep:
            report.say(f"Kept in {base}")
        if "sqlite" in told.stores:
            place = base / "sqlite"
            place.mkdir()
            tell(report, asyncio.run(on_sqlite(place, size)))
        if "postgres" in told.stores:
            place = base / "postgres"
            place.mkdir()
            with postgres.server(Path(directory), "fsync=off") as server:
                tell(report, asyncio.run(on_postgres(server.url, place, size)))
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
