"""Runs the benchmarks: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import goals, peers, report, runs
from benchmarks.load import Load
from benchmarks.report import Delay, Line
from benchmarks.runs import Channel, Databases, Missing, RunError
from benchmarks.sender import Run

#: How many times the Agents SDK's messages for a second of CPU Recado has to deliver.
AT_LEAST: Final = 6.0

_FILE: Final = Path(__file__).parents[1] / "build" / "bench.json"
_WARM_UP: Final = 200
#: Seconds an answer takes where the channel is far away.
_FAR: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured.

    Attributes:
        senders: who is compared.
        rounds: how often each sends as fast as it can.
        count: how many messages each time.
        tls: who sends over TLS as well, as often and as many.
        far_rounds: how often to the channel that takes its time.
        far_count: how many messages each time.
        turns: who takes inbound turns, as often and as many.
        timed: whose time from the call to the arrival is measured.
        rate: messages a second when times are measured.
        seconds: for which they are.
        file: where the results go.
        directory: where the databases are while they are used.
    """

    senders: tuple[str, ...]
    rounds: int
    count: int
    tls: tuple[str, ...]
    far_rounds: int
    far_count: int
    turns: tuple[str, ...]
    timed: tuple[str, ...]
    rate: float
    seconds: float
    file: Path
    directory: Path


class Bench:
    """Measures what a plan says.

    Args:
        plan: how much.
        databases: for the senders that need one.
        tell: told what is being done.

    Attributes:
        missing: the senders that could not be run.
        failed: whether one of them could have been.
    """

    def __init__(self, plan: Plan, databases: Databases, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._databases = databases
        self._tell = tell
        self.missing: dict[str, Missing] = {}
        self.failed = False

    def near(self) -> list[report.Round]:
        """As fast as it goes, to a channel that answers at once."""
        with runs.channel() as channel:
            return self._rounds("", channel, self._plan.senders)

    def tls(self) -> list[report.Round]:
        """The same over TLS."""
        if not self._plan.tls:
            return []
        try:
            with runs.channel(tls=self._plan.directory) as channel:
                return self._rounds("TLS, ", channel, self._plan.tls)
        except ModuleNotFoundError as error:
            self.missing["TLS"] = Missing(f"{error.name} is not installed")
            return []

    def turns(self) -> list[report.Round]:
        """Inbound turns."""
        with runs.channel() as channel:
            return self._rounds("turns, ", channel, self._plan.turns)

    def far(self) -> list[report.Round]:
        """As fast as it goes, to a channel that takes its time."""
        plan = self._plan
        senders = [name for name in plan.senders if name in peers.FAR]
        with runs.channel(_FAR) as channel:
            return self._rounds("far, ", channel, senders, plan.far_rounds, plan.far_count)

    def _rounds(
        self,
        what: str,
        channel: Channel,
        senders: Sequence[str],
        rounds: int | None = None,
        count: int | None = None,
    ) -> list[report.Round]:
        """Every sender once in every round, so that a busy minute of the machine hits them all."""
        rounds = rounds or self._plan.rounds
        measured: list[report.Round] = []
        for number in range(1, rounds + 1):
            found: dict[str, Run] = {}
            for name in senders:
                self._tell(f"{what}round {number} of {rounds}: {name}")
                run, _ = self._run(name, channel, count or self._plan.count)
                if isinstance(run, Run):
                    found[name] = run
            measured.append(found)
        return measured

    def delays(self) -> dict[str, Delay]:
        """The times from the call to the arrival at a steady rate."""
        plan = self._plan
        delays: dict[str, Delay] = {}
        if not plan.seconds:
            return delays
        with runs.channel() as channel:
            for name in plan.timed:
                self._tell(f"times to arrival: {name}")
                count = round(plan.rate * plan.seconds)
                found, arrived = self._run(name, channel, count, plan.rate)
                if isinstance(found, Run):
                    delays[name] = report.delay(found, plan.rate, runs.delays(found, arrived))
        return delays

    def _run(
        self, name: str, channel: Channel, count: int, rate: float = 0
    ) -> tuple[Run | Missing, runs.Arrived]:
        directory = str(self._plan.directory)
        load = Load(warm_up=min(_WARM_UP, count), count=count, rate=rate, directory=directory)
        try:
            found, arrived = runs.run(name, channel, load, self._databases)
        except RunError as error:
            if name in peers.OURS:
                raise
            # Another project's trouble is told, and is no reason to measure nothing.
            print(error, file=sys.stderr)
            self.failed = True
            channel.arrived()
            found, arrived = Missing("failed"), runs.Arrived(0, {})
        if isinstance(found, Missing):
            self.missing[name] = found
        return found, arrived


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for.

    Returns:
        0; 1 when Recado was not as far ahead as it has to be; 2 when a run failed.
    """
    plan = _plan(arguments)
    console = Console()
    plan.directory.mkdir(parents=True, exist_ok=True)
    facts = report.machine(plan.directory)
    console.print(
        f"{facts['python']}, {facts['cores']} cores ({facts['processor']}), "
        f"fsync {facts['fsync_ms']} ms, load {facts['load'][0]:.1f}"
    )
    try:
        with console.status("") as status, ExitStack() as stack:
            databases = stack.enter_context(runs.databases(plan.directory))
            bench = Bench(plan, databases, status.update)
            near, tls, turns = bench.near(), bench.tls(), bench.turns()
            far, delays = bench.far(), bench.delays()
    except RunError as error:
        console.print(str(error), markup=False, style="red", soft_wrap=True)
        return 2
    told = goals.goals(near, tls, turns, delays)
    lines = report.lines(near)
    console.print(report.table("One text to each of many conversations", lines, bench.missing))
    for title, rounds in (
        ("The same over TLS", tls),
        (f"The same to a channel that takes {_FAR * 1e3:.0f} ms to answer", far),
        ("Inbound echo turns", turns),
    ):
        if any(rounds):
            console.print(report.table(title, report.lines(rounds), {}))
    if delays:
        console.print(report.delay_table(delays.values()))
    console.print(goals.table("What was promised", told))
    written = {
        "machine": facts,
        "goals": [goal.told() for goal in told],
        "near": {"senders": lines, "rounds": near},
        "tls": {"senders": report.lines(tls), "rounds": tls},
        "far": {"senders": report.lines(far), "rounds": far},
        "turns": {"senders": report.lines(turns), "rounds": turns},
        "delays": delays,
        "missing": {name: asdict(lack) for name, lack in bench.missing.items()},
    }
    report.save(plan.file, written)
    console.print(f"Written to {plan.file}", soft_wrap=True)
    return 2 if bench.failed else _verdict(console, lines)


def _verdict(console: Console, lines: Mapping[str, Line]) -> int:
    behind = [
        line
        for name, line in lines.items()
        if name in peers.AHEAD and line.to_baseline is not None and line.to_baseline < AT_LEAST
    ]
    for line in behind:
        told = (
            f"{line.title} reached {line.to_baseline:.1f} times the Agents SDK, not {AT_LEAST:g}."
        )
        console.print(told, style="red")
    return 1 if behind else 0


def _plan(arguments: Sequence[str] | None) -> Plan:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="How much Recado delivers for a second of CPU, beside other senders.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer messages, in less than a minute")
    add("--senders", nargs="+", choices=peers.NAMES, metavar="NAME", help="of the first table")
    add("--messages", type=int, help="in each run (slow senders send fewer)")
    add("--rounds", type=int, help="runs of each sender")
    add("--rate", type=float, default=100, help="messages a second when times are measured")
    add("--seconds", type=float, help="for which they are; 0 leaves that out")
    add("--json", type=Path, default=_FILE, metavar="FILE", help="where the results go")
    add("--directory", type=Path, help="for the databases, on the disk to be measured")
    given = parser.parse_args(arguments)
    messages = given.messages or (2_000 if given.quick else 10_000)
    rounds = given.rounds or (1 if given.quick else 3)
    senders = given.senders or [name for name in peers.NAMES if name not in _left_out(given.quick)]
    timed = peers.QUICKLY_TIMED if given.quick else peers.TIMED
    tls = peers.QUICKLY_TLS if given.quick else peers.TLS
    return Plan(
        senders=tuple(senders),
        rounds=rounds,
        count=messages,
        tls=tuple(name for name in tls if name in senders),
        far_rounds=1 if given.quick else rounds,
        far_count=min(messages, 1_000 if given.quick else 2_000),
        turns=peers.ECHO if not given.senders else (),
        timed=tuple(name for name in timed if name in senders),
        rate=given.rate,
        seconds=(2 if given.quick else 10) if given.seconds is None else given.seconds,
        file=given.json,
        directory=given.directory or given.json.parent,
    )


def _left_out(quick: bool) -> tuple[str, ...]:  # noqa: FBT001 - a flag of the command line
    return peers.SLOW if quick else ()


if __name__ == "__main__":
    sys.exit(main())
