"""Moments and rules as people read them, which are understood when people write them so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from recado.domain.words import moment_of
from recado.domain.words.telling import Language, cron_told, every_told, moment_told, rrule_told
from recado.domain.zones import instant_of

NOW: Final = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
LANGUAGES: Final[tuple[Language, ...]] = ("en", "es")
ZONES: Final = ("UTC", "Europe/Madrid", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")


@pytest.mark.parametrize(
    ("at", "english", "spanish"),
    [
        (
            datetime(2026, 11, 27, 16, 5, tzinfo=UTC),
            "on Friday 27 November at 17:05",
            "el viernes 27 de noviembre a las 17:05",
        ),
        (
            datetime(2027, 1, 1, 0, 0, tzinfo=UTC),
            "on Friday 1 January 2027 at 01:00",
            "el viernes 1 de enero de 2027 a la 01:00",
        ),
        (
            datetime(2026, 12, 31, 23, 0, tzinfo=UTC),
            "on Friday 1 January 2027 at 00:00",
            "el viernes 1 de enero de 2027 a las 00:00",
        ),
        (
            NOW + timedelta(seconds=10),
            "on Wednesday 25 November at 10:30:10",
            "el miércoles 25 de noviembre a las 10:30:10",
        ),
    ],
)
def test_moments(at: datetime, english: str, spanish: str) -> None:
    """On the clock of their zone, with the year where it is another one, and with seconds soon."""
    zone = ZoneInfo("Europe/Madrid")
    assert moment_told(at, NOW, zone, "en") == english
    assert moment_told(at, NOW, zone, "es") == spanish


@pytest.mark.parametrize(
    ("cron", "english", "spanish"),
    [
        ("0 9 * * *", "every day at 09:00", "cada día a las 09:00"),
        ("30 18 * * 1,4", "every Monday and Thursday at 18:30", "cada lunes y jueves a las 18:30"),
        ("0 8 * * 0", "every Sunday at 08:00", "cada domingo a las 08:00"),
        ("0 1 * * 1-5", "from Monday to Friday at 01:00", "de lunes a viernes a la 01:00"),
        ("0 9 5 * *", "on day 5 of every month at 09:00", "el día 5 de cada mes a las 09:00"),
        ("0 9 24 12 *", "every 24 December at 09:00", "cada 24 de diciembre a las 09:00"),
        (
            "5 7 * * 1,3,5",
            "every Monday, Wednesday and Friday at 07:05",
            "cada lunes, miércoles y viernes a las 07:05",
        ),
    ],
)
def test_rules(cron: str, english: str, spanish: str) -> None:
    """Cron expressions that words make are told in words."""
    assert cron_told(cron, "en") == english
    assert cron_told(cron, "es") == spanish


@pytest.mark.parametrize("cron", ["*/5 * * * *", "0 9 1 * 1", "0 9 * 5 *", "0 9-17 * * *", "x"])
def test_other_rules_are_not_told(cron: str) -> None:
    """Those that nobody says."""
    assert [cron_told(cron, language) for language in LANGUAGES] == [None, None]


@pytest.mark.parametrize(
    ("every", "english", "spanish"),
    [
        (timedelta(hours=1), "every 1 hour", "cada 1 hora"),
        (timedelta(minutes=90), "every 1 hour and 30 minutes", "cada 1 hora y 30 minutos"),
        (timedelta(days=2, seconds=1), "every 2 days and 1 second", "cada 2 días y 1 segundo"),
    ],
)
def test_intervals(every: timedelta, english: str, spanish: str) -> None:
    """In the largest units that say them exactly."""
    assert [every_told(every, language) for language in LANGUAGES] == [english, spanish]


@pytest.mark.parametrize(
    ("rule", "english", "spanish"),
    [
        ("DTSTART:20261125T180000\nRRULE:FREQ=DAILY;INTERVAL=2", "every 2 days", "cada 2 días"),
        ("FREQ=WEEKLY;INTERVAL=3", "every 3 weeks", "cada 3 semanas"),
        ("FREQ=WEEKLY;INTERVAL=1", "every week", "cada semana"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", None, None),
        ("FREQ=MONTHLY;INTERVAL=2", None, None),
    ],
)
def test_days_and_weeks_apart(rule: str, english: str | None, spanish: str | None) -> None:
    """Recurrence rules that words make are told in words, and no others."""
    assert [rrule_told(rule, language) for language in LANGUAGES] == [english, spanish]


@given(
    st.datetimes(datetime(2026, 11, 26), datetime(2036, 1, 1)),  # noqa: DTZ001 - on a wall
    st.sampled_from(ZONES),
    st.sampled_from(LANGUAGES),
)
def test_what_is_told_is_understood(wall: datetime, zone_name: str, language: Language) -> None:
    """Whoever writes a moment as it is told means that moment, in both languages."""
    zone = ZoneInfo(zone_name)
    at = instant_of(wall.replace(second=0, microsecond=0), zone)
    assume(at > NOW + timedelta(days=1))
    told = moment_told(at, NOW, zone, language)
    assert moment_of(f"{told}: x", NOW, zone).at == at


@given(
    st.integers(0, 59),
    st.integers(0, 23),
    st.one_of(
        st.just("* * *"),
        st.just("* * 1-5"),
        st.sets(st.integers(0, 6), min_size=1, max_size=4).map(
            lambda days: f"* * {','.join(map(str, sorted(days)))}"
        ),
        st.integers(1, 28).map(lambda day: f"{day} * *"),
    ),
    st.sampled_from(LANGUAGES),
)
def test_rules_that_are_told_are_understood(
    minute: int, hour: int, days: str, language: Language
) -> None:
    """Whoever writes a rule as it is told means that rule."""
    cron = f"{minute} {hour} {days}"
    told = cron_told(cron, language)
    assert told is not None
    assert moment_of(f"{told}: x", NOW, ZoneInfo("UTC")).cron == cron
