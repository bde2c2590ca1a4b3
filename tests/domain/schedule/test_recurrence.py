"""Recurrence rules: as RFC 5545 says, on the clock of a wall, and quickly however old they are."""

# ruff: noqa: DTZ001 - these are times of a wall clock

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from recado.domain.schedule import Recurrence
from recado.domain.zones import instant_of
from recado.errors import InvalidSchedule, UnknownZone

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 1, 31, 2, 30)
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "Africa/Cairo"]
LONG_AGO = datetime.min.replace(tzinfo=UTC) + timedelta(days=2)


def times(rule: Recurrence, zone: ZoneInfo, after: datetime, limit: int) -> list[datetime]:
    """The next so many."""
    found: list[datetime] = []
    at = rule.next(after, zone)
    while at is not None and len(found) < limit:
        found.append(at)
        at = rule.next(at, zone)
    return found


def walls(text: str, limit: int = 5, start: datetime = START) -> list[str]:
    """The first so many as the wall in Berlin shows them."""
    rule = Recurrence.read(text, BERLIN, start)
    found = times(rule, BERLIN, start.replace(tzinfo=UTC) - timedelta(days=1), limit)
    return [f"{each.astimezone(BERLIN):%Y-%m-%d %H:%M}" for each in found]


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Rules of every frequency."""
    freq = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"]))
    parts = [f"FREQ={freq}", f"INTERVAL={draw(st.integers(1, 4))}"]
    if freq == "MINUTELY":
        parts[1] = f"INTERVAL={draw(st.sampled_from([15, 45, 100]))}"
    days = st.lists(st.sampled_from(["MO", "TU", "SA", "SU"]), min_size=1, unique=True)
    if freq == "MONTHLY":
        days = st.lists(st.sampled_from(["1MO", "-1SU", "3FR"]), min_size=1, unique=True)
    if draw(st.booleans()):
        parts.append(f"BYDAY={','.join(draw(days))}")
    elif freq in ("YEARLY", "MONTHLY") and draw(st.booleans()):
        parts.append(f"BYMONTHDAY={draw(st.sampled_from(['1,15', '-1', '31', '29']))}")
    if draw(st.booleans()) and freq != "HOURLY":
        parts.append(f"BYMONTH={draw(st.sampled_from(['3', '10,3', '1,2,3,10']))}")
    if draw(st.booleans()) and freq not in ("HOURLY", "MINUTELY"):
        parts.append(f"BYHOUR={draw(st.sampled_from(['2', '1,2,3', '0,23']))}")
    if freq == "WEEKLY":
        parts.append(f"WKST={draw(st.sampled_from(['MO', 'SU']))}")
    return ";".join(parts)


starts = st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1)).map(
    lambda at: at.replace(second=0, microsecond=0)
)


@settings(max_examples=150, deadline=None)
@given(rules(), starts, st.sampled_from(ZONES), st.integers(0, 400))
def test_it_tells_what_the_library_tells_from_the_start(
    text: str, start: datetime, name: str, days: int
) -> None:
    """Begun anew in whatever period, each of its times on the wall, once, in order."""
    zone = ZoneInfo(name)
    rule = Recurrence.read(text, zone, start)
    begin = start + timedelta(days=days, hours=days % 24)
    whole = rrulestr(f"RRULE:{text}", dtstart=start)
    from_start = list(islice(whole.xafter(begin - timedelta(hours=6)), 80))
    after = instant_of(begin, zone)
    wanted = sorted({at for at in (instant_of(each, zone) for each in from_start) if at > after})
    found = times(rule, zone, after, 20)
    assert found == wanted[:20]
    assert found == sorted(set(found))


@settings(max_examples=100, deadline=None)
@given(rules(), starts, st.integers(1, 30))
def test_count_is_kept(text: str, start: datetime, count: int) -> None:
    """However it is asked, no more times come than were allowed: the first ones."""
    rule = Recurrence.read(f"{text};COUNT={count}", ZoneInfo("UTC"), start)
    endless = Recurrence.read(text, ZoneInfo("UTC"), start)
    before = start.replace(tzinfo=UTC) - timedelta(seconds=1)
    found = times(rule, ZoneInfo("UTC"), before, count + 5)
    assert found == times(endless, ZoneInfo("UTC"), before, count)


@settings(max_examples=100, deadline=None)
@given(rules(), starts, st.integers(0, 500))
def test_until_is_kept(text: str, start: datetime, days: int) -> None:
    """The last moment that is allowed is allowed, and nothing after it is."""
    zone = ZoneInfo("America/New_York")
    endless = Recurrence.read(text, zone, start)
    before = instant_of(start, zone) - timedelta(seconds=1)
    some = times(endless, zone, before, 1 + days % 20)
    assume(some)
    last = some[-1].astimezone(UTC)
    rule = Recurrence.read(f"{text};UNTIL={last:%Y%m%dT%H%M%SZ}", zone, start)
    assert times(rule, zone, before, 100) == some


def test_a_part_of_the_first_period_is_no_whole_one() -> None:
    """BYSETPOS counts in whole weeks, months and years, also in that of the start."""
    # Saturday 31 January: the first weekday of its week was Monday, before the start.
    assert walls("FREQ=WEEKLY;BYDAY=MO,SA;BYSETPOS=1", 2) == [
        "2026-02-02 02:30",
        "2026-02-09 02:30",
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("FREQ=DAILY;COUNT=2", ["2026-01-31 02:30", "2026-02-01 02:30"]),
        # Months without a 31st are passed over.
        ("FREQ=MONTHLY", ["2026-01-31 02:30", "2026-03-31 02:30", "2026-05-31 02:30"]),
        ("FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=9", ["2026-02-27 09:30", "2026-03-27 09:30"]),
        ("FREQ=MONTHLY;BYDAY=1MO,SU", ["2026-02-01 02:30", "2026-02-02 02:30", "2026-02-08 02:30"]),
        ("FREQ=YEARLY;BYDAY=20MO", ["2026-05-18 02:30", "2027-05-17 02:30"]),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", ["2026-05-11 02:30", "2027-05-17 02:30"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU", ["2032-02-29 02:30", "2060-02-29 02:30"]),
        # On 29 March 2026 the clock shows no 2:30.
        ("FREQ=MONTHLY;BYMONTHDAY=29", ["2026-03-29 03:00", "2026-04-29 02:30"]),
        ("RRULE:FREQ=DAILY\nEXDATE:20260201T023000", ["2026-01-31 02:30", "2026-02-02 02:30"]),
        ("RRULE:FREQ=DAILY\nEXDATE;VALUE=DATE:20260131", ["2026-02-01 02:30", "2026-02-02 02:30"]),
        ("RRULE:FREQ=DAILY\nRDATE:20260131T120000", ["2026-01-31 02:30", "2026-01-31 12:00"]),
        ("RDATE:20260301T090000,20260201T090000", ["2026-02-01 09:00", "2026-03-01 09:00"]),
        ("RDATE:20260201T090000Z", ["2026-02-01 10:00"]),
        ("RDATE;TZID=America/New_York:20260201T090000", ["2026-02-01 15:00"]),
        ("DTSTART:20260501T080000\nRRULE:FREQ=WEEKLY", ["2026-05-01 08:00", "2026-05-08 08:00"]),
        ("DTSTART;TZID=UTC:20260501T080000\nRRULE:FREQ=WEEKLY", ["2026-05-01 10:00"]),
        ("FREQ=DAILY;UNTIL=20260201", ["2026-01-31 02:30", "2026-02-01 02:30"]),
        ("freq=daily;by\n hour=9;count=1", ["2026-01-31 09:30"]),
    ],
)
def test_what_rules_mean(text: str, wanted: list[str]) -> None:
    """As the RFC and its examples have it."""
    assert walls(text, len(wanted)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "every day",
        "FREQ=FORTNIGHTLY",
        "INTERVAL=2",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101",
        "FREQ=DAILY;COUNT=20000",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY;BYDAY=1MO",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYHOUR=9;BYHOUR=10",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=DAILY;BYEASTER=1",
        "FREQ=DAILY;WKST=XX",
        "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=DAILY;UNTIL=20261340",
        "FREQ=SECONDLY",
        "FREQ=SECONDLY;INTERVAL=9",
        "FREQ=MINUTELY;BYSECOND=0,5",
        "FREQ=MINUTELY;BYSECOND=0,55",
        "RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY",
        "RRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY",
        "EXDATE:20260101T000000",
        "RRULE:FREQ=DAILY\nEXDATE:whenever",
        "DTSTART:20260101T000000\nDTSTART:20260101T000000\nRRULE:FREQ=DAILY",
        "FREQ=HOURLY;INTERVAL=2;BYHOUR=3",
        "FREQ=DAILY;" + "X" * 20_000,
    ],
)
def test_what_cannot_be_used_is_refused(text: str) -> None:
    """In one sentence that ends."""
    with pytest.raises(InvalidSchedule) as caught:
        Recurrence.read(text, BERLIN, START)
    assert str(caught.value).endswith(".")
    assert len(str(caught.value)) < 200


def test_a_zone_that_does_not_exist_is_refused() -> None:
    """Also within a rule."""
    with pytest.raises(UnknownZone):
        Recurrence.read("RDATE;TZID=Europe/Berlim:20260201T090000", BERLIN, START)


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=WEEKLY;BYMONTH=2;BYHOUR=3;BYSETPOS=100",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;INTERVAL=10;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=HOURLY;BYMONTHDAY=31;BYMONTH=6",
        "FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=31",
    ],
)
def test_a_rule_that_never_comes_ends(text: str) -> None:
    """It is looked for within reason, not until the calendar ends."""
    rule = Recurrence.read(text, BERLIN, START)
    begun = time.process_time()
    assert rule.next(datetime(2026, 3, 1, tzinfo=UTC), BERLIN) is None
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("text", ["FREQ=DAILY", "FREQ=MINUTELY;INTERVAL=5", "FREQ=WEEKLY;BYDAY=MO"])
def test_an_old_rule_costs_no_more_than_a_new_one(text: str) -> None:
    """What began 20 years ago is not gone through from there: 1 ms each would show."""
    old = Recurrence.read(text, BERLIN, datetime(2006, 1, 1, 9))
    now = datetime(2026, 7, 1, tzinfo=UTC)
    begun = time.process_time()
    assert len(times(old, BERLIN, now, 200)) == 200
    assert time.process_time() - begun < 0.2 * 5


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=HOURLY;BYMONTH=1;BYMONTHDAY=1;BYHOUR=0;COUNT=8000",
        "FREQ=DAILY;BYMONTHDAY=29;BYMONTH=2;COUNT=10000",
    ],
)
def test_a_count_that_nobody_can_count_is_refused(text: str) -> None:
    """Counting keeps everything else in the process waiting, so it ends in a second or so."""
    begun = time.process_time()
    with pytest.raises(InvalidSchedule, match="use UNTIL"):
        Recurrence.read(text, BERLIN, START)
    assert time.process_time() - begun < 2


def test_the_end_of_the_calendar_is_an_end() -> None:
    """And no error."""
    rule = Recurrence.read("FREQ=YEARLY", BERLIN, START)
    assert rule.next(datetime(9999, 6, 1, tzinfo=UTC), BERLIN) is None
    assert rule.next(LONG_AGO, BERLIN) == instant_of(START, BERLIN)
