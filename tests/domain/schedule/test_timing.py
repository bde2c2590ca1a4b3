"""Timing: what is said of times that passed, and what comes next."""

# ruff: noqa: DTZ001 - these are times of a wall clock

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recado.domain.schedule import At, Cron, Every, Misfire, Recurrence, Timing, decide, rules
from recado.domain.schedule.rules import Rule

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def make(rule: Rule | None = None, **changes: object) -> Timing:
    """Every hour from now on, but for what *changes* says."""
    told: dict[str, object] = {"rule": rule or Every(HOUR, NOW), "zone": "UTC"} | changes
    return Timing(**told)  # type: ignore[arg-type]


def test_what_is_on_time_is_said() -> None:
    """Once; and what comes next is waited for."""
    decision = decide(make(), NOW - MINUTE, NOW)
    assert list(decision.fire) == [NOW]
    assert decision.next is not None
    assert decision.next.at == NOW + HOUR
    assert decide(make(), decision.reached, NOW).fire == ()


def test_once_makes_up_for_everything_that_passed() -> None:
    """By saying it one time, and going on with the first that has not passed."""
    late = NOW + 100 * HOUR + MINUTE
    decision = decide(make(), NOW - MINUTE, late)
    assert list(decision.fire) == [NOW]
    assert decision.next is not None
    assert decision.next.at == NOW + 101 * HOUR
    again = decide(make(), decision.reached, late)
    assert (again.fire, again.next) == ((), decision.next)


def test_all_says_each() -> None:
    """In portions, so that no step takes long."""
    said: list[datetime] = []
    reached, late = NOW - MINUTE, NOW + 120 * HOUR
    timing = make(misfire=Misfire.ALL)
    for _ in range(4):
        decision = decide(timing, reached, late)
        assert len(decision.fire) <= 50
        said += decision.fire
        reached = decision.reached
    assert said == [NOW + number * HOUR for number in range(121)]


def test_skip_says_nothing_that_is_late() -> None:
    """A minute is not late, so that a restart skips nothing."""
    timing = make(misfire=Misfire.SKIP)
    assert list(decide(timing, NOW - MINUTE, NOW + MINUTE).fire) == [NOW]
    decision = decide(timing, NOW - MINUTE, NOW + MINUTE + MINUTE)
    assert decision.fire == ()
    assert decision.next is not None
    assert decision.next.at == NOW + HOUR
    last = decide(make(At(NOW), misfire=Misfire.SKIP), NOW - MINUTE, NOW + HOUR)
    assert (last.fire, last.next) == ((), None)


@pytest.mark.parametrize("misfire", [Misfire.ONCE, Misfire.ALL])
def test_a_limit_leaves_out_what_is_too_late(misfire: Misfire) -> None:
    """What is within it is made up for."""
    timing = make(misfire=misfire, late_limit=90 * MINUTE)
    decision = decide(timing, NOW - MINUTE, NOW + 10 * HOUR)
    assert list(decision.fire) == [NOW + 9 * HOUR, NOW + 10 * HOUR][: 1 if misfire == "once" else 2]
    assert decision.next is not None
    assert decision.next.at == NOW + 11 * HOUR


def test_a_clock_that_goes_back_says_nothing_twice() -> None:
    """Nor does it lose what comes next."""
    first = decide(make(), NOW - MINUTE, NOW)
    earlier = decide(make(), first.reached, NOW - 5 * HOUR)
    assert (earlier.fire, earlier.next) == ((), first.next)


def test_a_zone_whose_clocks_are_changed_otherwise_is_looked_at_anew() -> None:
    """What is due by what was worked out earlier waits if the wall shows that time later."""
    timing = make(Cron.read("0 13 * * *"))
    decision = decide(timing, NOW - HOUR, NOW)
    assert decision.fire == ()
    assert decision.next is not None
    assert decision.next.at == NOW + HOUR


def test_start_and_until_are_kept() -> None:
    """Both are times at which it may be said."""
    timing = make(Cron.read("0 * * * *"), start=NOW + HOUR, until=NOW + 2 * HOUR)
    assert timing.next(NOW - 100 * HOUR) == (NOW + HOUR, NOW + HOUR)
    assert timing.next(NOW + HOUR) == (NOW + 2 * HOUR, NOW + 2 * HOUR)
    assert timing.next(NOW + 2 * HOUR) is None


@given(st.integers(0, 500), st.text(max_size=5))
def test_jitter_is_the_same_whoever_asks(number: int, seed: str) -> None:
    """Between nothing and its length; and it moves no later occurrence."""
    timing = make(jitter=10 * MINUTE)
    one = timing.next(NOW + number * HOUR, seed)
    assert one == timing.next(NOW + number * HOUR, seed)
    assert one is not None
    assert one.at == NOW + (number + 1) * HOUR
    assert timedelta(0) <= one.fires_at - one.at < 10 * MINUTE


def test_jitter_spreads() -> None:
    """Over its whole length, from schedule to schedule."""
    timing = make(jitter=10 * MINUTE)
    late = {
        (each.fires_at - each.at) // MINUTE
        for number in range(200)
        if (each := timing.next(NOW, str(number))) is not None
    }
    assert late == set(range(10))


makers: list[Callable[[int], Rule]] = [
    lambda n: Every(timedelta(seconds=10 + n), NOW - n * MINUTE),
    lambda n: Cron.read(f"{n % 60} {n % 5},7-9 * * *"),
    lambda n: Recurrence("RRULE:FREQ=MINUTELY;INTERVAL=50", datetime(2026, 5, 1, n % 24)),
    lambda n: At(NOW + n * MINUTE),
]


@settings(deadline=None)
@example(makers[0], 0, Misfire.ALL, 1, 1, [3])
@given(
    st.sampled_from(makers),
    st.integers(0, 100),
    st.sampled_from(Misfire),
    st.none() | st.integers(0, 300),
    st.none() | st.integers(1, 50),
    st.lists(st.integers(1, 60 * 24 * 3), min_size=1, max_size=12),
)
def test_whenever_somebody_looks(  # noqa: PLR0917 - each is drawn
    maker: Callable[[int], Rule],
    number: int,
    misfire: Misfire,
    limit: int | None,
    jitter: int | None,
    looks: list[int],
) -> None:
    """Nothing is said twice, before its time or too late; and what comes next has not come yet.

    With ``all`` and no limit nothing is left out, either.
    """
    timing = make(
        maker(number),
        misfire=misfire,
        late_limit=None if limit is None else limit * MINUTE,
        jitter=None if jitter is None else jitter * MINUTE,
    )
    reached = at = NOW - MINUTE
    said: list[datetime] = []
    for step in looks:
        at += step * MINUTE
        while True:
            decision = decide(timing, reached, at, "seed")
            for each in decision.fire:
                fires_at = timing.next(each - timedelta(microseconds=1), "seed")
                assert fires_at is not None
                assert fires_at.fires_at <= at
                most = MINUTE if misfire is Misfire.SKIP else timing.late_limit
                # What is behind the first one of a step can only be less late.
                assert most is None or at - fires_at.fires_at <= most
            said += decision.fire
            assert decision.reached >= reached
            reached = decision.reached
            assert decision.next == timing.next(reached, "seed")
            if decision.next is None or decision.next.fires_at > at:
                break
            assert misfire is Misfire.ALL
    assert said == sorted(set(said))
    if misfire is Misfire.ALL and limit is None:
        wanted, following = [], timing.next(NOW - MINUTE, "seed")
        while following is not None and following.at <= reached:
            wanted.append(following.at)
            following = timing.next(following.at, "seed")
        assert said == wanted


@pytest.mark.parametrize(
    "rule",
    [
        At(NOW),
        At(datetime(2026, 6, 1, 9, 30)),
        Every(90 * MINUTE, NOW),
        Cron("0 9 * * 1-5"),
        Recurrence("RRULE:FREQ=DAILY\nEXDATE:20260601T090000", datetime(2026, 6, 1, 9)),
        Recurrence("RRULE:FREQ=DAILY;COUNT=2", datetime(2026, 6, 1, 9), datetime(2026, 6, 2, 9)),
    ],
)
def test_rules_are_stored_as_they_are(rule: Rule) -> None:
    """What is read is what was written, and tells the same times."""
    again = rules.read(rules.written(rule))
    assert again == rule
    assert make(again).next(NOW) == make(rule).next(NOW)
    assert rules.described(rule)


@given(st.integers(10, 10**7), st.integers(-(10**9), 10**9))
def test_every_is_so_much_time_apart(seconds: int, offset: int) -> None:
    """Whatever clocks show, and wherever one begins to ask."""
    length = timedelta(seconds=seconds)
    rule = Every(length, NOW)
    after = NOW + timedelta(seconds=offset)
    at = make(rule).next(after)
    assert at is not None
    assert at.at > after
    assert (at.at - NOW) % length == timedelta(0)
    assert at.at == NOW or at.at - length <= after
