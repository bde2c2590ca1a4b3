"""Promise 4: the channel's pace, from the store to the channel, in simulated time.

What is claimed of hours is played here in minutes; ``make proof`` plays the hours themselves.
The channel counts arrivals for itself and refuses what is too many.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from proofs import hours
from proofs.stage import FAR, NEAR, TENANT, Stage
from recado.domain.delivery import Priority
from recado.testing import FOR_EVER, HandClock, Latency, faults, simulate

#: Seconds between two requests of a tenant at its full rate.
SLOT = 1 / 50


def arrivals(stage: Stage, conversation: str) -> list[float]:
    """When requests to a conversation arrived, in seconds on the clock's own scale."""
    return [each.arrived_at.timestamp() for each in stage.channel.record.of(conversation)]


# -- as much as is allowed, and nothing over it ----------------------------------------------


def test_a_conversation_gets_its_hour_and_no_429() -> None:
    """1,800 messages; the shorter windows bind before that, so it is the whole hour that counts."""
    figure = simulate(hours.one_conversation)
    assert figure.refused == 0
    assert figure.part >= 0.98, figure


@pytest.mark.parametrize(("latency", "least"), [(NEAR, 0.98), (FAR, 0.9)])
def test_a_tenant_gets_its_fifty_a_second_and_no_429(latency: Latency, least: float) -> None:
    """Spread over hundreds of conversations. Far away, what is under way takes its share."""
    figure = simulate(lambda clock: hours.tenant(clock, 60, latency))
    assert figure.refused == 0
    assert figure.part >= least, figure


def test_threads_of_a_channel_share_its_pace() -> None:
    """Two lanes, one pace key: together they are as fast as one."""
    figure = simulate(lambda clock: hours.two_threads(clock, 120))
    assert figure.refused == 0
    assert figure.part >= 0.98, figure


def test_threads_of_a_channel_take_turns() -> None:
    """Also when only one at a time may leave, as after a 429."""

    async def main(clock: HandClock) -> list[str]:
        stage = Stage(clock)
        async with stage.playing():
            team = stage.channel.team("Sales", ["ana"])
            names = [f"{team.id};messageid={number}" for number in range(5)]
            rooms = [stage.channel.group(each, ["ana"], kind="channel") for each in names]
            for each in await stage.know(*rooms):
                await stage.pile_up(20, each)
            stage.channel.fail(faults.throttled(2), conversation=team.id)
            await stage.pass_time(60)
            return [each.conversation or "" for each in stage.channel.record.requests]

    said = Counter(simulate(main)[-50:])
    assert len(said) == 5
    assert max(said.values()) - min(said.values()) <= 3, said


# -- replies and urgent notifications ---------------------------------------------------------


@pytest.mark.parametrize("latency", [NEAR, FAR])
def test_a_reply_does_not_wait_behind_a_broadcast(latency: Latency) -> None:
    """It takes the next slot, whoever had that: mostly within one, always within a few."""

    async def main(clock: HandClock) -> tuple[list[float], int]:
        stage, rng = Stage(clock, latency=latency), random.Random(5)  # noqa: S311 - moments
        async with stage.playing():
            await stage.meet(*(f"a:{number}" for number in range(500)))
            await stage.meet(*(f"a:person {number}" for number in range(20)))
            await stage.pile_up(12)
            await stage.pass_time(3)
            waits = []
            for number in range(150):
                begun = clock.now()
                assert (await stage.reply(f"a:person {number % 20}")).ok
                waits.append((clock.now() - begun) / timedelta(seconds=1))
                await stage.pass_time(rng.uniform(0.1, 1.0))
            return sorted(waits), stage.refused

    waits, refused = simulate(main)
    trip = latency.mean + latency.spread
    assert refused == 0
    assert waits[len(waits) // 2] <= SLOT + trip
    assert waits[-1] <= 0.1 + trip + SLOT


def test_an_urgent_notification_overtakes_a_broadcast() -> None:
    """It leaves with the next few, while thousands wait."""

    async def main(clock: HandClock) -> tuple[list[float], int]:
        stage = Stage(clock)
        async with stage.playing():
            await stage.meet(*(f"a:{number}" for number in range(500)))
            await stage.pile_up(12)
            (urgent,) = await stage.meet("a:urgent")
            await stage.pass_time(3)
            waits = []
            for number in range(20):
                begun = clock.now().timestamp()
                await stage.say(f"{number}", urgent, priority=Priority.URGENT)
                await stage.pass_time(1.5)
                waits.append(arrivals(stage, "a:urgent")[-1] - begun)
            return waits, stage.refused

    waits, refused = simulate(main)
    assert refused == 0
    assert max(waits) <= 0.2


# -- after a 429 ------------------------------------------------------------------------------


def test_a_429_pauses_its_pace_key_alone() -> None:
    """Threads of that channel wait as long as was asked for, everybody else goes on."""

    async def main(clock: HandClock) -> dict[str, list[float]]:
        stage = Stage(clock)
        async with stage.playing():
            team = stage.channel.team("Sales", ["ana"])
            names = [f"{team.id};messageid=1", f"{team.id};messageid=2"]
            rooms = [stage.channel.group(each, ["ana"], kind="channel") for each in names]
            for each in [*await stage.know(*rooms), *await stage.meet("a:other")]:
                await stage.pile_up(30, each)
            await stage.pass_time(1)
            stage.channel.fail(faults.throttled(20), conversation=team.id)
            await stage.pass_time(30)
            (refused,) = [each for each in stage.channel.record.requests if each.status == 429]
            since = refused.arrived_at.timestamp()
            return {
                name: [at - since for at in arrivals(stage, name) if at > since]
                for name in [*names, "a:other"]
            }

    after = simulate(main)
    *threads, other = after.values()
    assert min(min(each) for each in threads) >= 20
    assert other[0] < 2
    assert len([at for at in other if at < 20]) >= 15


def test_429s_in_three_pace_keys_pause_the_tenant_and_no_other() -> None:
    """Within two seconds; the other tenant does not notice."""

    async def main(clock: HandClock) -> tuple[list[float], list[float], set[str]]:
        stage = Stage(clock)
        async with stage.playing():
            here = [f"a:{number}" for number in range(100)]
            await stage.meet(*here)
            there = [f"b:{number}" for number in range(100)]
            await stage.meet(*there, tenant="tenant-2")
            await stage.pile_up(60)
            await stage.pass_time(2)
            for name in here[:3]:
                stage.channel.fail(faults.throttled(10), conversation=name)
            since = clock.now().timestamp()
            await stage.pass_time(25)
            refused = [each for each in stage.channel.record.requests if each.status == 429]
            last = max(each.arrived_at.timestamp() for each in refused)
            at_here = [at - last for name in here for at in arrivals(stage, name) if at > last]
            at_there = [at - last for name in there for at in arrivals(stage, name) if at > last]
            assert last - since < 3
            return sorted(at_here), sorted(at_there), {each.tenant for each in refused}

    here, there, refused = simulate(main)
    assert refused == {TENANT}
    # Four were under way when the third answer came.
    assert not [at for at in here if 0.1 < at < 10]
    assert [at for at in here if at > 10]
    gaps = [later - earlier for earlier, later in itertools.pairwise(there)]
    assert max(gaps) < 0.5


def test_429s_without_a_word_for_how_long_do_not_become_a_storm() -> None:
    """A conversation that is always refused is asked less and less often."""

    async def main(clock: HandClock) -> tuple[int, int]:
        stage = Stage(clock)
        async with stage.playing():
            (here, _) = await stage.meet("a:1", "a:2")
            await stage.pile_up(5)
            stage.channel.fail(
                faults.throttled(), conversation=here.key.conversation_id, times=FOR_EVER
            )
            await stage.pass_time(600)
            return len(arrivals(stage, "a:1")), len(arrivals(stage, "a:2"))

    refused, taken = simulate(main)
    assert taken == 5
    assert refused <= 40


def test_a_second_sender_is_made_room_for() -> None:
    """A few 429s when it comes and now and then beside it; then all of the rate is back."""
    told = simulate(lambda clock: hours.rival(clock, before=5, seconds=20, after=5))
    assert told.before.holds, told
    assert told.after.holds, told
    assert told.beside.part >= 0.4  # the first seconds are the worst, and these are few
    assert len(told.refused_at) <= 12
    assert told.most_in_a_second <= 6
    assert not [at for at in told.refused_at if at > 21]


def test_a_channel_without_figures_is_learned() -> None:
    """Unlimited until its first 429; from then on hardly ever refused, and used well."""
    told = simulate(lambda clock: hours.unpublished(clock, 300))
    assert told.beside.part >= 0.5
    assert told.beside.refused <= 10
    assert told.most_in_a_second <= 2


# -- crashes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("latency", [NEAR, FAR])
def test_a_tenant_is_not_refused_after_a_crash(tmp_path: Path, latency: Latency) -> None:
    """What the dead process had sent, and what it may have sent, is counted by the next one."""
    figure = simulate(
        lambda clock: hours.crashes(
            clock, tmp_path / "recado.db", kills=8, every=3.3, latency=latency
        )
    )
    assert figure.refused == 0
    assert figure.part >= 0.7


def test_a_conversation_is_not_refused_after_a_crash(tmp_path: Path) -> None:
    """Its half minute and its hour survive, as its second does."""
    figure = simulate(
        lambda clock: hours.conversation_crashes(clock, tmp_path / "recado.db", kills=12, every=3.1)
    )
    assert figure.refused == 0
    assert figure.part >= 0.7


def test_a_pause_survives_a_crash(tmp_path: Path) -> None:
    """A conversation that asked for a minute is left alone for it, whoever serves."""

    async def main(clock: HandClock) -> list[float]:
        stage = Stage(clock, path=tmp_path / "recado.db")
        async with stage.playing():
            (here,) = await stage.meet("a:1")
            stage.channel.fail(faults.throttled(60))
            await stage.pile_up(5, here)
            await stage.pass_time(1)
            await stage.crash()
            await stage.pass_time(100)
            return arrivals(stage, "a:1")

    first, *later = simulate(main)
    assert len(later) == 5
    assert min(later) - first >= 60


def test_replies_are_counted_across_a_crash(tmp_path: Path) -> None:
    """They go through the same windows, and into the same book within a quarter of a second."""

    async def main(clock: HandClock) -> tuple[int, int]:
        stage = Stage(clock, path=tmp_path / "recado.db")
        async with stage.playing():
            await stage.meet("a:1")
            for _ in range(8):
                replies = [stage.reply("a:1") for _ in range(30)]
                await stage.pass_time(4.17)
                for each in replies:
                    each.cancel()
                await stage.pass_time(0.25)
                await stage.crash()
            return stage.channel.judge.count("a:1"), stage.refused

    taken, refused = simulate(main)
    assert refused == 0
    assert taken >= 60
