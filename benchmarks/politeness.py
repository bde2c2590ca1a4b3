"""What politeness costs a broadcast: ``python -m benchmarks.politeness --help``.

The same broadcast is claimed and settled, without a channel, under different rules: none, hours
that are open, caps that have room, both, and none while somebody somewhere has hours of their own.
They take turns, a few cycles each, so that whatever else the machine does happens to all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
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
from recado.domain.audience import EveryConversation, Person
from recado.domain.delivery import Evidence, Outcome, State
from recado.domain.politeness import NO_RULES, Rules
from recado.domain.politeness.counting import cap_of
from recado.domain.recipient import Change
from recado.domain.reference import Member
from recado.store.port import Claim, Observed, Settlement, Store, Wanted
from recado.store.postgres import PostgresStore
from recado.store.sqlite import SqliteStore
from recado.testing import make_notification, make_sighting

_BATCH: Final = 64
_CAPTURED: Final = 500
_LEASE: Final = timedelta(seconds=30)

_STORES: Final = ("sqlite", "postgres")

#: Nothing of this holds anything back: what is measured is that it is looked at.
_HOURS: Final = Rules(quiet="mon 00:00-00:01", windows={"prices": "mon-sun 09:00-18:00"})
_CAPS: Final = Rules(caps={"": cap_of("10/day"), "*": cap_of("3/day")})
_BOTH: Final = Rules(quiet=_HOURS.quiet, caps=_CAPS.caps, interval=timedelta(seconds=60))


class Broadcast:
    """A broadcast that waits in a database of its own, and how long its cycles have taken."""

    def __init__(self, store: Store, rules: Rules) -> None:
        self._store = store
        self._rules = rules
        self._ended: Sequence[Settlement] = ()
        self.wall: list[float] = []
        self.cpu: list[float] = []

    async def fill(self, count: int, *, someone: bool) -> None:
        """Make the people and what waits for them; whether somebody has hours of their own."""
        await self._store.open()
        now = self._store.clock.now()
        for begin in range(0, count, _CAPTURED):
            await self._store.capture(
                [
                    make_sighting(
                        f"a:{n}",
                        at=now,
                        timezone="Europe/Madrid",
                        members=(Member(user_id=f"29:{n}", aad_object_id=f"aad-{n}"),),
                    )
                    for n in range(begin, begin + _CAPTURED)
                ]
            )
        if someone:
            change = Change(quiet="22:00-08:00")
            await self._store.prefer("local", Person("nobody@example.com"), change, now)
        said = make_notification("hello", audience=EveryConversation(), accepted_at=now)
        await self._store.accept(said, [])
        while await self._store.expand(now, 1000):
            pass

    async def cycles(self, many: int) -> None:
        """Claim and settle so many batches."""
        for _ in range(many):
            now = self._store.clock.now()
            wall, cpu = time.perf_counter(), time.process_time()
            cycled = await self._store.cycle(
                self._ended,
                owner="benchmark",
                now=now,
                lease_until=now + _LEASE,
                wanted=Wanted(limit=_BATCH, rules=self._rules),
                observed=Observed(),
            )
            self.wall.append(time.perf_counter() - wall)
            self.cpu.append(time.process_time() - cpu)
            assert len(cycled.claims) == _BATCH, "something was held back"
            self._ended = [_delivered(claim) for claim in cycled.claims]

    async def close(self) -> None:
        """Put it away."""
        await self._store.close()


def _delivered(claim: Claim) -> Settlement:
    return Settlement(
        claim=claim,
        state=State.DELIVERED,
        reason=None,
        ended_at=claim.started_at,
        outcome=Outcome.DELIVERED,
        evidence=Evidence(status=200, activity_id="1"),
    )


_WAYS: Final[Mapping[str, tuple[Rules, bool]]] = {
    "no rules": (NO_RULES, False),
    "no rules, somebody has hours": (NO_RULES, True),
    "hours": (_HOURS, False),
    "caps": (_CAPS, False),
    "hours, caps and interval": (_BOTH, False),
}


async def _measure(stores: Mapping[str, Store], count: int) -> dict[str, Broadcast]:
    found = {what: Broadcast(stores[what], rules) for what, (rules, _) in _WAYS.items()}
    for what, each in found.items():
        await each.fill(count, someone=_WAYS[what][1])
    for _ in range(count // _BATCH // 5):
        for each in found.values():
            await each.cycles(5)
    for each in found.values():
        await each.close()
    return found


def _databases(server: str) -> dict[str, Store]:
    stores: dict[str, Store] = {}
    for number, what in enumerate(_WAYS):
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE polite{number}")
        address = read_database_url(urlsplit(server)._replace(path=f"/polite{number}").geturl())
        assert isinstance(address, PostgresAddress)
        stores[what] = PostgresStore(address)
    return stores


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables.

    Args:
        arguments: of the command line; this process's when left out.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.politeness", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="people the broadcast is for")
    parser.add_argument("--store", choices=_STORES, help="only this one")
    given = parser.parse_args(arguments)
    console = Console()
    for name in (given.store,) if given.store else _STORES:
        with ExitStack() as stack:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            stores: dict[str, Store]
            if name == "sqlite":
                stores = {what: SqliteStore(place / f"{n}.db") for n, what in enumerate(_WAYS)}
            else:
                stores = _databases(stack.enter_context(postgres.server(place)).url)
            found = asyncio.run(_measure(stores, given.count))
        table = Table(title=f"{name}: cycles that claim and settle {_BATCH}", box=box.SIMPLE_HEAD)
        table.add_column("")
        for heading in ("p50 ms", "CPU p50 ms", "CPU of each, µs"):
            table.add_column(heading, justify="right")
        for what, each in found.items():
            wall, cpu = (statistics.median(taken[5:]) for taken in (each.wall, each.cpu))
            each_us = cpu * 1e6 / _BATCH
            table.add_row(what, f"{wall * 1000:.2f}", f"{cpu * 1000:.2f}", f"{each_us:.1f}")
        console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
