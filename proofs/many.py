"""Proof of the pace across processes: four of them on one PostgreSQL, killed at random.

Run as ``python -m proofs.many``; about two minutes. The channel is a process of its own that
enforces Teams' windows as requests arrive. Every process delivers to several tenants, which have
more to say than is permitted, and replies to people in all of them; each is killed (SIGKILL) and
started again at random moments.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks import postgres
from proofs.processes import LOOK, ROOT, Channel, channel, clean, meet
from proofs.report import Claim, Report, load
from recado.app import Recado
from recado.config import Settings
from recado.testing import TEAMS

_PER_SECOND: Final = TEAMS.tenant[0].limit
#: Seconds after the first request before anything is measured.
_WARM_UP: Final = 3.0
#: Round trips on the wire, in seconds: mean and spread.
_LATENCY: Final = (0.003, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What is played.

    Attributes:
        seconds: measured.
        processes: that deliver and reply.
        tenants: how many conversations each of them has.
        every: seconds between kills, on average; 0 for none.
        replies: of each process, a second.
    """

    seconds: float = 60
    processes: int = 4
    tenants: Sequence[int] = (400, 200, 150)
    every: float = 6
    replies: float = 1.0


@dataclass(slots=True)
class Outcome:
    """What came of it.

    Attributes:
        taken: requests the channel let through, by tenant.
        seconds: how long that was.
        refused: how often it answered 429.
        kills: processes killed.
        deliveries: notifications that arrived.
        repeats: how many of them arrived once more.
        waits: how long replies took, in seconds.
    """

    taken: dict[str, int] = field(default_factory=dict)
    seconds: float = 0
    refused: int = 0
    kills: int = 0
    deliveries: int = 0
    repeats: int = 0
    waits: list[float] = field(default_factory=list)

    @property
    def part(self) -> float:
        """The part of what is permitted that was let through."""
        return sum(self.taken.values()) / (len(self.taken) * self.seconds * _PER_SECOND)

    def wait(self, part: float) -> float:
        """What this part of the replies took at most."""
        return sorted(self.waits)[int(part * (len(self.waits) - 1))] if self.waits else 0.0


class Member:
    """A process that is killed and started again.

    Args:
        told: what it is told; see :mod:`proofs.member`.
        waits: where it is noted how long its replies took.
        log: where its errors go.
    """

    def __init__(self, told: dict[str, Any], waits: list[float], log: Path) -> None:
        self._told = json.dumps(told)
        self._waits = waits
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "proofs.member",
                self._told,
                cwd=ROOT,
                env=clean(os.environ),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        self._reading = asyncio.create_task(self._read(self._process))

    async def kill(self) -> None:
        """End it as a power cut would."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()
        if self._reading is not None:
            await self._reading

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            wait, _ = json.loads(line)
            self._waits.append(wait)


async def play(play: Play, url: str, directory: Path, rng: random.Random) -> Outcome:
    """Play it on an empty database."""
    outcome = Outcome()
    async with channel(enforce=True, latency=_LATENCY) as fake:
        people = {
            f"tenant-{number}": [f"a:{number}:{each}" for each in range(many)]
            for number, many in enumerate(play.tenants)
        }
        await _fill(url, fake, people, play)
        told = {
            "database": url,
            "url": fake.url,
            "replies": play.replies,
            "people": [(each, tenant) for tenant, names in people.items() for each in names],
        }
        log = directory / "members.log"
        members = [Member(told, outcome.waits, log) for _ in range(play.processes)]
        async with _all(members):
            await fake.until_asked(1)
            await asyncio.sleep(_WARM_UP)
            await _measure(play, fake, list(people), members, outcome, rng)
        texts: dict[str, list[str]] = await fake.ask("texts")
        _count(texts, outcome)
    return outcome


async def _fill(url: str, fake: Channel, people: dict[str, list[str]], play: Play) -> None:
    """Everybody has more to be told than can be said meanwhile."""
    recado = Recado(Settings(database_url=url))
    await recado.open()
    try:
        for tenant, names in people.items():
            await meet(recado, fake.url, names, tenant)
        rounds = (play.seconds + 4 * _WARM_UP) * _PER_SECOND / min(play.tenants)
        for number in range(int(rounds) + 2):
            await recado.notify("all", f"{number:05d}")
    finally:
        await recado.stop()


@asynccontextmanager
async def _all(members: Sequence[Member]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for member in members:
            stack.push_async_callback(member.kill)
            await member.start()
        yield


async def _measure(  # noqa: PLR0913, PLR0917 - everything that is measured
    play: Play,
    fake: Channel,
    tenants: list[str],
    members: Sequence[Member],
    outcome: Outcome,
    rng: random.Random,
) -> None:
    began = time.monotonic()
    ((), before) = await fake.ask("counted", keys=[], tenants=tenants)
    until = began + play.seconds
    while (now := time.monotonic()) < until:
        pause = rng.uniform(0.2, 1.8) * play.every if play.every else play.seconds
        await asyncio.sleep(max(LOOK, min(pause, until - now)))
        if play.every and time.monotonic() < until:
            victim = rng.choice(members)
            await victim.kill()
            await victim.start()
            outcome.kills += 1
    outcome.seconds = time.monotonic() - began
    ((), after) = await fake.ask("counted", keys=[], tenants=tenants)
    outcome.taken = {
        tenant: late - early for tenant, early, late in zip(tenants, before, after, strict=True)
    }
    outcome.refused = (await fake.ask("told"))["over_limit"]


def _count(texts: dict[str, list[str]], outcome: Outcome) -> None:
    for said in texts.values():
        told = Counter(text for text in said if not text.startswith("reply"))
        outcome.deliveries += len(told)
        outcome.repeats += sum(told.values()) - len(told)


def _show(report: Report, what: str, outcome: Outcome) -> None:
    rows = [
        (
            tenant,
            f"{taken:,}",
            f"{_PER_SECOND * outcome.seconds:,.0f}",
            f"{taken / (_PER_SECOND * outcome.seconds):.1%}",
        )
        for tenant, taken in outcome.taken.items()
    ]
    report.table(what, ("", "let through", "permitted", "part"), rows)
    report.say(
        f"{outcome.kills} kills, {outcome.refused} 429s, {outcome.deliveries:,} deliveries, "
        f"{outcome.repeats} repeats, {len(outcome.waits)} replies that took "
        f"{outcome.wait(0.5):.2f} s (median), {outcome.wait(0.95):.2f} s (95 %), "
        f"{outcome.wait(1):.2f} s at most"
    )


def main() -> int:
    """Play it, print it, and say by the exit code whether what is claimed holds."""
    parser = argparse.ArgumentParser(prog="python -m proofs.many", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="measured of each play")
    parser.add_argument("--every", type=float, default=8, help="seconds between kills, on average")
    parser.add_argument("--replies", type=float, default=1, help="of each process, a second")
    parser.add_argument("--seed", type=int, default=None, help="of when is killed, and whom")
    told: Any = parser.parse_args()
    seed = random.randrange(2**32) if told.seed is None else told.seed
    rng = random.Random(seed)
    report = Report()
    report.say(f"Pace across processes, seed {seed} ({load()})")
    plays = {
        "Four processes": Play(seconds=told.seconds, every=0, replies=told.replies),
        "Four processes, killed at random": Play(
            seconds=told.seconds, every=told.every, replies=told.replies
        ),
    }
    for what, each in plays.items():
        with (
            tempfile.TemporaryDirectory(prefix="recado-proof-") as directory,
            postgres.server(Path(directory)) as server,
        ):
            outcome = asyncio.run(play(each, server.url, Path(directory), rng))
        _show(report, what, outcome)
        report.claims(
            [
                Claim(f"{what}: no 429", outcome.refused == 0, f"{outcome.refused}"),
                Claim(
                    f"{what}: at least 95 % of what is permitted",
                    outcome.part >= 0.95,
                    f"{outcome.part:.1%}",
                ),
            ]
        )
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
