"""Runs the benchmarks: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import peers, report, runs
from benchmarks.load import Load
from benchmarks.report import Delay, Line
from benchmarks.runs import Channel, Missing, RunError
from benchmarks.sender import Run

#: How many times the Agents SDK's messages for a second of CPU Recado has to deliver.
AT_LEAST: Final = 6.0

_RESULTS: Final = Path(__file__).parent / "results"
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
        far_rounds: how often to the channel that takes its time.
        far_count: how many messages each time.
        rate: messages a second when times are measured.
        seconds: for which they are.
        results: where the results go, and the databases while they are used.
    """

    senders: tuple[str, ...]
    rounds: int
    count: int
    far_rounds: int
    far_count: int
    rate: float
    seconds: float
    results: Path


class Bench:
    """Measures what a plan says.

    Args:
        plan: how much.
        tell: told what is being done.
    """

    def __init__(self, plan: Plan, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._tell = tell
        self.missing: dict[str, Missing] = {}

    def near(self) -> list[dict[str, Run]]:
        """As fast as it goes, to a channel that answers at once."""
        with runs.channel() as channel:
            return self._rounds(channel, self._plan.senders, self._plan.rounds, self._plan.count)

    def far(self) -> list[dict[str, Run]]:
        """As fast as it goes, to a channel that takes its time."""
        senders = [name for name in self._plan.senders if name in peers.FAR]
        with runs.channel(_FAR) as channel:
            return self._rounds(channel, senders, self._plan.far_rounds, self._plan.far_count)

    def _rounds(
        self, channel: Channel, senders: Sequence[str], rounds: int, count: int
    ) -> list[dict[str, Run]]:
        """Every sender once in every round, so that a busy minute of the machine hits them all."""
        measured: list[dict[str, Run]] = []
        for number in range(1, rounds + 1):
            measured.append({})
            for name in senders:
                self._tell(f"round {number} of {rounds}: {name}")
                found, _ = self._run(name, channel, count)
                if isinstance(found, Run):
                    measured[-1][name] = found
        return measured

    def delays(self) -> list[Delay]:
        """The times from the call to the arrival at a steady rate."""
        plan = self._plan
        delays: list[Delay] = []
        if not plan.seconds:
            return delays
        with runs.channel() as channel:
            for name in plan.senders:
                if name in peers.TIMED:
                    self._tell(f"times to arrival: {name}")
                    count = round(plan.rate * plan.seconds)
                    found, arrived = self._run(name, channel, count, plan.rate)
                    if isinstance(found, Run):
                        delays.append(report.delay(found, plan.rate, runs.delays(found, arrived)))
        return delays

    def _run(
        self, name: str, channel: Channel, count: int, rate: float = 0
    ) -> tuple[Run | Missing, runs.Arrived]:
        directory = str(self._plan.results)
        load = Load(warm_up=min(_WARM_UP, count), count=count, rate=rate, directory=directory)
        found, arrived = runs.run(name, channel, load)
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
    plan.results.mkdir(parents=True, exist_ok=True)
    facts = report.machine(plan.results)
    console.print(
        f"{facts['python']}, {facts['cores']} cores ({facts['processor']}), "
        f"fsync {facts['fsync_ms']} ms, load {facts['load'][0]:.1f}"
    )
    try:
        with console.status("") as status:
            bench = Bench(plan, status.update)
            near, far, delays = bench.near(), bench.far(), bench.delays()
    except RunError as error:
        console.print(str(error), markup=False, style="red", soft_wrap=True)
        return 2
    lines = report.lines(near)
    console.print(report.table("One text to each of many conversations", lines, bench.missing))
    far_lines = report.lines(far)
    if far_lines:
        title = f"The same to a channel that takes {_FAR * 1e3:.0f} ms to answer"
        console.print(report.table(title, far_lines, {}))
    if delays:
        console.print(report.delay_table(delays))
    told = {
        "machine": facts,
        "near": {"senders": lines, "rounds": near},
        "far": {"senders": far_lines, "rounds": far},
        "delays": delays,
    }
    console.print(f"Written to {report.save(plan.results, told)}", soft_wrap=True)
    return _verdict(console, lines)


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
    add("--senders", nargs="+", choices=peers.NAMES, default=peers.NAMES, metavar="NAME")
    add("--messages", type=int, help="in each run (slow senders send fewer)")
    add("--rounds", type=int, default=3, help="runs of each sender")
    add("--rate", type=float, default=100, help="messages a second when times are measured")
    add("--seconds", type=float, help="for which they are; 0 leaves that out")
    add("--results", type=Path, default=_RESULTS, help="a directory, on the disk to be measured")
    given = parser.parse_args(arguments)
    messages = given.messages or (2_000 if given.quick else 10_000)
    return Plan(
        senders=tuple(given.senders),
        rounds=given.rounds,
        count=messages,
        far_rounds=1 if given.quick else given.rounds,
        far_count=min(messages, 1_000 if given.quick else 2_000),
        rate=given.rate,
        seconds=(2 if given.quick else 5) if given.seconds is None else given.seconds,
        results=given.results,
    )


if __name__ == "__main__":
    sys.exit(main())
