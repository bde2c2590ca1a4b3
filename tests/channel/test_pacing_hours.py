"""An hour at full pace, in simulated time, before a judge that counts arrivals.

The figures are printed: ``pytest -s tests/channel/test_pacing_hours.py``.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from recado.channel.pacing import Pacer
from recado.channel.profiles import profiles
from recado.domain.reference import pace_key
from recado.testing import HandClock
from tests.channel.pace_kit import TEAMS_KEY, Judge, Sender, World, trips

HOUR = 3600.0
#: Round trips: the middle, what it varies by, and the part of the permitted rate to be reached.
TRIPS = [(0.005, 0.0, 0.98), (0.08, 0.04, 0.92)]


def rng_of(seed: int) -> random.Random:
    """Chance that is the same each time."""
    return random.Random(seed)  # noqa: S311 - jitter, not cryptography


def pacer_of(**parts: str | None) -> Callable[[HandClock], Pacer]:
    """Makes a pacer of Teams' pace, but for *parts*."""
    return lambda clock: Pacer(clock, profiles({"msteams": parts}), rng=rng_of(3))


def report(what: str, achieved: int, permitted: int, violations: int) -> float:
    """Print a line of the table; the part that was achieved."""
    part = achieved / permitted
    print(f"\n{what}: {achieved:,} of {permitted:,} ({part:.1%}), {violations} too many", end="")  # noqa: T201 - the figure is the point
    return part


@pytest.mark.parametrize(("middle", "spread", "goal"), TRIPS)
def test_an_hour_of_a_tenant_with_hundreds_of_conversations(
    middle: float, spread: float, goal: float
) -> None:
    """50 a second, none too many. At long round trips what is under way takes its share."""
    world = World(pacer_of(), trips(rng_of(1), middle, spread))
    sender = Sender(world, [f"a:{number}" for number in range(300)])
    world.run(HOUR)
    what = f"tenant, {middle * 1000:g} ± {spread * 1000:g} ms"
    assert report(what, len(world.tenant.arrivals), 180_000, world.violations) >= goal
    assert world.violations == 0
    assert sender.disappointed == 0


@pytest.mark.parametrize(("middle", "spread", "_"), TRIPS)
def test_an_hour_of_one_conversation(middle: float, spread: float, _: float) -> None:
    """1,800 in the hour; and without that window, 60 in each half minute."""
    for parts, rules, permitted in (
        ({}, TEAMS_KEY, 1800),
        ({"send": "7/1s 8/2s 60/30s"}, TEAMS_KEY[:3], 7200),
    ):
        world = World(pacer_of(**parts), trips(rng_of(1), middle, spread), key_rules=rules)
        Sender(world, ["a:1"])
        world.run(HOUR)
        what = f"conversation, {middle * 1000:g} ± {spread * 1000:g} ms"
        assert report(what, len(world.tenant.arrivals), permitted, world.violations) >= 0.98
        assert world.violations == 0


def test_threads_of_one_channel_share_its_hour() -> None:
    """Two conversations with one pace key: together they are as fast as one."""
    world = World(pacer_of(), trips(rng_of(1), 0.005))
    for thread in ("1", "2"):
        Sender(world, [pace_key(f"19:x@thread.tacv2;messageid={thread}")])
    world.run(HOUR)
    assert report("two threads", len(world.tenant.arrivals), 1800, world.violations) >= 0.98
    assert world.violations == 0


def test_a_second_sender_that_takes_part_of_the_budget() -> None:
    """It is noticed and made room for, without a storm, and all of the rate comes back."""
    world = World(pacer_of(), trips(rng_of(1), 0.04, 0.02), enforce=True)
    Sender(world, [f"a:{number}" for number in range(300)])

    def other(number: int = 0) -> None:
        world.arrive(f"other:{number}")
        if world.now < 900:
            world.at(world.now + 1 / 20, lambda: other(number + 1))

    world.at(300, other)
    world.run(1500)
    ours = [(at, status) for at, key, status in world.log if key.startswith("a:")]
    refused = [at for at, status in ours if status == 429]
    taken = {
        minutes: sum(
            minutes[0] * 60 <= at < minutes[1] * 60 for at, status in ours if status == 200
        )
        for minutes in ((0, 5), (5, 15), (18, 25))
    }
    report("before the second sender", taken[0, 5], 300 * 50, 0)
    report("beside it", taken[5, 15], 600 * 30, len(refused))
    report("three minutes after it", taken[18, 25], 420 * 50, 0)
    assert all(300 <= at < 901 for at in refused)
    assert max(sum(at <= other < at + 1 for other in refused) for at in refused) <= 12
    assert len(refused) <= 10 * 12  # in ten minutes
    assert taken[5, 15] >= 0.6 * 600 * 30
    assert taken[18, 25] >= 0.95 * 420 * 50


def test_a_naive_loop_beside_it() -> None:
    """Who counts when requests are sent is refused by who counts when they arrive."""
    trip, judge = trips(rng_of(1), 0.08, 0.04), Judge((50, 1.0))
    sent: list[float] = []
    for _ in range(60 * 50):
        begin = 0.0 if not sent else sent[-1] + 0.001
        sent.append(begin if len(sent) < 50 else max(begin, sent[-50] + 1.001))
    for at in sorted(begin + trip()[0] for begin in sent):
        judge.counts(at)
    report("naive loop", len(sent) - judge.violations, len(sent), judge.violations)
    assert judge.violations > 100
