"""Zones: their names, and what is meant by times that do not exist or exist twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.zones import changes, instant_of, maybe_zone, zone_of
from recado.errors import UnknownZone

MADRID = ZoneInfo("Europe/Madrid")
ZONES = sorted(available_timezones())


def wall(year: int, month: int = 1, day: int = 1, hour: int = 0, minute: int = 0) -> datetime:
    """What a clock on a wall shows."""
    return datetime(year, month, day, hour, minute)  # noqa: DTZ001 - it shows no zone


@pytest.mark.parametrize("name", ["Europe/Madrid", "europe/madrid", " EUROPE/MADRID "])
def test_a_zone_is_found_whatever_the_case(name: str) -> None:
    """The name that is kept is that of the database."""
    assert zone_of(name).key == "Europe/Madrid"
    assert zone_of("america/new york").key == "America/New_York"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("Europe/Madird", "Europe/Madrid"), ("madrid", "Europe/Madrid"), ("Berln", "Europe/Berlin")],
)
def test_a_misspelt_zone_is_answered_with_the_one_that_was_meant(name: str, meant: str) -> None:
    """By its name or by its city's."""
    with pytest.raises(UnknownZone, match=f"did you mean {meant}") as refused:
        zone_of(name)
    assert refused.value.meant == meant


@pytest.mark.parametrize("name", ["", "Mars/Base", "../etc/passwd", "x" * 100_000])
def test_what_is_no_zone_is_refused(name: str) -> None:
    """With how to write one; nothing but names is looked up."""
    with pytest.raises(UnknownZone, match="Europe/Madrid, or UTC"):
        zone_of(name)
    assert maybe_zone(name) is None


def test_a_time_that_clocks_skip_is_the_first_instant_after_the_gap() -> None:
    """In Madrid 02:30 on 29 March 2026 does not exist: 03:00 follows 01:59."""
    gap = wall(2026, 3, 29, 2, 30)
    assert instant_of(gap, MADRID) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_time_that_clocks_show_twice_is_the_first() -> None:
    """In Madrid 02:30 on 25 October 2026 comes twice, an hour apart."""
    fold = wall(2026, 10, 25, 2, 30)
    assert instant_of(fold, MADRID) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert instant_of(fold.replace(fold=1), MADRID) == instant_of(fold, MADRID)


@given(
    st.sampled_from(ZONES),
    st.datetimes(min_value=wall(1975), max_value=wall(2037)),
)
def test_an_instant_is_the_first_at_which_clocks_have_come_so_far(
    name: str, shown_at: datetime
) -> None:
    """Before it they have not shown that time on that day; from it on they have, or a later one."""
    zone = ZoneInfo(name)
    shown_at = shown_at.replace(microsecond=0)
    instant = instant_of(shown_at, zone)
    shown = instant.astimezone(zone).replace(tzinfo=None, fold=0)
    before = (instant - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None, fold=0)
    assert before < shown_at <= shown
    # Nothing is earlier that shows it too.
    day_before = instant - timedelta(days=1, hours=1)
    for step in range(25 * 60):
        at = day_before + timedelta(minutes=step)
        if at < instant:
            assert at.astimezone(zone).replace(tzinfo=None, fold=0) != shown_at


def test_changes_are_found_to_the_second() -> None:
    """Two a year in Madrid; none in UTC; one that skips a whole day in Samoa."""
    year = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert changes(*year, MADRID) == [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
    ]
    assert changes(*year, ZoneInfo("UTC")) == []
    end_of_2011 = (datetime(2011, 12, 1, tzinfo=UTC), datetime(2012, 1, 15, tzinfo=UTC))
    assert changes(*end_of_2011, ZoneInfo("Pacific/Apia")) == [
        datetime(2011, 12, 30, 10, tzinfo=UTC)
    ]
