"""When something is meant: understood as people mean it, or refused, never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.schedule import Recurrence
from recado.domain.words import Understood, dates, moment_of
from recado.domain.words.duration import LONGEST
from recado.errors import AmbiguousMoment, MomentNotUnderstood, MomentPast
from tests.domain.words.said import ENGLISH, NOW, SPANISH, ZONE

MADRID = ZoneInfo(ZONE)
MEANT = {said: meaning for said, meaning in (ENGLISH | SPANISH).items() if meaning}


def understood(text: str, now: datetime = NOW, zone: ZoneInfo = MADRID) -> tuple[str, str]:
    """What is understood of *text*, as local time, and what is left."""
    found = moment_of(text, now, zone)
    assert found.at is not None
    assert found.cron is None
    assert found.every is None
    return f"{found.at.astimezone(zone):%Y-%m-%d %H:%M}", found.left


@pytest.mark.parametrize("said", MEANT)
def test_what_is_meant(said: str) -> None:
    """Alone, in front of what is to be said, and behind it, with or without small words."""
    meaning = MEANT[said]
    assert understood(said) == (meaning, "")
    assert understood(f"{said} to call Ana") == (meaning, "call Ana")
    assert understood(f"{said} llamar a José") == (meaning, "llamar a José")
    assert understood(f"{said}: ¡Llamar!") == (meaning, "¡Llamar!")
    assert understood(f"to call Ana {said}") == (meaning, "call Ana")
    assert understood(f"que llame a José, {said}!") == (meaning, "llame a José")
    assert understood(f"¡{said.upper()}, por favor!") == (meaning, "")


@pytest.mark.parametrize("said", [said for said, at in (ENGLISH | SPANISH).items() if not at])
def test_what_means_nothing(said: str) -> None:
    """Phrases that look like a moment and are none that is clear."""
    with pytest.raises((MomentNotUnderstood, AmbiguousMoment)):
        moment_of(said, NOW, MADRID)


LEFT = {
    "in 10 minutes to buy 5 eggs": "buy 5 eggs",
    "in 10 minutes, to buy 5 eggs.": "buy 5 eggs.",
    "tomorrow at 9 - call Ana. Then at 10 call Ben": "call Ana. Then at 10 call Ben",
    "tomorrow at 9 about the meeting on Friday": "the meeting on Friday",
    "tomorrow at 9 that it's Friday": "it's Friday",
    "mañana a las 9 de llamar a Ana": "llamar a Ana",
    "mañana a las 9 de que llame a Ana": "llame a Ana",
    "en 10 minutos para que saque el pan": "saque el pan",
    "to read 1984 tomorrow at 9": "read 1984",
    "el informe mañana a las 9": "el informe",
    "pagar 300 euros mañana": "pagar 300 euros",
    "please, in 10 minutes: tea": "tea",
    "tea in 10 minutes, please": "tea",
    "to prepare Monday's meeting tomorrow at 9": "prepare Monday's meeting",
    "tomorrow at 9 to buy tickets for the concert on 24 December": (
        "buy tickets for the concert on 24 December"
    ),
    "in 10 minutes\nto  call\n Ana": "call\n Ana",
    "tomorrow to prepare the meeting on Friday": "prepare the meeting on Friday",
    "tomorrow: prepare the meeting on Friday": "prepare the meeting on Friday",
    "tomorrow to pay before 18:00": "pay before 18:00",
    'tomorrow at 9 "call" Ana': '"call" Ana',
    "tomorrow at 9 \U0001f383 party": "\U0001f383 party",
    "el viernes para que pague antes de las 18:00": "pague antes de las 18:00",
    "every monday to call Ana tomorrow": "call Ana tomorrow",
}


@pytest.mark.parametrize("said", LEFT)
def test_what_is_left(said: str) -> None:
    """The words that are to be said are the person's own, untouched."""
    assert moment_of(said, NOW, MADRID).left == LEFT[said]


AMBIGUOUS = {
    "at 5 to call Ana": ("05:00", "17:00"),
    "tomorrow at 6:30": ("06:30", "18:30"),
    "mañana a las 5": ("05:00", "17:00"),
    "a la una": ("01:00", "13:00"),
    "every day at 5": ("05:00", "17:00"),
    "at 9": ("2026-11-25 21:00", "2026-11-26 09:00"),
    "a las 10:30": ("2026-11-25 22:30", "2026-11-26 10:30"),
    "next friday": ("2026-11-27", "2026-12-04"),
    "on 3/4 to pay": ("2027-03-04", "2027-04-03"),
    "el 3/4/2027": ("2027-03-04", "2027-04-03"),
    "tomorrow at midnight": ("2026-11-26 00:00", "2026-11-27 00:00"),
    "every monday at midnight": ("00:00", "24:00"),
    "mañana a las 12:30 de la noche llamar": ("2026-11-26 00:30", "2026-11-27 00:30"),
    "tomorrow to call Ana at 9:30": ("2026-11-26 09:00", "2026-11-26 09:30"),
    "every day to be at work at 8": ("09:00", "08:00"),
}


@pytest.mark.parametrize("said", AMBIGUOUS)
def test_what_can_mean_two_things(said: str) -> None:
    """It is refused, and both are named."""
    with pytest.raises(AmbiguousMoment, match="say which") as refused:
        moment_of(said, NOW, MADRID)
    assert refused.value.readings == AMBIGUOUS[said]


@pytest.mark.parametrize(
    "said",
    [
        "on 24 November 2026 to call",
        "on 25 November at 9 to call",
        "today at 8 to call",
        "esta mañana llamar",
        "el 1 de enero de 2020 llamar",
        "in 0 minutes",
        "yesterday to call",
        "Yesterday at 9 to call",
        "ayer a las 18:30 llamar",
        "anteayer llamar",
    ],
)
def test_what_is_past(said: str) -> None:
    """It is refused with the moment that was understood."""
    with pytest.raises(MomentPast, match="is past: choose a time to come") as refused:
        moment_of(said, NOW, MADRID)
    assert refused.value.at <= NOW


@pytest.mark.parametrize(
    "said",
    [
        "",
        " \n",
        "...",
        "to call Ana",
        "soon to call Ana",
        "call me maybe",
        # digits or words of the moment that are left over
        "in 10 minutes 5",
        "in 10 minutes 5 eggs",
        "tomorrow at 9 30 tickets",
        "tomorrow 9 to call",
        "at 9 or 10 to call",
        "at nine ten to call",
        "between 9 and 10 to call",
        "at 9-10 to call",
        "at 18:00:30 to call",
        "at 9pm 5 to call",
        "tomorrow at 9 Friday report",
        "a las 9 de mañana llamar",
        "monday next week to call",
        "on monday through friday at 9 to call",
        "every day except sunday at 9 to call",
        "every day for a week to call",
        "every monday from december to call",
        "tomorrow at 9 for 2 weeks to call",
        "tomorrow and friday at 9 to call",
        "in 10 minutes and again in 20 to call",
        "at 18:00 UTC to call",
        "at 18:00 (UTC) to call",
        "tomorrow at 9 Paris time to call",
        "at 9am and 5pm to call",
        "11h to call",
        "to open room b18:00",
        "at 0930 to call",
        "on 24/12/26 to call",
        "on 24 December 26 to call",
        "el lunes de la semana que viene llamar",
        "el martes y jueves a las 18:00 gimnasio",
        "2026-11-26T09:00+01:00 call",
        "2026-11-26T09:00Z call",
        "in an hour or so to call",
        "tomorrow at lunchtime to call",
        "tomorrow before lunch",
        "mañana temprano llamar",
        "sun cream in 10 minutes",
        "tomorrow call Ana on Friday",
        # no such time or date
        "tomorrow at 25:00 to call",
        "tomorrow at 9:75 to call",
        "tomorrow at 13 am to call",
        "tomorrow morning at 18:00 to call",
        "tonight at 3 to call",
        "esta tarde a las 09:00 llamar",
        "tomorrow evening at 9 in the morning",
        "on 31 November to call",
        "on 31/02 to call",
        "on 29 February 2027 to call",
        "on Monday 27 November to call",
        "el viernes 28 a las 9 llamar",
        "mañana a primera hora llamar",
        "el 31 de noviembre pagar",
        "the 31st of November to pay",
        "november 31 to call at 18:00",
        "to call on 31 november at 18:00",
        "pay on the 31st of November at 18:00",
        "to call next week at 18:00",
        "to buy tickets for the concert on 24 December tomorrow at 9",
        "call yesterday, at 18:00",
        # not understood at all, whatever stands behind
        "in 10 fortnights to call at 9:00",
        "yesterday's mail to read",
        "in -5 minutes to call",
        "in ten to call",
        "around 9 to call",
        "next week to call",
        "la semana que viene llamar",
        "today to call",
        "hoy llamar",
        "in the morning to call",
        "on christmas to call at 18:00",
        "el próximo mes llamar a las 18:00",
        # about a time, not at it
        "call Ana about Friday",
        "the report about Friday at 9",
        "to pay by Friday",
        "that it's Friday",
        "meet at 9 or at 10",
        # too far
        "in 99999 years to call",
        "in 20 years to call",
        "on 24 December 2150 to call",
        "in 9999999 weeks to call",
        # rules that would not be what was meant
        "every 2 weeks to pay",
        "every week to pay",
        "every 0 days to pay",
        "every 100 days to pay",
        "every 3 months to pay",
        "every second to drink",
        "every 30 seconds to drink",
        "every month on the 31st to pay",
        "every year on 24 December 2027",
        # signs that are no words
        "at \uff11\uff18:00 to call",
        "in ½ hour",
        "in ٣ hours",
    ],
)
def test_what_is_not_understood(said: str) -> None:
    """It is refused with one sentence that shows what would be understood."""
    with pytest.raises(MomentNotUnderstood, match="write it as 'in 10 minutes'"):
        moment_of(said, NOW, MADRID)


REPEATING: dict[str, str | timedelta] = {
    "every day at 9": "0 9 * * *",
    "every day": "0 9 * * *",
    "each day at noon": "0 12 * * *",
    "daily at 9:30": "30 9 * * *",
    "every day at midnight": "0 0 * * *",
    "every morning": "0 9 * * *",
    "every morning at 6": "0 6 * * *",
    "every evening at 8": "0 20 * * *",
    "every night at 10:30": "30 22 * * *",
    "every monday at 9": "0 9 * * 1",
    "every Sunday at 18:00": "0 18 * * 0",
    "every Monday and Thursday at 18:30": "30 18 * * 1,4",
    "every mon, wed and fri at 7": "0 7 * * 1,3,5",
    "every weekday at 8": "0 8 * * 1-5",
    "on weekdays at 8": "0 8 * * 1-5",
    "every weekend at 11": "0 11 * * 0,6",
    "on Mondays at 9": "0 9 * * 1",
    "Mondays at 9": "0 9 * * 1",
    "every night at 12": "0 0 * * *",
    "every month on the 1st at 9": "0 9 1 * *",
    "on the 1st of every month": "0 9 1 * *",
    "every year on 24 December at 8": "0 8 24 12 *",
    "at 9 every monday": "0 9 * * 1",
    "every friday at 5pm": "0 17 * * 5",
    "every friday afternoon": "0 15 * * 5",
    "every week on friday at 9": "0 9 * * 5",
    "cada semana el lunes a las 9": "0 9 * * 1",
    "every hour": timedelta(hours=1),
    "every 2 hours": timedelta(hours=2),
    "every 30 minutes": timedelta(minutes=30),
    "every half hour": timedelta(minutes=30),
    "cada día a las 9": "0 9 * * *",
    "todos los días a las 9": "0 9 * * *",
    "todos los dias a las 9 de la noche": "0 21 * * *",
    "cada lunes a las 9": "0 9 * * 1",
    "cada sábado a mediodía": "0 12 * * 6",
    "todos los lunes a las 9 y media": "30 9 * * 1",
    "los martes y jueves a las 18:00": "0 18 * * 2,4",
    "de lunes a viernes a las 8": "0 8 * * 1-5",
    "todos los días laborables a las 8": "0 8 * * 1-5",
    "entre semana a las 8": "0 8 * * 1-5",
    "cada mañana a las 8": "0 8 * * *",
    "todas las tardes a las 7": "0 19 * * *",
    "todas las noches": "0 21 * * *",
    "cada mes el día 5": "0 9 5 * *",
    "el día 1 de cada mes a las 10": "0 10 1 * *",
    "cada año el 24 de diciembre": "0 9 24 12 *",
    "cada 2 horas": timedelta(hours=2),
    "cada hora": timedelta(hours=1),
    "cada media hora": timedelta(minutes=30),
}


@pytest.mark.parametrize("said", REPEATING)
def test_again_and_again(said: str) -> None:
    """Days are a cron expression, intervals a duration; in front of what is to be said or after."""
    meant = REPEATING[said]
    rule = {"cron": meant} if isinstance(meant, str) else {"every": meant}
    assert moment_of(said, NOW, MADRID) == Understood("", **rule)
    assert moment_of(f"{said} to drink", NOW, MADRID) == Understood("drink", **rule)
    assert moment_of(f"beber agua {said}", NOW, MADRID) == Understood("beber agua", **rule)


APART = {
    "every 2 days at 18:00": "DTSTART:20261125T180000\nRRULE:FREQ=DAILY;INTERVAL=2",
    "every 2 days at 9am": "DTSTART:20261126T090000\nRRULE:FREQ=DAILY;INTERVAL=2",
    "every other day": "DTSTART:20261126T090000\nRRULE:FREQ=DAILY;INTERVAL=2",
    "every 3 days in the evening": "DTSTART:20261125T190000\nRRULE:FREQ=DAILY;INTERVAL=3",
    "every 2 days at midnight": "DTSTART:20261126T000000\nRRULE:FREQ=DAILY;INTERVAL=2",
    "every other monday at 8": "DTSTART:20261130T080000\nRRULE:FREQ=WEEKLY;INTERVAL=2",
    "every 2 weeks on friday": "DTSTART:20261127T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2",
    "cada dos días a las 18:00": "DTSTART:20261125T180000\nRRULE:FREQ=DAILY;INTERVAL=2",
    "cada 3 días": "DTSTART:20261126T090000\nRRULE:FREQ=DAILY;INTERVAL=3",
    "cada dos lunes a las 9": "DTSTART:20261130T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2",
    "cada 2 semanas el viernes": "DTSTART:20261127T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2",
}


@pytest.mark.parametrize("said", APART)
def test_so_many_days_or_weeks_apart(said: str) -> None:
    """They are a recurrence rule, and begin with the next day that there could be."""
    assert moment_of(f"{said} to drink", NOW, MADRID) == Understood("drink", rrule=APART[said])
    assert moment_of(f"beber agua {said}", NOW, MADRID).rrule == APART[said]
    Recurrence.read(APART[said], MADRID, datetime(2026, 11, 25, 10, 30))  # noqa: DTZ001 - a wall


@pytest.mark.parametrize("read", [date(2026, 12, 23), date(2027, 12, 24), date(2025, 12, 24), None])
def test_the_library_is_not_believed(monkeypatch: pytest.MonkeyPatch, read: date | None) -> None:
    """What reads the names of months is refused where it does not repeat the numbers."""
    monkeypatch.setattr(dates, "_read", lambda *_: read)
    with pytest.raises(MomentNotUnderstood):
        moment_of("on 24 December 2026 to call", NOW, MADRID)


def test_the_table_is_large() -> None:
    """Both languages are held to many phrases."""
    assert min(len(ENGLISH), len(SPANISH)) > 75


@pytest.mark.parametrize(
    ("said", "now", "instant"),
    [
        # On 28 March 2027 clocks go from 02:00 to 03:00: what is skipped is the instant after.
        ("tomorrow at 02:30", datetime(2027, 3, 27, 9, tzinfo=UTC), "2027-03-28 01:00"),
        ("tomorrow at 03:00", datetime(2027, 3, 27, 9, tzinfo=UTC), "2027-03-28 01:00"),
        # On 31 October 2027 from 03:00 to 02:00: what is shown twice is the first.
        ("tomorrow at 02:30", datetime(2027, 10, 30, 9, tzinfo=UTC), "2027-10-31 00:30"),
        # A day later is the same time on the wall, an hour later is an hour.
        ("in 1 day", datetime(2027, 3, 27, 9, tzinfo=UTC), "2027-03-28 08:00"),
        ("in 24 hours", datetime(2027, 3, 27, 9, tzinfo=UTC), "2027-03-28 09:00"),
        ("in 1 month", datetime(2027, 1, 31, 9, tzinfo=UTC), "2027-02-28 09:00"),
        ("in a year", datetime(2028, 2, 29, 9, tzinfo=UTC), "2029-02-28 09:00"),
        # Between two and three that night the second time has come, the first is past.
        ("at 02:45", datetime(2027, 10, 31, 1, 30, tzinfo=UTC), "2027-11-01 01:45"),
    ],
)
def test_when_clocks_are_changed(said: str, now: datetime, instant: str) -> None:
    """Times that do not exist or exist twice have the answer that schedules give."""
    at = moment_of(said, now, MADRID).at
    assert f"{at:%Y-%m-%d %H:%M}" == instant


@pytest.mark.parametrize(
    ("zone", "meant"),
    [("Pacific/Auckland", "2026-11-27"), (ZONE, "2026-11-26"), ("Pacific/Honolulu", "2026-11-25")],
)
def test_the_day_is_that_of_the_zone(zone: str, meant: str) -> None:
    """Tomorrow in Auckland is not tomorrow in Honolulu."""
    now = datetime(2026, 11, 25, 9, 30, tzinfo=UTC) + timedelta(hours=2)
    now -= timedelta(hours=2) if zone == "Pacific/Honolulu" else timedelta(0)
    assert understood("tomorrow at noon", now, ZoneInfo(zone))[0] == f"{meant} 12:00"


def test_seconds_count() -> None:
    """So long from now is from this very moment."""
    now = NOW + timedelta(seconds=12, microseconds=5)
    assert moment_of("in 10 minutes", now, MADRID).at == now + timedelta(minutes=10)


_WORDS = """
    to that about para que de at on in en a las the 9 24 30 5 12 2027 : , . - / h am pm mañana
    noche tomorrow friday viernes every cada december mayo half past y media \u00bf \u00bd \u0301
"""
_PIECES = st.sampled_from(
    [*ENGLISH, *SPANISH, *REPEATING, *AMBIGUOUS, *_WORDS.split(), "call Ana", "una hora", "\n"]
)
ZONES = st.sampled_from(["UTC", ZONE, "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.lists(_PIECES, max_size=8).map(" ".join) | st.text(max_size=60), MOMENTS, ZONES)
def test_whatever_is_said(text: str, now: datetime, zone: str) -> None:
    """It is understood as one thing in reach of ten years, or refused with a sentence."""
    try:
        found = moment_of(text, now, ZoneInfo(zone))
    except (MomentNotUnderstood, AmbiguousMoment, MomentPast):
        return
    assert [found.at, found.cron, found.rrule, found.every].count(None) == 3
    assert found.at is None or now < found.at <= now + LONGEST
    assert found.every is None or found.every >= timedelta(minutes=1)


@given(
    st.integers(0, 23),
    st.integers(0, 59),
    MOMENTS,
    ZONES,
    st.sampled_from(["tomorrow at {}", "at {} tomorrow", "mañana a las {}", "mañana, a las {}"]),
)
def test_times_of_tomorrow(hour: int, minute: int, now: datetime, zone: str, form: str) -> None:
    """Every time of the clock that exists is taken as it is, on the day after today."""
    info = ZoneInfo(zone)
    at = moment_of(form.format(f"{hour:02}:{minute:02}"), now, info).at
    assert at is not None
    day = now.astimezone(info).date() + timedelta(days=1)
    shown = at.astimezone(info)
    wall = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - as on a wall
    exists = wall.replace(tzinfo=info).astimezone(UTC).astimezone(info).replace(tzinfo=None) == wall
    assert shown.replace(tzinfo=None) == wall or not exists
