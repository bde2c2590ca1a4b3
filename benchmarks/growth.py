"""What becomes of Recado when there is much of everything: ``python -m benchmarks.growth --help``.

The same work is done on a small and on a large database, one after the other in every round, and
what counts is how the cost of a delivery differs. Then one broadcast to everyone is looked at
closely, and one is interrupted by ``kill -9``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks import goals, report, runs, seeding
from benchmarks.goals import Goal
from benchmarks.grower import Grown, Task
from benchmarks.load import Load, conversation_id
from benchmarks.runs import Arrived, Channel, RunError

_ROOT: Final = Path(__file__).parents[1]
_FILE: Final = _ROOT / "build" / "growth.json"
#: No run takes longer, in seconds.
_LIMIT: Final = 3600
#: Messages that may come twice after a crash: those in flight, and one batch of settlements.
_UNSETTLED: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured.

    Attributes:
        small: references and deliveries of the small database.
        large: those of the large one.
        rounds: how often both are measured.
        crash: recipients of the broadcasts that are interrupted.
        file: where the results go.
        directory: where the databases are while they are used.
    """

    small: int
    large: int
    rounds: int
    crash: int
    file: Path
    directory: Path


@dataclass(slots=True)
class Measured:
    """Everything that was measured, by what was done; seconds, but for counts."""

    #: Seconds of CPU for a delivery, a figure for each round: of single messages and broadcasts,
    #: on the small and the large database, and on the large one when it has delivered.
    cost: dict[str, list[float]] = field(default_factory=dict)
    #: The broadcasts to everyone in the large database, one for each round.
    broadcasts: list[Grown] = field(default_factory=list)
    first_arrival: list[float] = field(default_factory=list)
    urgent: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    #: By where the process was killed: what was missing, came twice, or is recorded twice.
    crashes: dict[str, dict[str, int]] = field(default_factory=dict)

    def note(self, what: str, grown: Grown) -> None:
        """Keep what a delivery cost."""
        self.cost.setdefault(what, []).append(grown.cpu / grown.deliveries)

    def slope(self, small: str, large: str) -> float | None:
        """By what share a delivery costs more in *large*; the median over the rounds."""
        if small not in self.cost or large not in self.cost:
            return None
        pairs = zip(self.cost[small], self.cost[large], strict=True)
        return statistics.median(late / early for early, late in pairs) - 1


class Growth:
    """Measures what a plan says.

    Args:
        plan: how much.
        channel: where everything is sent to.
        directory: a directory of its own.
        tell: told what is being done.
    """

    def __init__(
        self, plan: Plan, channel: Channel, directory: Path, tell: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._channel = channel
        self._directory = directory
        self._tell = tell
        self.measured = Measured()

    def run(self) -> Measured:
        """All of it."""
        plan = self._plan
        small, large = self._seeded(plan.small), self._seeded(plan.large)
        for number in range(1, plan.rounds + 1):
            self._small(small, f"round {number} of {plan.rounds}")
            self._large(large, f"round {number} of {plan.rounds}")
        crash = self._seeded(plan.crash)
        for where in ("expansion", "delivery"):
            self._tell(f"kill -9 in the middle of the {where} of {plan.crash:,}")
            self.measured.crashes[where] = self._crash(crash, where)
        return self.measured

    def _small(self, seeded: Path, what: str) -> None:
        """As many single messages and broadcast deliveries as tell something."""
        count = self._plan.small
        times = max(1, min(20_000, self._plan.large) // count)
        with self._copy(seeded) as load:
            self._tell(f"{what}: {count:,} references, single messages")
            task = Task(load=load, references=count, count=self._repeat(count))
            self.measured.note("single, small", self._grow("probe", task)[0])
        with self._copy(seeded) as load:
            self._tell(f"{what}: {count:,} references, {times} broadcasts")
            task = Task(load=load, references=count, count=times)
            self.measured.note("broadcast, small", self._grow("broadcast", task)[0])

    def _large(self, seeded: Path, what: str) -> None:
        count, measured = self._plan.large, self.measured
        with self._copy(seeded) as load:
            task = Task(load=load, references=count, count=self._repeat(count))
            self._tell(f"{what}: {count:,} references, single messages")
            measured.note("single, large", self._grow("probe", task)[0])
        with self._copy(seeded) as load:
            urgent = Task(load=load, references=count, urgent=20, fresh=count)
            self._tell(f"{what}: {count:,} references, urgent messages")
            measured.idle += _delays(count, *self._grow("idle", urgent))
        with self._copy(seeded) as load:
            self._tell(f"{what}: a broadcast to {count:,}")
            urgent = Task(load=load, references=count, urgent=400, fresh=count)
            grown, arrived = self._grow("broadcast", urgent)
            measured.note("broadcast, large", grown)
            measured.broadcasts.append(grown)
            measured.urgent += _delays(count, grown, arrived)
            others = {conversation_id(count + place) for place in range(len(grown.urgent))}
            others.add(conversation_id(0))  # had the message that warmed up
            first = min(at for name, at in arrived.first.items() if name not in others)
            measured.first_arrival.append((first - grown.called) / 1e9)
            self._tell(f"{what}: {count:,} deliveries in history, single messages")
            measured.note("single, delivered", self._grow("probe", task_on(load, task))[0])

    def _repeat(self, count: int) -> int:
        """How often a thousand conversations are written to, one by one."""
        return max(1, 5_000 // min(count, 1_000)) if self._plan.large > 10_000 else 1

    def _crash(self, seeded: Path, where: str) -> dict[str, int]:
        """Kill a broadcast in the middle, go on with it, and count."""
        count = self._plan.crash
        with self._copy(seeded) as load:
            task = Task(load=load, references=count, kill=where)
            ended = _python("broadcast", task)
            if ended.returncode != -signal.SIGKILL:
                raise RunError(f"It was not killed:\n{ended.stderr}")
            grown, arrived = self._grow("resume", task)
            file = Path(load.directory) / "recado.db"
            with closing(sqlite3.connect(file)) as db:
                delivered, reached = db.execute(
                    "SELECT count(*), count(DISTINCT reference) FROM recado_history "
                    "WHERE state = 'delivered'"
                ).fetchone()
        return {
            "recipients": count,
            "missing": count - len(arrived.first),
            "not recorded": count - reached,
            "recorded twice": delivered - reached,
            "sent twice": arrived.requests - len(arrived.first),
            "by the second process": grown.deliveries,
        }

    def _grow(self, name: str, task: Task) -> tuple[Grown, Arrived]:
        """Run a task, and hold what it says against what the channel took."""
        ended = _python(name, task)
        if ended.returncode:
            raise RunError(f"{name} failed:\n{ended.stderr}")
        grown = Grown(**json.loads(ended.stdout))
        arrived = self._channel.arrived()
        if name == "broadcast" and arrived.requests != grown.deliveries + grown.warmed:
            raise RunError(
                f"{grown.deliveries + grown.warmed} were to arrive, and {arrived.requests} did."
            )
        return grown, arrived

    def _seeded(self, count: int) -> Path:
        """A database with so many references, to be copied."""
        self._tell(f"making {count:,} references")
        directory = Path(tempfile.mkdtemp(dir=self._directory))
        return asyncio.run(seeding.seed(self._load(directory), count))

    def _copy(self, seeded: Path) -> _Copy:
        directory = tempfile.mkdtemp(dir=self._directory)
        shutil.copy(seeded, directory)
        return _Copy(self._load(Path(directory)))

    def _load(self, directory: Path) -> Load:
        url = self._channel.service_url
        return Load(warm_up=0, count=0, service_url=url, directory=str(directory))


class _Copy:
    """A copy of a database for as long as a block runs."""

    def __init__(self, load: Load) -> None:
        self._load = load

    def __enter__(self) -> Load:
        return self._load

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._load.directory, ignore_errors=True)


def task_on(load: Load, task: Task) -> Task:
    """The same task on another database."""
    return Task(load=load, references=task.references, count=task.count)


def _python(name: str, task: Task) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.grower", name, json.dumps(asdict(task))]
    return subprocess.run(
        command, cwd=_ROOT, timeout=_LIMIT, check=False, capture_output=True, text=True
    )


def _delays(first: int, grown: Grown, arrived: Arrived) -> list[float]:
    """Seconds from each urgent call to its arrival."""
    return [
        (arrived.first[conversation_id(first + place)] - called) / 1e9
        for place, called in enumerate(grown.urgent)
    ]


def promises(plan: Plan, measured: Measured) -> list[Goal]:
    """What was promised about growth."""
    between = f"{plan.small:,} and {plan.large:,}"
    told = [
        _percent(f"cost of a delivery, broadcasts to {between}", measured, "broadcast"),
        _percent(f"cost of a delivery, {between} stored references", measured, "single"),
        _percent(
            f"cost of a delivery, before and after {plan.large:,} deliveries",
            measured,
            "single",
            ("large", "delivered"),
        ),
    ]
    runs_ = measured.broadcasts
    everyone = f"a broadcast to {plan.large:,}"
    told += [
        _ms(f"{everyone}: accepted after", [run.accepting for run in runs_], 100),
        _ms(f"{everyone}: first arrival after", measured.first_arrival, 200),
        _ms(
            f"{everyone}: longest transaction of the expansion",
            [run.expansion_commits["longest"] for run in runs_],
            50,
        ),
        Goal(
            what=f"{everyone}: memory grows by",
            found=max(run.growth for run in runs_) / 2**20,
            wanted=64,
            at_least=False,
            unit=" MB",
        ),
        _ms("urgent message meanwhile, p50", [_share(measured.urgent, 0.5)], 5),
        _ms("urgent message meanwhile, p99", [_share(measured.urgent, 0.99)], 25),
    ]
    for where, counted in measured.crashes.items():
        for what in ("missing", "recorded twice"):
            told.append(
                Goal(
                    what=f"kill -9 in the middle of {where}: {what}",
                    found=counted[what],
                    wanted=0,
                    at_least=False,
                )
            )
        told.append(
            Goal(
                what=f"kill -9 in the middle of {where}: sent twice",
                found=counted["sent twice"],
                wanted=_UNSETTLED,
                at_least=False,
            )
        )
    return told


def _percent(
    what: str, measured: Measured, kind: str, sizes: tuple[str, str] = ("small", "large")
) -> Goal:
    slope = measured.slope(*(f"{kind}, {size}" for size in sizes))
    found = None if slope is None else 100 * slope
    return Goal(what=what, found=found, wanted=10, at_least=False, unit=" %")


def _ms(what: str, seconds: Sequence[float], wanted: float) -> Goal:
    found = statistics.median(seconds) * 1e3 if seconds else None
    return Goal(what=what, found=found, wanted=wanted, at_least=False, unit=" ms")


def _share(seconds: Sequence[float], share: float) -> float:
    ascending = sorted(seconds)
    return ascending[math.ceil(share * len(ascending)) - 1] if ascending else math.nan


def _written(plan: Plan, measured: Measured, told: Sequence[Goal]) -> dict[str, Any]:
    """Everything, for the file; of single figures the rounds as well."""
    return {
        "machine": report.machine(plan.directory),
        "plan": {"small": plan.small, "large": plan.large, "crash": plan.crash},
        "goals": [goal.told() for goal in told],
        "cost": measured.cost,
        "broadcasts": [
            {name: value for name, value in asdict(each).items() if name != "urgent"}
            for each in measured.broadcasts
        ],
        "first_arrival": measured.first_arrival,
        "urgent": {"p50": _share(measured.urgent, 0.5), "p99": _share(measured.urgent, 0.99)},
        "urgent_idle": {"p50": _share(measured.idle, 0.5), "p99": _share(measured.idle, 0.99)},
        "crashes": measured.crashes,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for.

    Returns:
        0; 2 when a run failed.
    """
    plan = _plan(arguments)
    console = Console()
    plan.directory.mkdir(parents=True, exist_ok=True)
    try:
        with (
            console.status("") as status,
            runs.channel() as channel,
            tempfile.TemporaryDirectory(dir=plan.directory) as own,
        ):
            measured = Growth(plan, channel, Path(own), status.update).run()
    except RunError as error:
        console.print(str(error), markup=False, style="red", soft_wrap=True)
        return 2
    told = promises(plan, measured)
    console.print(goals.table("Growth", told))
    report.save(plan.file, _written(plan, measured, told))
    console.print(f"Written to {plan.file}", soft_wrap=True)
    return 0


def _plan(arguments: Sequence[str] | None) -> Plan:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth",
        description="What a delivery costs when there is much of everything.",
    )
    add = parser.add_argument
    add("--small", type=int, default=1_000, help="references of the small database")
    add("--large", type=int, default=1_000_000, help="references of the large one")
    add("--rounds", type=int, default=5, help="how often both are measured")
    add("--crash", type=int, default=100_000, help="recipients of the interrupted broadcasts")
    add("--json", type=Path, default=_FILE, metavar="FILE", help="where the results go")
    add("--directory", type=Path, help="for the databases, on the disk to be measured")
    given = parser.parse_args(arguments)
    return Plan(
        small=given.small,
        large=given.large,
        rounds=given.rounds,
        crash=given.crash,
        file=given.json,
        directory=given.directory or given.json.parent,
    )


if __name__ == "__main__":
    sys.exit(main())
