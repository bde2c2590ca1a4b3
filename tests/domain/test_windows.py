"""Windows: exact in every zone, against a look at every minute; spread, and in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recado.domain.politeness import Rules
from recado.domain.politeness.hours import WHOLE_WEEK, Week, open_week
from recado.domain.politeness.windows import (
    Now,
    hours_for,
    in_words,
    look,
    opening_in_words,
    stretches,
    zone_for,
)
from recado.domain.recipient import Preferences
from recado.domain.times import span

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
ZONES = sorted(available_timezones())
MADRID = ZoneInfo("Europe/Madrid")


def micros(at: datetime) -> int:
    """Since 1970."""
    return (at - EPOCH) // timedelta(microseconds=1)


def shows(week: Week, zone: ZoneInfo, at: int) -> bool:
    """Whether the clocks show a time that is open: the rule itself."""
    wall = (EPOCH + timedelta(microseconds=at)).astimezone(zone)
    minute = (wall.weekday() * 24 + wall.hour) * 60 + wall.minute
    return any(begin <= minute < end for begin, end in week)


def look_at_every_minute(week: Week, zone: ZoneInfo, now: int) -> int | None:
    """The first minute from *now* on at which it is open, within 15 days."""
    minute = now // MINUTE * MINUTE
    for step in range(15 * 24 * 60):
        if shows(week, zone, minute + step * MINUTE):
            return max(now, minute + step * MINUTE)
    return None


stretch = st.tuples(st.integers(0, 10_079), st.integers(1, 3_000)).map(
    lambda told: (told[0], min(told[0] + told[1], 10_080))
)
weeks = st.lists(stretch, min_size=1, max_size=4).map(
    lambda found: tuple(each for each in sorted(found))
)


def tidy(week: Week) -> Week:
    """Without stretches that overlap or touch."""
    kept: list[tuple[int, int]] = []
    for begin, end in sorted(week):
        if kept and begin <= kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        else:
            kept.append((begin, end))
    return tuple(kept)


instants = st.datetimes(
    min_value=datetime(1985, 1, 1),  # noqa: DTZ001 - the zone is given apart
    max_value=datetime(2037, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
#: Within two days of a change of clocks.
near_changes = st.sampled_from(
    [
        ("Europe/Madrid", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Europe/Madrid", datetime(2026, 10, 25, 1, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
        ("Africa/Casablanca", datetime(2026, 2, 15, 2, tzinfo=UTC)),
        ("America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC)),
        ("Asia/Tehran", datetime(2022, 3, 21, 20, 30, tzinfo=UTC)),
    ]
)
places = st.one_of(
    st.tuples(st.sampled_from(ZONES), instants),
    st.builds(
        lambda change, away: (change[0], change[1] + timedelta(minutes=away)),
        near_changes,
        st.integers(-2 * 24 * 60, 2 * 24 * 60),
    ),
)


@settings(deadline=None, max_examples=120)
@given(weeks, places)
@example(((150, 160),), ("Europe/Madrid", datetime(2026, 3, 29, 0, 59, tzinfo=UTC)))
def test_what_is_said_of_an_instant_is_what_a_look_at_every_minute_finds(
    found: Week, place: tuple[str, datetime]
) -> None:
    """Whether it is open, and else when it opens: in any zone, also where clocks are changed."""
    week, zone, now = tidy(found), ZoneInfo(place[0]), micros(place[1])
    told = look(week, zone, "key", 0, now)
    opens = look_at_every_minute(week, zone, now)
    assert told.open == shows(week, zone, now)
    if not told.open:
        assert told.until == opens


@settings(deadline=None, max_examples=60)
@given(weeks, places)
def test_stretches_are_in_order_and_end_where_clocks_show_something_else(
    found: Week, place: tuple[str, datetime]
) -> None:
    """None is empty, none touches the next, and at both ends the rule changes."""
    week, zone, day = tidy(found), ZoneInfo(place[0]), micros(place[1]) // DAY
    told = stretches(week, zone, day)
    for begin, end in told:
        assert begin < end
        assert shows(week, zone, begin * SECOND)
        assert shows(week, zone, end * SECOND - 1)
    for (_, end), (begin, _) in pairwise(told):
        assert end < begin
        assert not shows(week, zone, end * SECOND)
        assert not shows(week, zone, begin * SECOND - 1)


def madrid(week: Week, *at: int, minute: int = 0, spread: int = 0, key: str = "key") -> Now:
    """How an instant of 2026, given in UTC, stands to windows in Madrid."""
    month, day, hour = at
    return look(
        week, MADRID, key, spread, micros(datetime(2026, month, day, hour, minute, tzinfo=UTC))
    )


def test_a_window_that_opens_in_a_gap_opens_right_after_it() -> None:
    """02:30 does not exist in Madrid on 29 March 2026: it opens at 03:00, 01:00 in UTC."""
    week = open_week(None, "02:30-05:00")
    told = madrid(week, 3, 29, 0, minute=59)
    assert told == Now(
        open=False,
        since=micros(datetime(2026, 3, 28, 4, tzinfo=UTC)),
        until=micros(datetime(2026, 3, 29, 1, tzinfo=UTC)),
    )


def test_a_window_that_lies_in_a_gap_opens_a_day_later() -> None:
    """Or, if it is a window of that weekday only, a week later."""
    every_day = madrid(open_week(None, "02:10-02:50"), 3, 29, 0)
    assert every_day.until == micros(datetime(2026, 3, 30, 0, 10, tzinfo=UTC))
    sundays = madrid(open_week(None, "sun 02:10-02:50"), 3, 29, 0)
    assert sundays.until == micros(datetime(2026, 4, 5, 0, 10, tzinfo=UTC))


def test_a_window_that_closes_in_a_fold_is_open_both_times() -> None:
    """The wall shows 02:00 to 02:30 twice on 25 October 2026, and both are within it."""
    week = open_week(None, "00:00-02:30")
    assert madrid(week, 10, 25, 0, minute=29).open
    between = madrid(week, 10, 25, 0, minute=30)
    assert (between.open, between.until) == (False, micros(datetime(2026, 10, 25, 1, tzinfo=UTC)))
    assert madrid(week, 10, 25, 1, minute=29).open
    assert not madrid(week, 10, 25, 1, minute=30).open


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25), (6, 1, 24)])
def test_a_whole_day_is_as_long_as_that_day_is(month: int, day: int, hours: int) -> None:
    """Days of 23 and 25 hours, too."""
    weekday = datetime(2026, month, day, tzinfo=UTC).strftime("%a").lower()
    week = open_week(None, f"{weekday} 00:00-24:00")
    noon = micros(datetime(2026, month, day, 12, tzinfo=UTC))
    told = look(week, MADRID, "key", 0, noon)
    assert told.open
    assert told.until is not None
    assert told.until - told.since == hours * 60 * MINUTE


def test_without_hours_it_is_always_open() -> None:
    """And nothing has to be looked up."""
    assert look(WHOLE_WEEK, MADRID, "key", 10 * MINUTE, 1) == Now(open=True, since=0, until=None)


def test_hours_that_are_never_open_say_so() -> None:
    """They are refused where they are set; two settings may come together nevertheless."""
    assert look((), MADRID, "key", 0, 10**15) == Now(open=False, since=0, until=None)


# -- the spread ------------------------------------------------------------------------------

SPREAD = 10 * MINUTE
WEEKDAYS = open_week(None, "mon-fri 09:00-18:00")
MONDAY_9 = micros(datetime(2026, 6, 1, 7, tzinfo=UTC))


def test_an_opening_is_spread_evenly_over_the_conversations() -> None:
    """Each tenth of the spread gets about a tenth of them."""
    opened = [
        look(WEEKDAYS, MADRID, f"conversation:{n}", SPREAD, MONDAY_9 - 1).until for n in range(5000)
    ]
    tenths = [0] * 10
    for each in opened:
        assert each is not None
        assert MONDAY_9 <= each < MONDAY_9 + SPREAD
        tenths[(each - MONDAY_9) * 10 // SPREAD] += 1
    assert max(tenths) < 620
    assert min(tenths) > 380


@given(st.text(max_size=20), st.integers(-1, 12 * 60 * MINUTE // SECOND))
def test_a_conversation_opens_at_one_instant_whenever_it_is_asked(key: str, seconds: int) -> None:
    """What arrives after the opening waits for the same instant, so that nothing overtakes."""
    first = look(WEEKDAYS, MADRID, key, SPREAD, MONDAY_9 - 1).until
    assert first is not None
    now = MONDAY_9 + seconds * SECOND
    told = look(WEEKDAYS, MADRID, key, SPREAD, now)
    if now < first:
        assert (told.open, told.until) == (False, first)
    elif now < MONDAY_9 + 9 * 60 * MINUTE:
        assert told == Now(open=True, since=first, until=MONDAY_9 + 9 * 60 * MINUTE)
    else:
        assert not told.open


@given(st.text(max_size=20), st.integers(1, 60))
def test_a_short_window_keeps_at_least_half_of_itself(key: str, minutes: int) -> None:
    """However long openings are spread."""
    week = ((600, 600 + minutes),)
    told = look(week, ZoneInfo("UTC"), key, 24 * 60 * MINUTE, 4 * DAY)
    opened = told.until
    assert opened is not None
    again = look(week, ZoneInfo("UTC"), key, 24 * 60 * MINUTE, opened)
    assert again.open
    assert again.until is not None
    assert again.until - opened > minutes * MINUTE // 2 - 1


# -- whose hours, whose zone -----------------------------------------------------------------


def test_what_a_recipient_has_set_comes_before_the_settings() -> None:
    """Their window of the category, theirs of everything, then the settings' in the same order."""
    rules = Rules(quiet="22:00-08:00", windows={"": "9-18", "prices": "10-12"})
    nothing = Preferences()
    assert hours_for(rules, nothing, None) == ("22:00-08:00", "9-18")
    assert hours_for(rules, nothing, "prices") == ("22:00-08:00", "10-12")
    assert hours_for(rules, nothing, "news") == ("22:00-08:00", "9-18")
    said = Preferences(quiet="off", windows={"": "7-8"})
    assert hours_for(rules, said, "prices") == ("off", "7-8")
    said = Preferences(windows={"prices": "off"})
    assert hours_for(rules, said, "prices") == ("22:00-08:00", "off")


def test_the_zone_is_what_they_set_else_what_their_channel_tells_else_the_settings() -> None:
    """What is no zone is passed over."""
    rules = Rules(zone="Asia/Tokyo")
    assert zone_for(rules, Preferences(zone="Europe/Madrid"), "Europe/Paris")[1] == "set"
    assert zone_for(rules, Preferences(), "Europe/Paris") == (ZoneInfo("Europe/Paris"), "told")
    told = zone_for(rules, Preferences(), "Romance Standard Time")
    assert told == (ZoneInfo("Asia/Tokyo"), "default")


def test_the_hours_are_said_in_words() -> None:
    """Whose they are, and who said which zone it is."""
    rules = Rules(quiet="22:00-08:00", windows={"": "mon-fri 9-18"})
    said = Preferences(quiet="21:00-09:00")
    assert in_words(rules, said, "Europe/Paris", None, open_=False) == (
        "This is not a time to tell its recipient things: quiet hours 21:00-09:00 (their own) and "
        "window mon-fri 9-18 (by the settings), in Europe/Paris (as their channel tells)."
    )


@pytest.mark.parametrize("minutes", [-90, 0, 1])
def test_an_opening_that_is_spread_is_said_in_words(minutes: int) -> None:
    """Before the hours end, and after, until the conversation's own instant has come."""
    now = (8 * 60 + minutes) * MINUTE
    week = open_week("20:00-09:00", None)
    there, usual = (look(week, MADRID, "29:ana", spread, now) for spread in (15 * MINUTE, 0))
    assert not there.open
    assert there.until is not None
    late = there.until - 8 * 60 * MINUTE
    assert opening_in_words(there, usual, MADRID) == (
        f" It opens at 09:{late // MINUTE:02} (09:00, and {span(timedelta(microseconds=late))} "
        "later so that not all open at once)."
    )
    assert not opening_in_words(usual, usual, MADRID)
