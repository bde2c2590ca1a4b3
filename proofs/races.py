"""Races: several processes do anything at the same time in one PostgreSQL database.

Run as ``python -m proofs.races``. Each game begins with an empty database and a seed of its own;
what is drawn can be played again with ``--seed``, though who comes first is up to the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from benchmarks import postgres
from proofs.racing import Game, HesitantStore
from proofs.report import Claim, Report, load
from recado.database_url import PostgresAddress, read_database_url
from recado.testing import HandClock

#: Empties a database of Recado's that nobody else uses.
_EMPTY: Final = """
TRUNCATE recado_delivery, recado_history, recado_attempt, recado_lane, recado_notification,
    recado_idempotency, recado_once, recado_copy, recado_pause, recado_pace, recado_send,
    recado_audit, recado_reference, recado_member, recado_offer
RESTART IDENTITY CASCADE
"""


@dataclass
class Played:
    """What came of some games."""

    games: int = 0
    verbs: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    #: What went wrong, with the seed it went wrong with.
    broken: list[str] = field(default_factory=list)


@asynccontextmanager
async def table(url: str, players: int) -> AsyncIterator[Table]:
    """A database that games are played in."""
    address = read_database_url(url)
    assert isinstance(address, PostgresAddress)
    clock = HandClock()
    async with AsyncExitStack() as stack:
        stores = [HesitantStore(address, clock) for _ in range(players)]
        for each in stores:
            await each.open()
            stack.push_async_callback(each.close)
        looker = await asyncpg.connect(address.dsn)
        stack.push_async_callback(looker.close)
        yield Table(stores, looker, clock)


class Table:
    """Where games are played."""

    def __init__(
        self, stores: list[HesitantStore], looker: asyncpg.Connection, clock: HandClock
    ) -> None:
        self._stores = stores
        self._looker = looker
        self._clock = clock

    async def play(self, played: Played, seed: int, rounds: int, lanes: int = 3) -> None:
        """Play one game, and add what came of it."""
        await self._looker.execute(_EMPTY)
        game = Game(self._stores, self._looker, self._clock, lanes=lanes, seed=seed)
        try:
            played.states += (await game.play(rounds)).states
        except AssertionError as error:
            lately = ", ".join(list(game.board.lately)[-40:]) if game.board else ""
            played.broken.append(f"seed {seed}: {error}\n    after {lately}")
        played.games += 1
        if game.board is not None:
            played.verbs += game.board.done


async def _play(told: Any) -> Played:
    played = Played()
    with (
        tempfile.TemporaryDirectory(prefix="recado-races-") as directory,
        postgres.server(Path(directory), "fsync=off") as server,
    ):
        async with table(server.url, told.players) as where:
            for seed in range(told.seed, told.seed + told.games):
                await where.play(played, seed, told.rounds, told.lanes)
    return played


def main() -> int:
    """Play, print what came of it, and say by the exit code whether all of it holds."""
    parser = argparse.ArgumentParser(prog="python -m proofs.races", description=__doc__)
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--players", type=int, default=4, help="processes")
    parser.add_argument("--lanes", type=int, default=3)
    parser.add_argument("--seed", type=int, default=20261127)
    told: Any = parser.parse_args()
    report = Report()
    report.say(f"Races with seeds from {told.seed} ({load()})")
    began = time.monotonic()
    played = asyncio.run(_play(told))
    report.table(
        f"{played.games} games of {told.players} processes over {told.lanes} lanes in "
        f"{time.monotonic() - began:.0f} s",
        ("", "how many"),
        [
            *((name, f"{many:,}") for name, many in sorted(played.verbs.items())),
            *((f"deliveries {name}", f"{many:,}") for name, many in sorted(played.states.items())),
        ],
    )
    for each in played.broken:
        report.say(each)
    verbs = sum(played.verbs.values())
    figures = f"{len(played.broken)} of {played.games} games broken, {verbs:,} verbs"
    report.claims([Claim("rows agree, whoever comes in between", not played.broken, figures)])
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
