"""What the check of consent costs a claim: ``python -m benchmarks.consent --help``.

A database is filled with people, each in a private chat, and with what they have said. Then the
check is made for batches of deliveries to people chosen at random, as a claim makes it: while
nobody has said anything, while all have agreed, while one of all has refused, and while all have.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import postgres
from recado.database_url import PostgresAddress, read_database_url
from recado.domain.politeness import NO_RULES
from recado.store.postgres import PostgresStore
from recado.store.session import Session
from recado.store.sqlite import SqliteStore
from recado.store.verbs.gate import Leaving, Manner, consent

_BATCH: Final = 64
_MANNER: Final = Manner("local", "now", None, None, "prices", 0, 0, None, None, None)

#: Written alike for both databases; the first takes how many people there are.
_PEOPLE: Final = (
    """
    INSERT INTO recado_reference (
        id, bot, channel, conversation_id, pace_key, service_url, conversation_type, is_group,
        address, health, first_seen, last_seen, raw, route
    )
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {people})
    SELECT 'id' || i, 'local', 'msteams', 'a:' || i, 'a:' || i, 'https://x.example/', 'personal',
        1 = 0, '{{}}', 'active', 0, 0, '{{}}', 0 FROM n
    """,
    """
    INSERT INTO recado_member (reference, user_id, aad_object_id, email, last_seen)
    SELECT number, '29:' || number, 'aad-' || number, 'p' || number || '@example.com', 0
    FROM recado_reference
    """,
)
#: Each situation, and what leads to it.
_SAID: Final[dict[str, Sequence[str]]] = {
    "nobody has said anything": (),
    "all have agreed": (
        """
        INSERT INTO recado_consent_now (
            bot, identity, kind, channel, category, about, said, at
        ) SELECT 'local', email, 'person', '', '', 'consent', 'in', 1 FROM recado_member
        """,
    ),
    "and one has refused": (
        "UPDATE recado_consent_now SET said = 'out' WHERE identity = 'p1@example.com'",
    ),
    "all have refused": ("UPDATE recado_consent_now SET said = 'out'",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one check of a batch came to.

    Attributes:
        situation: what people had said.
        stopped: how many of the last batch may not leave.
        wall: milliseconds, the median.
        cpu: milliseconds of CPU of this process, the median.
        again: milliseconds of the same once more, when what it reads is at hand.
    """

    situation: str
    stopped: int
    wall: float
    cpu: float
    again: float


def _leaving(lane: int) -> Leaving:
    return Leaving(str(lane), lane, 1, is_group=False, maybe_sent=False, manner=_MANNER)


async def check(store: SqliteStore | PostgresStore, situation: str, people: int) -> Measured:
    """Check batches of deliveries to people chosen at random."""
    chance = random.Random(7)

    async def work(db: Session) -> tuple[list[list[float]], int]:
        taken: list[list[float]] = [[], [], []]
        stopped = 0
        for _ in range(200):
            lanes = [chance.randint(1, people) for _ in range(_BATCH)]
            leaving = [_leaving(lane) for lane in lanes]
            begun, used = time.perf_counter(), time.process_time()
            stopped = len(await consent.check(db, leaving, NO_RULES, 2))
            taken[0].append(time.perf_counter() - begun)
            taken[1].append(time.process_time() - used)
            begun = time.perf_counter()
            await consent.check(db, leaving, NO_RULES, 2)
            taken[2].append(time.perf_counter() - begun)
        return taken, stopped

    taken, stopped = await store._write(work)  # noqa: SLF001 - the check is measured without a claim around it
    wall, cpu, again = (statistics.median(each) * 1000 for each in taken)
    return Measured(situation=situation, stopped=stopped, wall=wall, cpu=cpu, again=again)


async def measure(store: SqliteStore | PostgresStore, connect: Any, people: int) -> list[Measured]:
    """Everything, on one database."""
    await store.open()
    found = []
    with closing(connect()) as connection:
        for statement in _PEOPLE:
            connection.execute(statement.format(people=people))
        for situation, statements in _SAID.items():
            for statement in statements:
                connection.execute(statement)
            connection.execute("ANALYZE")
            found.append(await check(store, situation, people))
    await store.close()
    return found


def sqlite_file(path: Path) -> tuple[SqliteStore, Any]:
    """A store in a file, and a connection beside it."""
    return SqliteStore(path), lambda: sqlite3.connect(path, isolation_level=None)


def server(url: str) -> tuple[PostgresStore, Any]:
    """A store on a server, and a connection beside it."""
    address = read_database_url(url)
    assert isinstance(address, PostgresAddress)
    return PostgresStore(address), lambda: psycopg.connect(url, autocommit=True)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.consent", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000, help="who have said something")
    parser.add_argument("--stores", nargs="+", default=["sqlite", "postgres"])
    given = parser.parse_args()
    console = Console()
    for name in given.stores:
        with ExitStack() as stack:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            if name == "sqlite":
                store: tuple[Any, Any] = sqlite_file(place / "recado.db")
            else:
                store = server(stack.enter_context(postgres.server(place)).url)
            found = asyncio.run(measure(*store, given.people))
        title = f"{name}: consent of {_BATCH} deliveries, {given.people:,} people"
        table = Table(title=title, box=box.SIMPLE_HEAD)
        table.add_column("")
        for heading in ("p50 ms", "CPU p50 ms", "again p50 ms", "stopped"):
            table.add_column(heading, justify="right")
        for each in found:
            row = (f"{each.wall:.3f}", f"{each.cpu:.3f}", f"{each.again:.3f}", str(each.stopped))
            table.add_row(each.situation, *row)
        console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
