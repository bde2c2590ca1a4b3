"""What schedules cost when there are many: ``python -m benchmarks.schedules --help``.

A database is filled with schedules that are due another day; then it is measured what it costs to
see that nothing is due and when something will be, and how late occurrences are said when so many
fall due each second, by a whole Recado that delivers them as well, to a channel that answers at
once. Both are done with few schedules and with many, so that what stands in the table is seen to
make no difference.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import postgres
from recado.app import Recado
from recado.config import Settings
from recado.domain.audience import Conversation
from recado.domain.content import content_of
from recado.domain.ids import new_id
from recado.domain.schedule import At, Saying, Schedule, Timing
from recado.store.sqlite import SqliteStore
from recado.telemetry import Event, ScheduleFired
from recado.testing import FakeChannel, make_sighting

_CONVERSATIONS: Final = 1_000
_DAY: Final = timedelta(days=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
#: Looks for what is due.
_LOOKS: Final = 300
#: Those that are made at once.
_BATCH: Final = 500

#: Copies of the schedule that was made properly, each due so many seconds later.
_LANES: Final = """
INSERT INTO recado_schedule_lane (reference, schedule)
SELECT l.reference, s.id FROM recado_schedule_lane AS l, recado_schedule AS s
WHERE s.id <> l.schedule
"""
_ON_SQLITE: Final = """
WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < :count)
INSERT INTO recado_schedule ({names}) SELECT {values} FROM counted, recado_schedule
"""
_ON_POSTGRES: Final = """
INSERT INTO recado_schedule ({names}) SELECT {values}
FROM generate_series(1, %(count)s - 1) AS n, recado_schedule
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured with so many schedules.

    Attributes:
        count: how many there were.
        look: seconds to see that nothing is due, and when something will be; the median.
        late: how late each occurrence was said, in seconds.
        rate: occurrences said in a second when all of them are due at once.
    """

    count: int
    look: float
    late: Sequence[float]
    rate: float

    def percentile(self, percent: int) -> float:
        """What so many percent were not later than."""
        return statistics.quantiles(self.late, n=100)[percent - 1]


class Bench:
    """A database with so many schedules, and a Recado over it."""

    def __init__(self, url: str, count: int, rate: int, seconds: int) -> None:
        self._url = url
        self._count = count
        self._rate = rate
        self._seconds = seconds
        self._late: list[float] = []
        self._news = asyncio.Event()
        self._conversations: list[tuple[str, int]] = []

    async def measure(self) -> Figures:
        """Fill the database and measure."""
        recado = Recado(Settings(database_url=self._url), channel=FakeChannel())
        recado.telemetry.subscribe(self._note)
        await recado.open()
        try:
            await self._fill(recado)
            look = await self._look(recado)
            late = await self._on_time(recado)
            rate = await self._at_once(recado)
        finally:
            await recado.stop()
        return Figures(count=self._count, look=look, late=late, rate=rate)

    def _note(self, event: Event) -> None:
        if isinstance(event, ScheduleFired):
            assert event.kind == "fired", event.detail
            self._late.append(event.late)
            self._news.set()

    async def _fill(self, recado: Recado) -> None:
        now = recado.clock.now()
        names = [f"a:{number}" for number in range(_CONVERSATIONS)]
        await recado.store.capture([make_sighting(name, at=now) for name in names])
        for name in names:
            found = await recado.store.find_conversation(recado.settings.bot, name)
            assert found is not None
            self._conversations.append((found.id, found.number))
        await self._make(recado, [now + _DAY])
        if isinstance(recado.store, SqliteStore):
            path = self._url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path)) as db, db:
                columns = [row[1] for row in db.execute("PRAGMA table_info(recado_schedule)")]
                text = _filled(_ON_SQLITE, columns, "printf('%08x', n)")
                db.execute(text, {"count": self._count})
                db.execute(_LANES)
                db.execute("ANALYZE")
            with closing(sqlite3.connect(path)) as db:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        with psycopg.connect(self._url, autocommit=True) as connection:
            asked = "SELECT * FROM recado_schedule LIMIT 0"
            columns = [each.name for each in connection.execute(asked).description or ()]
            text = _filled(_ON_POSTGRES, columns, "lpad(to_hex(n), 8, '0')")
            connection.execute(text.encode(), {"count": self._count})
            connection.execute(_LANES)
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    async def _make(self, recado: Recado, times: Sequence[datetime]) -> None:
        """A schedule for each of these times, in one conversation after the other."""
        now = recado.clock.now()
        made = []
        for number, at in enumerate(times):
            reference, lane = self._conversations[number % _CONVERSATIONS]
            timing = Timing(rule=At(at), zone="UTC")
            schedule = Schedule(
                id=new_id(),
                bot=recado.settings.bot,
                saying=Saying(audience=Conversation(reference), content=content_of("tick").json),
                timing=timing,
                created_at=now,
                reached=now - _MICROSECOND,
                due=timing.next(now - _MICROSECOND),
            )
            made.append(recado.store.create_schedule(schedule, [lane]))
        for first in range(0, len(made), _BATCH):
            await asyncio.gather(*made[first : first + _BATCH])

    async def _look(self, recado: Recado) -> float:
        """What the scheduler does while nothing is due."""
        bot, taken = recado.settings.bot, []
        for _ in range(_LOOKS):
            begun = time.perf_counter()
            assert not await recado.store.due_schedules(bot, recado.clock.now(), 50)
            assert await recado.store.next_schedule(bot) is not None
            taken.append(time.perf_counter() - begun)
        return statistics.median(taken)

    async def _on_time(self, recado: Recado) -> list[float]:
        """So many a second fall due, while everything runs."""
        many = self._rate * self._seconds
        first = recado.clock.now() + timedelta(seconds=2 + many / 200)
        await self._make(
            recado, [first + n * timedelta(seconds=1 / self._rate) for n in range(many)]
        )
        self._late.clear()
        await recado.start()
        await self._until(many)
        return list(self._late)

    async def _at_once(self, recado: Recado) -> float:
        """Ten seconds' worth falls due in one moment."""
        many = self._rate * 10
        at = recado.clock.now() + timedelta(seconds=2 + many / 200)
        await self._make(recado, [at] * many)
        self._late.clear()
        await self._until(many)
        return many / max(self._late)

    async def _until(self, many: int) -> None:
        async with asyncio.timeout(600):
            while len(self._late) < many:
                self._news.clear()
                await self._news.wait()


def _filled(statement: str, columns: Sequence[str], number: str) -> str:
    """A statement with the columns of a schedule, and their values in the copy with number n."""
    values = {
        "id": f"substr(id, 1, 28) || {number}",
        "next_at": "next_at + CAST(n AS bigint) * 1000000",
        "occurrence": "occurrence + CAST(n AS bigint) * 1000000",
    }
    return statement.format(
        names=", ".join(columns), values=", ".join(values.get(each, each) for each in columns)
    )


@contextmanager
def _databases(kind: str, directory: Path) -> Iterator[Iterator[str]]:
    """URLs of empty databases, one after the other."""
    if kind == "sqlite":
        yield (f"sqlite:///{directory / f'{number}.db'}" for number in range(100))
        return
    with postgres.server(directory) as server:

        def urls() -> Iterator[str]:
            for number in range(100):
                with psycopg.connect(server.url, autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE bench{number}".encode())
                yield urlsplit(server.url)._replace(path=f"/bench{number}").geturl()

        yield urls()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schedules", description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--few", type=int, default=1_000, help="schedules first")
    parser.add_argument("--many", type=int, default=1_000_000, help="schedules then")
    parser.add_argument("--rate", type=int, default=100, help="that fall due each second")
    parser.add_argument("--seconds", type=int, default=30, help="for so long")
    asked = parser.parse_args(arguments)
    console = Console(stderr=True)
    found = []
    with (
        tempfile.TemporaryDirectory() as directory,
        _databases(asked.store, Path(directory)) as urls,
    ):
        for count in (asked.few, asked.many):
            with console.status(f"{count:,} schedules …") if console.is_terminal else nullcontext():
                bench = Bench(next(urls), count, asked.rate, asked.seconds)
                found.append(asyncio.run(bench.measure()))
    _print(found, asked.store, asked.rate)
    return 0


def _print(found: Sequence[Figures], store: str, rate: int) -> None:
    table = Table(title=f"Schedules on {store}, {rate} a second", box=box.SIMPLE)
    names = ("schedules", "a look, ms", "late p50, ms", "p99", "longest", "at once, a second")
    for name in names:
        table.add_column(name, justify="right")
    for each in found:
        table.add_row(
            f"{each.count:,}",
            f"{each.look * 1e3:.3f}",
            f"{each.percentile(50) * 1e3:.1f}",
            f"{each.percentile(99) * 1e3:.1f}",
            f"{max(each.late) * 1e3:.1f}",
            f"{each.rate:,.0f}",
        )
    few, many = found
    table.add_row(
        "ratio",
        f"{many.look / few.look:.2f}",
        f"{many.percentile(50) / few.percentile(50):.2f}",
        f"{many.percentile(99) / few.percentile(99):.2f}",
        f"{max(many.late) / max(few.late):.2f}",
        f"{many.rate / few.rate:.2f}",
    )
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
