"""Proof of the pace: in real time with real processes, and in simulated hours.

Run as ``python -m proofs.pace``; about four minutes. In real time the channel is a process of its
own that enforces Teams' windows as requests arrive, and ``recado serve`` sends to it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

from pyreqwest.client import ClientBuilder

from proofs import hours
from proofs.hours import Figure
from proofs.processes import Channel, accepting, channel, database_in, meet, serving
from proofs.report import Claim, Report, load
from proofs.stage import FAR, NEAR, TENANT
from recado.app import Recado
from recado.testing import TEAMS, permitted, simulate

#: Round trips on the wire; loopback itself takes about another millisecond.
_NEAR: Final = (0.003, 0.0)
_FAR: Final = (0.08, 0.04)
#: Conversations of a tenant.
_MANY: Final = 500
_PER_SECOND: Final = TEAMS.tenant[0].limit
#: Seconds after the first request before anything is measured.
_WARM_UP: Final = 2.0
_OTHER: Final = "tenant-2"


async def _fill(recado: Recado, url: str, seconds: float) -> None:
    """A tenant with something to say for so long."""
    await meet(recado, url, [f"a:{number}" for number in range(_MANY)], TENANT)
    for number in range(int(seconds * _PER_SECOND / _MANY) + 2):
        await recado.notify("all", f"{number:05d}")


async def _measure(fake: Channel, seconds: float) -> tuple[int, int]:
    """How many requests in the tenant are let through and refused, while that time passes."""
    ((), (before,)) = await fake.ask("counted", keys=[], tenants=[TENANT])
    refused = (await fake.ask("told"))["over_limit"]
    until = time.monotonic() + seconds
    await asyncio.sleep(until - time.monotonic())
    ((), (after,)) = await fake.ask("counted", keys=[], tenants=[TENANT])
    return after - before, (await fake.ask("told"))["over_limit"] - refused


async def _tenant(directory: Path, latency: tuple[float, float], seconds: float) -> list[Figure]:
    """A tenant at full pace, and a conversation of another one that has more to say than it may."""
    async with channel(enforce=True, latency=latency) as fake:
        database = database_in(directory)
        async with accepting(database) as recado:
            await meet(recado, fake.url, ["b:1"], _OTHER)
            for number in range(200):
                await recado.notify("conversation:b:1", f"{number:05d}")
            await _fill(recado, fake.url, seconds + 10)
        async with serving(database):
            await fake.until_asked(1)
            began = time.monotonic()
            await asyncio.sleep(_WARM_UP)
            taken, refused = await _measure(fake, seconds)
            ((spoken,), ()) = await fake.ask("counted", keys=["b:1"], tenants=[])
            passed = time.monotonic() - began
        near = latency == _NEAR
        return [
            Figure(
                what=f"tenant of {_MANY}, {_named(latency)}",
                taken=taken,
                permitted=_PER_SECOND * seconds,
                refused=refused,
                at_least=0.98 if near else 0.0,
            ),
            Figure(
                what=f"one conversation, {_named(latency)}",
                taken=spoken,
                permitted=permitted(TEAMS.send, passed),
                refused=refused,
            ),
        ]


async def _killed(directory: Path, kills: int, every: float) -> list[Figure]:
    """A tenant at full pace, whose process is killed and started again at once."""
    async with channel(enforce=True, latency=_NEAR) as fake:
        database = database_in(directory)
        async with accepting(database) as recado:
            await _fill(recado, fake.url, kills * (every + 3))
        for _ in range(kills):
            async with serving(database):
                await fake.until_asked(1)
                await asyncio.sleep(every)
        told = await fake.ask("told")
        ((), (taken,)) = await fake.ask("counted", keys=[], tenants=[TENANT])
        return [
            Figure(
                what=f"killed with SIGKILL {kills} times at full pace",
                taken=taken,
                permitted=_PER_SECOND * kills * every,
                refused=told["over_limit"],
            )
        ]


async def _beside(directory: Path, seconds: float, recovery: float) -> list[Figure]:
    """A tenant at full pace, and a second sender that takes 20 a second for a while."""
    rate = 20
    async with channel(enforce=True, latency=_NEAR) as fake:
        database = database_in(directory)
        async with accepting(database) as recado:
            await _fill(recado, fake.url, seconds + recovery + 40)
        async with serving(database):
            await fake.until_asked(1)
            await asyncio.sleep(_WARM_UP)
            before, _ = await _measure(fake, 5)
            await fake.ask("rival", rate=rate, seconds=seconds, tenant=TENANT)
            both, refused = await _measure(fake, seconds)
            await asyncio.sleep(recovery)
            after, later = await _measure(fake, 10)
        # The judge counts the second sender's requests, too, and it is always let in first.
        ours = both - int(rate * seconds)
        return [
            Figure(
                what="before a second sender", taken=before, permitted=_PER_SECOND * 5, refused=0
            ),
            Figure(
                what=f"beside one of {rate} a second",
                taken=ours,
                permitted=(_PER_SECOND - rate) * seconds,
                refused=refused,
                at_most=12,
            ),
            Figure(
                what=f"{recovery:g} s after it",
                taken=after,
                permitted=_PER_SECOND * 10,
                refused=later,
                at_least=0.95,
            ),
        ]


async def _naive(many: int) -> Figure:
    """What a loop over all conversations does, as most bots have it."""
    async with (
        channel(enforce=True, latency=_NEAR) as fake,
        ClientBuilder().no_proxy().build() as client,
    ):
        body = json.dumps(
            {"type": "message", "text": "hello", "conversation": {"tenantId": TENANT}}
        ).encode()
        lost = 0
        began = time.monotonic()
        for number in range(many):
            url = f"{fake.url.rstrip('/')}/v3/conversations/a:{number % _MANY}/activities"
            request = client.post(url).header("Content-Type", "application/json")
            response = await request.body_bytes(body).build().send()
            lost += response.status == 429
        seconds = time.monotonic() - began
        return Figure(
            what=f"a loop over {many:,} conversations",
            taken=many - lost,
            permitted=_PER_SECOND * seconds,
            refused=lost,
            at_most=None,
        )


def _named(latency: tuple[float, float]) -> str:
    return "near" if latency == _NEAR else "80 ± 40 ms"


# -- simulated hours -------------------------------------------------------------------------


def _hour(name: str, directory: str) -> list[Figure]:
    """One scenario, in a process of its own."""
    path = Path(directory) / f"{name.replace(' ', '-')}.db"
    plays: dict[str, Callable[[], list[Figure]]] = {
        "tenant": lambda: [simulate(hours.tenant)],
        "tenant far": lambda: [simulate(lambda clock: hours.tenant(clock, latency=FAR))],
        "rival": lambda: _phases(simulate(hours.rival)),
        "crashes": lambda: [simulate(lambda clock: hours.crashes(clock, path, latency=NEAR))],
        "crashes far": lambda: [simulate(lambda clock: hours.crashes(clock, path))],
        "conversation": lambda: [simulate(hours.one_conversation)],
        "conversation far": lambda: [
            simulate(lambda clock: hours.one_conversation(clock, latency=FAR))
        ],
        "conversation crashes": lambda: [
            simulate(lambda clock: hours.conversation_crashes(clock, path))
        ],
        "threads": lambda: [simulate(hours.two_threads)],
        "unpublished": lambda: [simulate(hours.unpublished).beside],
    }
    return plays[name]()


_HOURS: Final = (
    *("tenant", "tenant far", "rival", "crashes", "crashes far", "conversation"),
    *("conversation far", "conversation crashes", "threads", "unpublished"),
)


def _phases(told: hours.Beside) -> list[Figure]:
    return [told.before, told.beside, told.after]


# -- all of it -------------------------------------------------------------------------------


def _show(report: Report, title: str, figures: Sequence[Figure]) -> None:
    report.table(
        title,
        ("", "let through", "permitted", "part", "429s"),
        [
            (
                each.what,
                f"{each.taken:,}",
                f"{each.permitted:,.0f}",
                f"{each.part:.1%}",
                each.refused,
            )
            for each in figures
        ],
    )


def _claims(figures: Sequence[Figure]) -> list[Claim]:
    found = []
    for each in figures:
        parts = []
        if each.at_least:
            parts.append(f"at least {each.at_least:.0%} of what is permitted")
        if each.at_most is not None:
            parts.append("no 429" if not each.at_most else f"at most {each.at_most} 429s")
        if parts:
            told = f"{each.part:.1%}, {each.refused} 429s"
            found.append(Claim(f"{each.what}: {', '.join(parts)}", each.holds, told))
    return found


async def _real_time(directory: Path, seconds: float) -> list[Figure]:
    """All of it at the same time: each has its own channel, database and process."""
    played = await asyncio.gather(
        _tenant(directory, _NEAR, seconds),
        _tenant(directory, _FAR, seconds),
        _killed(directory, max(2, round(seconds / 6)), 4),
        _beside(directory, 10, 110),
    )
    return [figure for figures in played for figure in figures]


def main() -> int:
    """Play everything, print it, and say by the exit code whether all of it holds."""
    parser = argparse.ArgumentParser(prog="python -m proofs.pace", description=__doc__)
    parser.add_argument("--seconds", type=float, default=55, help="of real time to measure")
    parser.add_argument("--no-hours", action="store_true", help="leave the simulated hours out")
    told: Any = parser.parse_args()
    report = Report()
    report.say(f"Pace, in real time ({load()})")
    with tempfile.TemporaryDirectory(prefix="recado-proof-") as directory:
        figures = asyncio.run(_real_time(Path(directory), told.seconds))
        naive = asyncio.run(_naive(2_000))
        _show(report, "Real time, real processes", [*figures, naive])
        report.claims(_claims(figures))
        report.claims([Claim("the naive loop loses most of what it says", naive.refused > 1_000)])
        if not told.no_hours:
            report.say(f"\nPace, in simulated hours ({load()})")
            with ProcessPoolExecutor(2) as pool:
                played = pool.map(_hour, _HOURS, [directory] * len(_HOURS))
                simulated = [figure for figures in played for figure in figures]
            _show(report, "Simulated time", simulated)
            report.claims(_claims(simulated))
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
