"""Caps: how much somebody is sent at most, whenever the time is taken to begin."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.politeness import Rules
from recado.domain.politeness.caps import Sent, full, remembered
from recado.domain.politeness.counting import Cap, cap_of
from recado.errors import InvalidInput

SECOND = 1_000_000
NOW = 10**15


def sent(*seconds_ago: int, category: str | None = None) -> list[Sent]:
    """Messages that left so long ago."""
    return [Sent(NOW - ago * SECOND, category, f"d{ago}") for ago in seconds_ago]


@pytest.mark.parametrize(
    ("written", "many", "seconds"),
    [
        ("10/day", 10, 86_400),
        ("3/2h", 3, 7200),
        ("1/30min", 1, 1800),
        ("5 / 10 minutes", 5, 600),
        ("20/WEEK", 20, 604_800),
        ("2/15s", 2, 15),
    ],
)
def test_a_cap_is_written_as_so_many_in_so_long(written: str, many: int, seconds: int) -> None:
    """And reads the same when it is written again."""
    cap = cap_of(written)
    assert cap == Cap(many, timedelta(seconds=seconds))
    assert cap_of(str(cap)) == cap


@pytest.mark.parametrize(
    "written",
    ["", "10", "0/day", "10/0h", "10/fortnight", "ten/day", "1001/day", "1/32days", "-1/d"],
)
def test_what_is_no_cap_is_refused(written: str) -> None:
    """With what one looks like, or how large it may be."""
    with pytest.raises(InvalidInput, match=r"is no cap|a cap is"):
        cap_of(written)


def test_there_is_room_until_so_many_were_sent() -> None:
    """And again when the first of them is as old as the cap is long."""
    rules = Rules(caps={"": cap_of("2/h")})
    assert full(sent(10), rules, None, NOW) is None
    found = full(sent(50, 10), rules, None, NOW)
    assert found is not None
    assert found.until == NOW + (3600 - 50) * SECOND
    assert full(sent(3600, 10), rules, None, NOW) is None
    assert full(sent(3599, 10), rules, None, NOW) is not None


def test_a_category_has_its_own_cap_or_that_of_each() -> None:
    """The one of everything together counts beside it; what has no category has only that."""
    rules = Rules(caps={"prices": cap_of("1/h"), "*": cap_of("2/h"), "": cap_of("3/h")})
    prices = sent(10, category="prices")
    assert full(prices, rules, "prices", NOW) is not None
    assert full(prices, rules, "news", NOW) is None
    assert full(sent(20, 10, category="news"), rules, "news", NOW) is not None
    assert full(sent(20, 10, category="news"), rules, "prices", NOW) is None
    assert full(sent(20, 10), rules, None, NOW) is None
    found = full(sent(30, 20, 10), rules, "news", NOW)
    assert found is not None
    assert found.category is None


def test_the_interval_is_kept_to_whatever_was_sent_last() -> None:
    """Of any category."""
    rules = Rules(interval=timedelta(seconds=60))
    found = full(sent(90, 20, category="news"), rules, "prices", NOW)
    assert found is not None
    assert (found.until, found.cap) == (NOW + 40 * SECOND, None)
    assert full(sent(60), rules, None, NOW) is None


def test_a_clock_that_was_ahead_keeps_nobody_waiting_for_longer_than_a_cap_is_long() -> None:
    """What seems to have been sent tomorrow counts as sent now."""
    rules = Rules(caps={"": cap_of("1/h")}, interval=timedelta(seconds=60))
    found = full(sent(-86_400), rules, None, NOW)
    assert found is not None
    assert found.until == NOW + 3600 * SECOND


messages = st.lists(
    st.tuples(st.integers(0, 500), st.sampled_from([None, "a", "b"])), min_size=1, max_size=60
)
rules_of = st.builds(
    lambda everything, each, a, interval: Rules(
        caps={
            name: cap for name, cap in (("", everything), ("*", each), ("a", a)) if cap is not None
        },
        interval=interval,
    ),
    *(
        st.none() | st.builds(Cap, st.integers(1, 5), st.integers(1, 300).map(_seconds))
        for _seconds in [lambda n: timedelta(seconds=n)] * 3
    ),
    st.none() | st.integers(1, 60).map(lambda n: timedelta(seconds=n)),
)


@given(messages, rules_of)
def test_no_stretch_of_time_holds_more_than_a_cap_allows(
    asked: list[tuple[int, str | None]], rules: Rules
) -> None:
    """Whatever arrives whenever; and something that is held finds room when it was told to."""
    left: list[Sent] = []
    memory: list[Sent] = []
    now = NOW
    for n, (seconds, category) in enumerate(asked):
        now += seconds * SECOND
        assert full(memory, rules, category, now) == full(left, rules, category, now)
        found = full(left, rules, category, now)
        if found is not None:
            assert found.until > now
            assert full(left, rules, category, found.until) is None
            assert full(left, rules, category, found.until - 1) is not None
            continue
        left.append(Sent(now, category, str(n)))
        memory = remembered([*memory, left[-1]], rules, now)
    for key, cap in rules.caps.items():
        for category in {each.category for each in left}:
            if key == "*" and (category is None or category in rules.caps):
                continue
            if key not in ("", "*", category):
                continue
            times = [each.at for each in left if key == "" or each.category == category]
            for begin in times:
                end = begin + int(cap.per.total_seconds()) * SECOND
                assert sum(begin <= at < end for at in times) <= cap.many
    if rules.interval is not None:
        times = [each.at for each in left]
        shortest = int(rules.interval.total_seconds()) * SECOND
        assert all(b - a >= shortest for a, b in pairwise(times))
