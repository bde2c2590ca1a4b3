"""The pace in simulated time: each scenario plays on a stage and tells its figures.

``make test`` plays the same scenarios in short (``tests/engine/test_pace.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from proofs.stage import FAR, NEAR, TENANT, Stage
from recado.testing import TEAMS, HandClock, Latency, RateLimits, permitted

#: A channel nobody has published figures of.
UNPUBLISHED: Final = "sms"
_ITS_LIMITS: Final = RateLimits.of(send="5/1s 100/1m", tenant="")

#: Seconds simulated before what was said is forgotten: it is counted already.
_FORGET: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What a scenario came to.

    Attributes:
        what: the scenario.
        taken: requests the channel let through.
        permitted: how many no sender could exceed.
        refused: how often it answered 429.
        at_least: the part that is claimed; 0 for none.
        at_most: how many 429s are claimed not to be exceeded; None for no claim.
    """

    what: str
    taken: int
    permitted: float
    refused: int
    at_least: float = 0.0
    at_most: int | None = 0

    @property
    def part(self) -> float:
        """The part of what is permitted that was used."""
        return self.taken / self.permitted

    @property
    def holds(self) -> bool:
        """Whether what is claimed is true."""
        return self.part >= self.at_least and (self.at_most is None or self.refused <= self.at_most)


def _trip(latency: Latency) -> str:
    return f"{latency.mean * 1000:g}" + (
        f" ± {latency.spread * 1000:g} ms" if latency.spread else " ms"
    )


async def _run(stage: Stage, seconds: float) -> None:
    """Let time pass, and forget what was said meanwhile."""
    while seconds > 0:
        await stage.pass_time(min(seconds, _FORGET))
        seconds -= _FORGET
        for room in stage.channel.world.rooms.values():
            room.said.clear()
        stage.channel.record.texts.clear()
        stage.channel.record.requests.clear()


async def one_conversation(
    clock: HandClock, seconds: float = 3600, latency: Latency = NEAR
) -> Figure:
    """A conversation with more to say than an hour allows."""
    stage = Stage(clock, latency=latency)
    most = permitted(TEAMS.send, seconds)
    async with stage.playing():
        (here,) = await stage.meet("a:1")
        await stage.pile_up(int(most) + 100, here)
        await _run(stage, seconds)
        return Figure(
            what=f"one conversation, {_trip(latency)}",
            taken=stage.channel.judge.count("a:1"),
            permitted=most,
            refused=stage.refused,
            at_least=0.98 if latency.mean <= 0.005 else 0.0,
        )


async def tenant(
    clock: HandClock, seconds: float = 3600, latency: Latency = NEAR, conversations: int = 500
) -> Figure:
    """A tenant with hundreds of conversations, each of which has something to say."""
    stage = Stage(clock, latency=latency)
    most = permitted(TEAMS.tenant, seconds)
    async with stage.playing():
        await stage.meet(*(f"a:{number}" for number in range(conversations)))
        await stage.pile_up(int(most / conversations) + 2)
        await _run(stage, seconds)
        return Figure(
            what=f"tenant of {conversations}, {_trip(latency)}",
            taken=stage.channel.judge.count_in(TENANT),
            permitted=most,
            refused=stage.refused,
            at_least=0.98 if latency.mean <= 0.005 else 0.0,
        )


async def two_threads(clock: HandClock, seconds: float = 3600) -> Figure:
    """Two threads of a Teams channel, which share its windows."""
    stage = Stage(clock)
    most = permitted(TEAMS.send, seconds)
    async with stage.playing():
        team = stage.channel.team("Sales", ["ana"])
        threads = [f"{team.id};messageid={number}" for number in (1, 2)]
        rooms = [stage.channel.group(each, ["ana"], kind="channel") for each in threads]
        for thread in await stage.know(*rooms):
            await stage.pile_up(int(most), thread)
        await _run(stage, seconds)
        return Figure(
            what="two threads of a channel",
            taken=stage.channel.judge.count(team.id),
            permitted=most,
            refused=stage.refused,
            at_least=0.98,
        )


async def crashes(
    clock: HandClock,
    path: Path,
    *,
    kills: int = 20,
    every: float = 7.3,
    latency: Latency = FAR,
) -> Figure:
    """A tenant at full pace whose process is killed again and again."""
    stage = Stage(clock, latency=latency, path=path)
    async with stage.playing():
        (here, *_) = await stage.meet(*(f"a:{number}" for number in range(100)))
        await stage.pile_up(int(50 * every * kills / 100) + 2)
        # One of them would have more to say than its own windows allow as well.
        await stage.pile_up(int(3 * every * kills), here)
        for _ in range(kills):
            await stage.pass_time(every)
            await stage.crash(0.2)
        return Figure(
            what=f"killed {kills} times at full pace, {_trip(latency)}",
            taken=stage.channel.judge.count_in(TENANT),
            permitted=permitted(TEAMS.tenant, every * kills),
            refused=stage.refused,
        )


async def conversation_crashes(
    clock: HandClock, path: Path, *, kills: int = 20, every: float = 7.3
) -> Figure:
    """One conversation at full pace whose process is killed again and again."""
    stage = Stage(clock, path=path)
    async with stage.playing():
        (here,) = await stage.meet("a:1")
        await stage.pile_up(int(2 * every * kills) + 100, here)
        for _ in range(kills):
            await stage.pass_time(every)
            await stage.crash(0.2)
        return Figure(
            what=f"one conversation, killed {kills} times",
            taken=stage.channel.judge.count("a:1"),
            permitted=permitted(TEAMS.send, every * kills),
            refused=stage.refused,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Figures beside a second sender, and when the 429s were, in seconds after it began."""

    before: Figure
    beside: Figure
    after: Figure
    refused_at: list[float] = field(default_factory=list)

    @property
    def most_in_a_second(self) -> int:
        """The most 429s that fell into one second."""
        times = self.refused_at
        return max((sum(at <= other < at + 1 for other in times) for at in times), default=0)


async def rival(  # noqa: PLR0913 - one fact each
    clock: HandClock,
    *,
    rate: float = 20,
    before: float = 60,
    seconds: float = 600,
    recovery: float = 180,
    after: float = 60,
) -> Beside:
    """A second sender takes part of a tenant's budget for a while."""
    stage = Stage(clock)
    per_second = TEAMS.tenant[0].limit
    async with stage.playing():
        await stage.meet(*(f"a:{number}" for number in range(500)))
        await stage.pile_up(int((before + seconds + recovery + after) * per_second / 500) + 2)

        async def phase(what: str, passing: float, rate: float, least: float) -> Figure:
            taken, refused = stage.channel.record.taken, stage.refused
            await _run(stage, passing)
            return Figure(
                what=what,
                taken=stage.channel.record.taken - taken,
                permitted=rate * passing,
                refused=stage.refused - refused,
                at_least=least,
                at_most=None if least < 0.9 else 0,
            )

        first = await phase("before a second sender", before, per_second, 0.98)
        begun = clock.now()
        stage.channel.rival(rate, seconds=seconds, tenant=TENANT)
        second = await phase(f"beside one of {rate:g} a second", seconds, per_second - rate, 0.6)
        await _run(stage, recovery)
        third = await phase(f"{recovery:g} s after it", after, per_second, 0.97)
        refused_at = [
            (each.at - begun) / timedelta(seconds=1) for each in stage.channel.judge.excesses
        ]
        return Beside(before=first, beside=second, after=third, refused_at=refused_at)


async def unpublished(clock: HandClock, seconds: float = 600) -> Beside:
    """A channel without published figures: unlimited until it answers 429."""
    stage = Stage(clock, channel=UNPUBLISHED, limits=_ITS_LIMITS)
    async with stage.playing():
        (here,) = await stage.meet("a:1")
        await stage.pile_up(int(seconds * 2) + 100, here)
        begun = clock.now()
        await _run(stage, seconds)
        figure = Figure(
            what="a channel without figures",
            taken=stage.channel.judge.count("a:1"),
            permitted=permitted(_ITS_LIMITS.send, seconds),
            refused=stage.refused,
            at_least=0.5,
            at_most=None,
        )
        refused_at = [
            (each.at - begun) / timedelta(seconds=1) for each in stage.channel.judge.excesses
        ]
        return Beside(before=figure, beside=figure, after=figure, refused_at=refused_at)
