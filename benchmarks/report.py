"""What the runs amount to: medians, ratios, the table, and the file they are kept in."""

from __future__ import annotations

import json
import math
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.table import Table

from benchmarks import peers
from benchmarks.runs import Missing
from benchmarks.sender import Run

_NONE: Final = "-"

#: One round: what each sender measured in it, by name.
Round = Mapping[str, Run]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is told of one sender: medians over the rounds.

    Attributes:
        title: what it is called.
        durable: whether a power cut after acceptance loses nothing.
        per_cpu_second: messages for a second of CPU of its process.
        spread: how far the rounds lie from that at most, as a share of it; None after one round.
        per_cpu_second_in_all: the same with its database server's CPU counted; None without one.
        per_second: messages a second.
        peak_mb: the most memory its process had.
        to_baseline: how many times the Agents SDK's per CPU-second, in the same round.
        to_bare: the share of the fastest bare client's per CPU-second, in the same round.
    """

    title: str
    durable: bool
    per_cpu_second: float
    spread: float | None
    per_cpu_second_in_all: float | None
    per_second: float
    peak_mb: float
    to_baseline: float | None
    to_bare: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Milliseconds from the call to the arrival at a steady rate, and of CPU for each message."""

    title: str
    durable: bool
    rate: float
    count: int
    p50: float
    p99: float
    cpu: float


def lines(rounds: Sequence[Round]) -> dict[str, Line]:
    """What the rounds say about each sender that was in one."""
    names = dict.fromkeys(name for each in rounds for name in each)
    return {name: _line(name, rounds) for name in names}


def _line(name: str, rounds: Sequence[Round]) -> Line:
    runs = [each[name] for each in rounds if name in each]
    typical = statistics.median(map(_efficiency, runs))
    served = any(run.server_cpu for run in runs)
    return Line(
        title=runs[0].title,
        durable=runs[0].durable,
        per_cpu_second=typical,
        spread=max(abs(_efficiency(run) - typical) for run in runs) / typical
        if len(runs) > 1
        else None,
        per_cpu_second_in_all=statistics.median(
            run.count / (run.cpu + run.server_cpu) for run in runs
        )
        if served
        else None,
        per_second=statistics.median(run.count / run.wall for run in runs),
        peak_mb=statistics.median(run.peak for run in runs) / 2**20,
        to_baseline=ratio(name, [peers.BASELINE], rounds),
        to_bare=ratio(name, peers.BARE, rounds),
    )


def _efficiency(run: Run) -> float:
    return run.count / run.cpu


def ratio(name: str, others: Sequence[str], rounds: Sequence[Round]) -> float | None:
    """Times the best of *others*; taken round by round, so that a busy minute hits both."""
    ratios = []
    for each in rounds:
        if name not in each:
            continue
        theirs = [_efficiency(each[other]) for other in others if other in each]
        if theirs:
            ratios.append(_efficiency(each[name]) / max(theirs))
    return statistics.median(ratios) if ratios else None


def delay(found: Run, rate: float, seconds: Sequence[float]) -> Delay:
    """What is told of a sender's times to arrival."""
    return Delay(
        title=found.title,
        durable=found.durable,
        rate=rate,
        count=len(seconds),
        p50=_percentile(seconds, 0.50) * 1e3,
        p99=_percentile(seconds, 0.99) * 1e3,
        cpu=found.cpu / found.count * 1e3,
    )


def _percentile(ascending: Sequence[float], share: float) -> float:
    """The smallest value that *share* of all do not exceed."""
    return ascending[math.ceil(share * len(ascending)) - 1]


def table(title: str, told: Mapping[str, Line], missing: Mapping[str, Missing]) -> Table:
    """What is told of each sender, and which could not be run."""
    # Narrow, so that it fits a terminal of eighty columns.
    made = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    made.add_column("sender", no_wrap=True)
    made.add_column("durable", justify="center")
    headings = ["per CPU-s", "±", "per s", "peak MB", "x SDK", "of bare"]
    served = any(each.per_cpu_second_in_all for each in told.values())
    if served:
        headings.insert(2, "with server")
    for heading in headings:
        made.add_column(heading, justify="right")
    for each in told.values():
        cells = [
            f"{each.per_cpu_second:,.0f}",
            _NONE if each.spread is None else f"{each.spread:.0%}",
            f"{each.per_second:,.0f}",
            f"{each.peak_mb:,.0f}",
            _NONE if each.to_baseline is None else f"{each.to_baseline:.1f}",
            _NONE if each.to_bare is None else f"{each.to_bare:.0%}",
        ]
        if served:
            in_all = each.per_cpu_second_in_all
            cells.insert(2, _NONE if in_all is None else f"{in_all:,.0f}")
        made.add_row(each.title, "yes" if each.durable else "no", *cells)
    for name in missing:
        made.add_row(name, _NONE, *[_NONE] * len(headings), style="dim")
    if missing:
        made.caption = ". ".join(f"{name}: {lack.why}" for name, lack in missing.items())
    return made


def delay_table(delays: Iterable[Delay]) -> Table:
    """Times to arrival."""
    title = "One at a time: from the call to the arrival"
    made = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    made.add_column("sender", no_wrap=True)
    made.add_column("durable")
    for heading in ("per s", "p50 ms", "p99 ms", "CPU ms"):
        made.add_column(heading, justify="right")
    for each in delays:
        durable = "yes" if each.durable else "no"
        numbers = (f"{each.p50:.1f}", f"{each.p99:.1f}", f"{each.cpu:.2f}")
        made.add_row(each.title, durable, f"{each.rate:,.0f}", *numbers)
    return made


def machine(directory: Path) -> dict[str, Any]:
    """What the numbers depend on besides the code."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "sqlite": sqlite3.sqlite_version,
        "uvloop": version("uvloop"),
        "fsync_ms": round(_fsync_seconds(directory) * 1e3, 3),
    }


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if not facts.exists():
        return platform.processor()
    named = (row for row in facts.read_text().splitlines() if row.startswith("model name"))
    return next(named, platform.processor()).partition(":")[2].strip()


def _fsync_seconds(directory: Path) -> float:
    """How long a page takes to the disk: what a durable sender waits for and others do not."""
    taken = []
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(50):
            file.write(bytes(4096))
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def save(path: Path, told: Mapping[str, Any]) -> None:
    """Write everything to a file."""
    written = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **told}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written, indent=2, default=asdict) + "\n")
