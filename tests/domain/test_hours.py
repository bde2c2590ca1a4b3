"""Hours: what people write, and what leaves no time to say anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.politeness.hours import WHOLE_WEEK, Week, check_open, hours, open_week
from recado.errors import InvalidHours

DAY = 24 * 60


def minutes(week: Week) -> set[int]:
    """The minutes of the week that are in it."""
    return {minute for begin, end in week for minute in range(begin, end)}


def at(day: int, clock: str) -> int:
    """A minute of the week."""
    hour, minute = clock.split(":")
    return day * DAY + int(hour) * 60 + int(minute)


def test_hours_without_days_are_those_of_every_day() -> None:
    """Over midnight they go on into the next day, and from Sunday into Monday."""
    week = minutes(hours("22:00-08:00"))
    for day in range(7):
        assert at(day, "21:59") not in week
        assert at(day, "22:00") in week
        assert at(day, "00:00") in week
        assert at(day, "07:59") in week
        assert at(day, "08:00") not in week


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("mon-fri 09:00-18:00", "mon,tue,wed,thu,fri 9-18"),
        ("Mon-Fri 9:00 - 18:00", "lunes-viernes 09:00-18:00"),
        ("mon-fri 09:00-13:00, 15:00-18:00", "mon-fri 09:00-13:00 15:00-18:00"),
        ("sat, sun 10:00-12:00", "sat-sun 10:00-12:00"),
        ("fri-mon 10:00-12:00", "fri 10-12, sat 10-12, sun 10-12, mon 10-12"),
        ("00:00-24:00", "mon-sun 00:00-24:00"),
        ("09:00\u201318:00", "09:00-18:00"),
        ("fri 22:00-02:00", "fri 22:00-24:00, sat 00:00-02:00"),
        ("mon 10:00-12:00, mon 11:00-13:00", "mon 10:00-13:00"),
    ],
)
def test_the_same_can_be_written_in_several_ways(written: str, same: str) -> None:
    """Days one by one or as a range, in two languages, times with or without minutes."""
    assert hours(written) == hours(same)


def test_a_whole_day_and_a_whole_week() -> None:
    """24:00 is the end of a day."""
    assert hours("wed 00:00-24:00") == ((2 * DAY, 3 * DAY),)
    assert hours("00:00-24:00") == WHOLE_WEEK


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "mon", "9-9", "foo 1-2", "25:00-1:00", "24:00-1:00", "9:60-10:00", "1-2,"),
        *("mon-fry 9-18", "9", "09:00", "9-18 mon", "22:00-08:00; x", "off, 9-18", "x" * 600),
    ],
)
def test_what_cannot_be_read_is_answered_with_how_to_write_it(written: str) -> None:
    """An example stands in each error."""
    with pytest.raises(InvalidHours, match=r"00:00-24:00|22:00-08:00"):
        hours(written)


def test_quiet_hours_that_fill_the_window_are_refused() -> None:
    """Nothing could ever be sent."""
    with pytest.raises(InvalidHours, match="Nothing would ever be sent"):
        check_open("00:00-24:00", None)
    with pytest.raises(InvalidHours, match="Nothing of category 'a' would ever be sent"):
        check_open("21:00-08:00", "22:00-23:00", "a")
    check_open("21:00-08:00", "22:00-08:01")
    check_open("off", "mon 22:00-23:00")


written_hours = st.builds(
    lambda day, begin, length: (
        f"{day} {begin // 60:02}:{begin % 60:02}-"
        f"{(begin + length) % DAY // 60:02}:{(begin + length) % 60:02}"
    ),
    st.sampled_from(["mon", "tue-thu", "sat", "sun", "mon-sun", "fri-mon"]),
    st.integers(0, DAY - 1),
    st.integers(1, DAY - 1),
)


@given(st.lists(written_hours, min_size=1, max_size=3), st.lists(written_hours, max_size=3))
def test_what_is_open_is_the_window_without_the_quiet_hours(
    window: list[str], quiet: list[str]
) -> None:
    """Minute by minute; in stretches that are in order and do not touch."""
    windowed, silent = ", ".join(window), ", ".join(quiet) or None
    found = open_week(silent, windowed)
    assert minutes(found) == minutes(hours(windowed)) - minutes(hours(silent or "off"))
    for begin, end in found:
        assert 0 <= begin < end <= 7 * DAY
    assert list(found) == sorted(found)
