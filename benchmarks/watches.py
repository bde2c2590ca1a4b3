"""What watches cost when very many look at one subject: ``python -m benchmarks.watches --help``.

A database is filled with conversations and one watch in each, all over one subject. Then three
events come, one after the other: one that no watch fires with, one that every watch remembers, as
it is the highest price so far, and one that every watch fires with. Each is measured from its
acceptance until every watch has looked at it and what it says is accepted; deliveries are not
part of it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import goals, postgres, report
from benchmarks.goals import Goal
from recado.clock import SystemClock
from recado.database_url import PostgresAddress, read_database_url
from recado.domain.audience import Conversation
from recado.domain.event import Event
from recado.domain.ids import new_id
from recado.domain.watch import NewWatch, parse_rule
from recado.engine.watcher import Stride
from recado.store.postgres import PostgresStore
from recado.store.sqlite import SqliteStore
from recado.testing import make_notification, make_sighting

_ROOT: Final = Path(__file__).parents[1]
_FILE: Final = _ROOT / "build" / "watches.json"
_SUBJECT: Final = "price:42"
#: What comes, one event after the other, and how many of the watches speak with it.
EVENTS: Final = (("nobody fires", 99, 0.0), ("all remember", 120, 0.0), ("all fire", 60, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one event came to.

    Attributes:
        store: on which database.
        what: which event.
        watches: how many looked at it.
        fired: how many of them spoke.
        seconds: from its acceptance until all had.
        cpu: seconds of CPU of this process.
        longest: milliseconds of the longest transaction.
        growth: by how many bytes this process's peak of memory grew.
    """

    store: str
    what: str
    watches: int
    fired: int
    seconds: float
    cpu: float
    longest: float
    growth: int


async def measure(store: SqliteStore | PostgresStore, name: str, count: int) -> list[Measured]:
    """Have the events come to a database that is filled."""
    measured = []
    clock = SystemClock()
    for what, value, _ in EVENTS:
        gc.collect()
        memory = _peak()
        begun, cpu = time.perf_counter(), time.process_time()
        event = Event(subject=_SUBJECT, data={"value": value}, id=new_id())
        (emitted,) = await store.accept_events("local", [event], clock.now())
        if emitted.watching != count:
            raise RuntimeError(f"{emitted.watching} watch, and {count} were to")
        longest, looked, fired, after = 0.0, 0, 0, 0
        stride = Stride()
        while True:
            step = time.perf_counter()
            done = await store.evaluate(clock.now(), after, stride.size)
            took = time.perf_counter() - step
            stride.took(took)
            longest = max(longest, took)
            after = done.after
            looked += sum(each.looked for each in done.events)
            fired += sum(each.fired for each in done.events)
            if not done.full:
                break
        told = Measured(
            store=name,
            what=what,
            watches=looked,
            fired=fired,
            seconds=time.perf_counter() - begun,
            cpu=time.process_time() - cpu,
            longest=longest * 1e3,
            growth=_peak() - memory,
        )
        measured.append(told)
    return measured


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def first(store: SqliteStore | PostgresStore) -> None:
    """The conversation and the watch that all others are copies of; the price is 100."""
    sighting = make_sighting("a:1")
    await store.capture([sighting])
    now = SystemClock().now()
    event = Event(subject=_SUBJECT, data={"value": 100}, id=new_id())
    await store.accept_events("local", [event], now)
    reference = await store.reference_by_key(sighting.key)
    assert reference is not None
    said = make_notification(
        "{subject} has fallen to {value}.", audience=Conversation(reference.id), accepted_at=now
    )
    new = NewWatch(
        id=new_id(),
        bot="local",
        subject=_SUBJECT,
        rule=parse_rule("drop 20% from maximum"),
        path=None,
        said=said,
        cooldown=None,
        repeats=True,
        key=None,
        expires_at=None,
        created_at=now,
    )
    await store.make_watch(new, reference)


def _copies(reference: Sequence[str], watch: Sequence[str], numbers: str) -> list[str]:
    """Statements that make conversations and watches like the first ones."""

    def of(row: str, columns: Sequence[str]) -> str:
        return ", ".join(f'{row}"{each}"' for each in columns)

    references = (
        f"INSERT INTO recado_reference (id, conversation_id, pace_key, {of('', reference)}) "  # noqa: S608 - column names of our own schema, no input
        f"SELECT 'r' || n, 'b:' || n, 'b:' || n, {of('r.', reference)} FROM {numbers} "
        "CROSS JOIN recado_reference AS r WHERE r.number = 1"
    )
    watches = (
        f"INSERT INTO recado_watch (id, reference, audience, {of('', watch)}) "  # noqa: S608 - as above
        "SELECT 'w' || r.number, r.number, '[\"conversation:' || r.id || '\"]', "
        f"{of('w.', watch)} FROM recado_reference AS r CROSS JOIN recado_watch AS w "
        "WHERE w.number = 1 AND r.number > 1"
    )
    counted = "UPDATE recado_subject SET watching = (SELECT count(*) FROM recado_watch)"
    return [references, watches, counted]


def _others(columns: Sequence[str], *made: str) -> list[str]:
    return [each for each in columns if each not in ("number", "id", *made)]


def fill_sqlite(file: Path, count: int) -> None:
    """Copy the first conversation and its watch, by SQL: made one by one they take minutes."""
    with closing(sqlite3.connect(file)) as db:
        db.row_factory = sqlite3.Row
        tables = [
            _others(
                [row["name"] for row in db.execute(f"PRAGMA table_info(recado_{table})")], *made
            )
            for table, made in _MADE.items()
        ]
        numbers = (
            "(WITH RECURSIVE c (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM c WHERE n < "  # noqa: S608 - an int from argparse
            f"{count}) SELECT n FROM c)"
        )
        for statement in _copies(tables[0], tables[1], numbers):
            db.execute(statement)
        db.commit()


def fill_postgres(url: str, count: int) -> None:
    """The same for PostgreSQL."""
    with psycopg.connect(url) as db:
        tables = [
            _others(
                [
                    row[0]
                    for row in db.execute(
                        "SELECT column_name FROM information_schema.columns WHERE table_name = %s",
                        (f"recado_{table}",),
                    )
                ],
                *made,
            )
            for table, made in _MADE.items()
        ]
        for statement in _copies(tables[0], tables[1], f"generate_series(2, {count}) AS n"):
            db.execute(statement.encode())
        db.commit()
        db.autocommit = True
        db.execute("VACUUM ANALYZE")


#: What is another one in each copy.
_MADE: Final = {
    "reference": ("conversation_id", "pace_key"),
    "watch": ("reference", "audience"),
}


async def on_sqlite(directory: Path, count: int) -> list[Measured]:
    """Everything, on a file."""
    file = directory / "recado.db"
    store = SqliteStore(file)
    await store.open()
    await first(store)
    await store.close()
    fill_sqlite(file, count)
    store = SqliteStore(file)
    await store.open()
    try:
        return await measure(store, "SQLite", count)
    finally:
        await store.close()


async def on_postgres(directory: Path, count: int) -> list[Measured]:
    """Everything, on a server of its own."""
    with postgres.server(directory) as server:
        address = read_database_url(server.url)
        assert isinstance(address, PostgresAddress)
        store = PostgresStore(address)
        await store.open()
        try:
            await first(store)
            fill_postgres(server.url, count)
            return await measure(store, "PostgreSQL", count)
        finally:
            await store.close()


def promises(measured: Sequence[Measured]) -> list[Goal]:
    """What was promised of watches."""
    told = []
    for each in measured:
        what = f"{each.store}, {each.watches:,} watches, {each.what}"
        told.append(
            Goal(what=f"{what}: seconds", found=each.seconds, wanted=10, at_least=False, unit=" s")
        )
        told.append(
            Goal(
                what=f"{what}: longest transaction",
                found=each.longest,
                wanted=50,
                at_least=False,
                unit=" ms",
            )
        )
    return told


def table(measured: Sequence[Measured]) -> Table:
    """The figures, for people."""
    drawn = Table(box=box.SIMPLE_HEAD)
    for title in (
        *("store", "event", "watches", "fired", "seconds", "watches/s", "firings/s"),
        *("CPU s", "longest ms", "memory MB"),
    ):
        drawn.add_column(title, justify="left" if title in ("store", "event") else "right")
    for each in measured:
        drawn.add_row(
            each.store,
            each.what,
            f"{each.watches:,}",
            f"{each.fired:,}",
            f"{each.seconds:.2f}",
            f"{each.watches / each.seconds:,.0f}",
            f"{each.fired / each.seconds:,.0f}" if each.fired else "-",
            f"{each.cpu:.2f}",
            f"{each.longest:.1f}",
            f"{each.growth / 2**20:.1f}",
        )
    return drawn


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for.

    Returns:
        0; 2 when there is no PostgreSQL to run it on.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.watches",
        description="What it costs when very many watch one subject.",
    )
    parser.add_argument("--watches", type=int, default=100_000, help="how many watches")
    parser.add_argument("--store", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--file", type=Path, default=_FILE, help="where the results go")
    told = parser.parse_args(arguments)
    console = Console()
    measured: list[Measured] = []
    build = _ROOT / "build"
    build.mkdir(exist_ok=True)
    for name, run in (("sqlite", on_sqlite), ("postgres", on_postgres)):
        if told.store not in (name, "both"):
            continue
        with console.status(name), tempfile.TemporaryDirectory(dir=build) as own:
            try:
                measured += asyncio.run(run(Path(own), told.watches))
            except postgres.NoServerError as error:
                console.print(f"Not on PostgreSQL: {error}", style="red")
                return 2
    console.print(table(measured))
    found = promises(measured)
    console.print(goals.table("Watches", found))
    written: dict[str, Any] = {
        "machine": report.machine(build),
        "measured": [asdict(each) for each in measured],
        "goals": [goal.told() for goal in found],
    }
    report.save(told.file, written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
