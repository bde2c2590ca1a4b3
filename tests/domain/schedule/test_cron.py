"""Cron expressions: at the right minute, once, on every day that clocks are changed."""

# ruff: noqa: DTZ001 - these are times of a wall clock

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recado.domain.schedule import Cron
from recado.domain.zones import instant_of
from recado.errors import InvalidSchedule

MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")

#: Weeks in which clocks are changed in every way there is, as zone and a day near the change.
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29)),  # an hour forward at 2
    ("Europe/Berlin", datetime(2026, 10, 25)),  # an hour back at 3
    ("America/New_York", datetime(2027, 3, 14)),
    ("America/New_York", datetime(2027, 11, 7)),
    ("Australia/Lord_Howe", datetime(2026, 4, 5)),  # half an hour back
    ("Australia/Lord_Howe", datetime(2026, 10, 4)),  # half an hour forward
    ("Africa/Cairo", datetime(2026, 4, 24)),  # midnight does not exist
    ("America/Sao_Paulo", datetime(2018, 2, 18)),  # midnight, and the hour before, twice
    ("Pacific/Apia", datetime(2011, 12, 30)),  # a day that does not exist
    ("Asia/Kathmandu", datetime(2026, 5, 1)),  # no change, and not in whole hours
    ("Africa/Casablanca", datetime(2026, 2, 15)),  # back for Ramadan
    ("Antarctica/Troll", datetime(2026, 3, 29)),  # two hours forward
    ("Antarctica/Troll", datetime(2026, 10, 25)),  # two hours back
]


def values(least: int, most: int) -> st.SearchStrategy[str]:
    """What a field may name without being about intervals."""
    numbers = st.integers(least, most)
    return st.lists(numbers, min_size=1, max_size=3).map(lambda some: ",".join(map(str, some)))


minutes = values(0, 59) | st.sampled_from(["*", "*/20", "*/7", "0-10", "0-59/30"])
hours = values(0, 4) | st.sampled_from(["*", "*/2", "0-3", "1-23/2"])
days = st.sampled_from(["*", "*", "*/2", "24-31", "1-31", "29"])
weekdays = st.sampled_from(["*", "*", "0", "SUN", "5-7", "1-5"])
expressions = st.tuples(minutes, hours, days, st.just("*"), weekdays).map(" ".join)


def allowed(text: str, least: int, most: int) -> set[int]:
    """What a field names."""
    names = dict(zip(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), range(7), strict=True))
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            low, high = least, most
        else:
            low = names[first] if first in names else int(first)
            high = int(last) if last else most if step else low
        found |= set(range(low, high + 1, int(step or 1)))
    return found


def matcher(expression: str) -> Callable[[datetime], bool]:
    """Whether a minute on a wall is one of an expression's; written anew."""
    minute, hour, day, _, weekday = expression.split()
    minutes, hours, days = allowed(minute, 0, 59), allowed(hour, 0, 23), allowed(day, 1, 31)
    weekdays = {each % 7 for each in allowed(weekday, 0, 7)}
    both = day.startswith("*") or weekday.startswith("*")

    def matches(wall: datetime) -> bool:
        if wall.minute not in minutes or wall.hour not in hours:
            return False
        by_day, by_weekday = wall.day in days, wall.isoweekday() % 7 in weekdays
        return (by_day and by_weekday) if both else (by_day or by_weekday)

    return matches


def expected(expression: str, zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    """Every time in (begin, end], minute by minute."""
    minute, hour, *_ = expression.split()
    matches = matcher(expression)
    found: set[datetime] = set()
    if minute.startswith("*") or hour.startswith("*"):
        at = begin.replace(second=0, microsecond=0)
        while at <= end:
            wall = at.astimezone(zone).replace(tzinfo=None)
            if begin < at and matches(wall):
                found.add(at)
            at += MINUTE
    else:
        wall = begin.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0, fold=0)
        wall -= timedelta(days=2)
        while wall <= end.astimezone(zone).replace(tzinfo=None) + timedelta(days=2):
            if matches(wall):
                at = instant_of(wall, zone)
                if begin < at <= end:
                    found.add(at)
            wall += MINUTE
    return sorted(found)


def told(cron: Cron, zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    """What it tells, one after the other."""
    found = []
    at = cron.next(begin, zone)
    while at is not None and at <= end:
        found.append(at)
        at = cron.next(at, zone)
    return found


@given(expressions, st.sampled_from(CHANGES), st.integers(0, 2 * 86_400))
@example("30 2 * * *", CHANGES[0], 0)
@example("*/15 2 * * *", CHANGES[1], 0)
# From within the hour that is shown for the second time.
@example("30 2 * * *", CHANGES[1], 86_400 + 3_600 + 600)
@example("*/10 2 * * *", CHANGES[4], 0)
@example("*/20 0 * * *", CHANGES[6], 0)
def test_it_tells_what_looking_at_every_minute_tells(
    expression: str, change: tuple[str, datetime], second: int
) -> None:
    """Over days on which clocks are changed: each of its times, in order, and no other."""
    zone = ZoneInfo(change[0])
    middle = change[1].replace(tzinfo=UTC)
    begin = middle - timedelta(days=1) + timedelta(seconds=second)
    end = middle + timedelta(days=2)
    assert told(Cron.read(expression), zone, begin, end) == expected(expression, zone, begin, end)


@given(
    expressions,
    st.sampled_from(["Europe/Madrid", "America/Santiago", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),
)
def test_what_comes_next_is_later(expression: str, name: str, moment: datetime) -> None:
    """Always; and from anywhere between two of its times the next one is the same."""
    cron, zone, at = Cron.read(expression), ZoneInfo(name), moment.replace(tzinfo=UTC)
    first = cron.next(at, zone)
    assert first is not None
    assert first > at
    second = cron.next(first, zone)
    assert second is not None
    assert second > first
    assert cron.next(first + (second - first) / 2, zone) == second
    assert cron.next(second - timedelta(microseconds=1), zone) == second


def test_a_time_that_does_not_exist_is_the_first_after_the_gap() -> None:
    """2:30 on the day clocks go from 2 to 3 is 3:00."""
    at = Cron.read("30 2 * * *").next(datetime(2026, 3, 28, 12, tzinfo=UTC), BERLIN)
    assert at == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_time_that_exists_twice_is_the_first() -> None:
    """And it is not told again when it comes back."""
    cron = Cron.read("30 2 * * *")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert cron.next(first - timedelta(hours=1), BERLIN) == first
    assert cron.next(first, BERLIN) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "expression"), [("@daily", "0 0 * * *"), ("@Hourly", "0 * * * *")]
)
def test_names_stand_for_expressions(name: str, expression: str) -> None:
    """Those that crontab(5) knows."""
    assert Cron.read(name) == Cron.read(expression)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "0 0 31 2 *",
        "@reboot",
        "1-0 * * * *",
        "*/0",
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    """With an example of one."""
    with pytest.raises(InvalidSchedule, match="1-5"):
        Cron.read(text)


def test_what_comes_rarely_is_found() -> None:
    """29 February on a Monday, and years on which clocks were changed often lie between."""
    at = Cron.read("0 9 29 2 */8").next(datetime(2026, 1, 1, tzinfo=UTC), BERLIN)
    assert at == datetime(2032, 2, 29, 8, tzinfo=UTC)
