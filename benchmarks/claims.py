"""What a claim costs on PostgreSQL when much waits: ``python -m benchmarks.claims --help``.

A database is filled with references and one pending delivery to each, and cycles that claim and
settle are timed: on a small one, on a large one, and on the large one while another connection
holds a snapshot from before, so that the server can clear away nothing of what has been delivered
since. That is what a long report, a forgotten transaction or a backup does to a queue.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import postgres
from recado.database_url import PostgresAddress, read_database_url
from recado.domain.audience import EveryConversation
from recado.domain.delivery import Evidence, Outcome, State
from recado.store.port import Claim, Observed, Settlement, Wanted
from recado.store.postgres import PostgresStore
from recado.testing import make_notification, make_sighting

_BATCH: Final = 64
_ROUTES: Final = 100
_LEASE: Final = timedelta(seconds=30)


class Queue:
    """A database with as many references as deliveries that wait.

    Args:
        address: an empty database.
        count: how many.
    """

    def __init__(self, address: PostgresAddress, count: int) -> None:
        self._address = address
        self._count = count
        self._store = PostgresStore(address)
        self._ended: Sequence[Settlement] = ()
        self._after = 0

    async def fill(self) -> None:
        """Make everything that waits, by SQL: a million captures take an hour."""
        await self._store.open()
        (first,) = await self._store.capture([make_sighting("a:0")])
        notification = make_notification(
            "hello", audience=EveryConversation(), accepted_at=self._store.clock.now()
        )
        await self._store.accept(notification, [])
        await self._store.expand(self._store.clock.now(), 10)
        await self._store.close()
        with psycopg.connect(self._address.dsn, autocommit=True) as connection:
            for statement in _FILL:
                connection.execute(
                    statement, {"count": self._count, "first": first.number, "routes": _ROUTES}
                )
        await self._store.open()

    async def cycles(self, many: int) -> list[float]:
        """Seconds of each of so many cycles, each settling what the one before has claimed."""
        taken = []
        for _ in range(many):
            now = self._store.clock.now()
            begun = time.perf_counter()
            cycled = await self._store.cycle(
                self._ended,
                owner="benchmark",
                now=now,
                lease_until=now + _LEASE,
                wanted=Wanted(limit=_BATCH, after=self._after),
                observed=Observed(),
            )
            taken.append(time.perf_counter() - begun)
            assert len(cycled.claims) == _BATCH
            self._after = cycled.claims[-1].route  # the routes take turns
            self._ended = [_delivered(claim) for claim in cycled.claims]
        return taken

    async def close(self) -> None:
        """Put it away."""
        await self._store.close()


#: Copies of what was made properly, spread over some routes.
_FILL: Final = (
    """
    INSERT INTO recado_reference (
        id, bot, channel, conversation_id, pace_key, service_url, tenant_id, is_group, address,
        health, first_seen, last_seen, raw
    )
    SELECT id || '-' || n, bot, channel, conversation_id || n, pace_key || n, service_url,
        'tenant-' || n %% %(routes)s, is_group, address, health, first_seen, last_seen, raw
    FROM recado_reference, generate_series(1, %(count)s - 1) AS n WHERE number = %(first)s
    """,
    """
    INSERT INTO recado_delivery (id, notification, reference, state, priority, rank, entry)
    SELECT overlay(d.id PLACING lpad(to_hex(r.number), 8, '0') FROM 29), d.notification, r.number,
        d.state, d.priority, d.rank, d.entry
    FROM recado_delivery AS d, recado_reference AS r WHERE r.number <> d.reference
    """,
    """
    INSERT INTO recado_lane (reference, route, priority, ready_at)
    SELECT r.number, r.route, l.priority, l.ready_at + r.number
    FROM recado_lane AS l, recado_reference AS r WHERE r.number <> l.reference
    """,
    "ANALYZE",
)


def _delivered(claim: Claim) -> Settlement:
    return Settlement(
        claim=claim,
        state=State.DELIVERED,
        reason=None,
        ended_at=claim.started_at,
        outcome=Outcome.DELIVERED,
        evidence=Evidence(status=200, activity_id="1"),
    )


async def _measure(server: str, name: str, count: int, many: int, *, held: int) -> list[float]:
    """Seconds of the last *many* cycles.

    Args:
        server: its URL.
        name: of the database to make.
        count: what waits.
        many: how many cycles are measured.
        held: deliveries that are made first, while another connection holds a snapshot; 0 for
            none, and no snapshot.
    """
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    address = read_database_url(urlsplit(server)._replace(path=f"/{name}").geturl())
    assert isinstance(address, PostgresAddress)
    queue = Queue(address, count)
    await queue.fill()
    with psycopg.connect(address.dsn) as other:
        if held:
            other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            other.execute("SELECT count(*) FROM recado_secret")
            await queue.cycles(held // _BATCH)
        else:
            await queue.cycles(20)
        taken = await queue.cycles(many)
    await queue.close()
    return taken


def main() -> int:
    """Print the table; 1 when claims on the large database are not flat."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims", description=__doc__)
    parser.add_argument("--small", type=int, default=20_000, help="deliveries that wait")
    parser.add_argument("--large", type=int, default=1_000_000, help="deliveries that wait")
    parser.add_argument("--held", type=int, default=200_000, help="delivered under a snapshot")
    parser.add_argument("--cycles", type=int, default=200, help="that are measured")
    given = parser.parse_args()
    console = Console()
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory, postgres.server(Path(directory)) as server:
        for what, count, held in (
            (f"{given.small:,} wait", given.small, 0),
            (f"{given.large:,} wait", given.large, 0),
            (
                f"{given.large:,} wait, {given.held:,} delivered under a snapshot",
                given.large,
                given.held,
            ),
        ):
            with console.status(what):
                found[what] = asyncio.run(
                    _measure(server.url, f"q{len(found)}", count, given.cycles, held=held)
                )
    table = Table(title=f"Cycles that claim and settle {_BATCH}", box=box.SIMPLE_HEAD)
    table.add_column("")
    for heading in ("p50 ms", "p99 ms", "longest ms"):
        table.add_column(heading, justify="right")
    for what, taken in found.items():
        ordered = sorted(taken)
        told = (statistics.median(ordered), ordered[int(len(ordered) * 0.99)], ordered[-1])
        table.add_row(what, *(f"{seconds * 1000:.1f}" for seconds in told))
    console.print(table)
    first, *others = (statistics.median(taken) for taken in found.values())
    return int(any(other > 1.5 * first for other in others))


if __name__ == "__main__":
    sys.exit(main())
