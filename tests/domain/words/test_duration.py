"""How long people say, in English and Spanish."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.words import duration_of
from recado.domain.words.duration import LONGEST

MINUTE = 60
HOUR = 3_600
DAY = 86_400

SAID = {
    "2h": 2 * HOUR,
    "2 h": 2 * HOUR,
    "2H.": 2 * HOUR,
    "90m": 90 * MINUTE,
    "2h30": 2.5 * HOUR,
    "2h30m": 2.5 * HOUR,
    "1h 30min": 1.5 * HOUR,
    "1d 2h": DAY + 2 * HOUR,
    "45s": 45,
    "10 minutes": 10 * MINUTE,
    "ten minutes": 10 * MINUTE,
    "twenty-five minutes": 25 * MINUTE,
    "twenty five minutes": 25 * MINUTE,
    "forty minutes": 40 * MINUTE,
    "an hour": HOUR,
    "a day": DAY,
    "one hour": HOUR,
    "half an hour": 0.5 * HOUR,
    "half a day": 0.5 * DAY,
    "a quarter of an hour": 0.25 * HOUR,
    "three quarters of an hour": 0.75 * HOUR,
    "an hour and a half": 1.5 * HOUR,
    "one and a half hours": 1.5 * HOUR,
    "2 and a half hours": 2.5 * HOUR,
    "1.5 hours": 1.5 * HOUR,
    "0.5h": 0.5 * HOUR,
    "a couple of hours": 2 * HOUR,
    "2 hours and 15 minutes": 2.25 * HOUR,
    "2 hours, 15 minutes": 2.25 * HOUR,
    "1 week and 2 days": 9 * DAY,
    "for 2 hours": 2 * HOUR,
    "for the next 3 days": 3 * DAY,
    "two weeks": 14 * DAY,
    "10 minutos": 10 * MINUTE,
    "diez minutos": 10 * MINUTE,
    "treinta y cinco minutos": 35 * MINUTE,
    "veintiún días": 21 * DAY,
    "una hora": HOUR,
    "una hora y media": 1.5 * HOUR,
    "hora y media": 1.5 * HOUR,
    "dos horas y media": 2.5 * HOUR,
    "dos horas y cuarto": 2.25 * HOUR,
    "media hora": 0.5 * HOUR,
    "un cuarto de hora": 0.25 * HOUR,
    "tres cuartos de hora": 0.75 * HOUR,
    "1,5 horas": 1.5 * HOUR,
    "un par de horas": 2 * HOUR,
    "2 días": 2 * DAY,
    "2 dias": 2 * DAY,
    "un día y medio": 1.5 * DAY,
    "una semana": 7 * DAY,
    "1 hora y 20 minutos": HOUR + 20 * MINUTE,
    "durante dos horas": 2 * HOUR,
    "por 2 horas": 2 * HOUR,
    "¡2 horas!": 2 * HOUR,
}


@pytest.mark.parametrize("text", SAID)
def test_durations(text: str) -> None:
    """Each is what people mean by it."""
    assert duration_of(text) == timedelta(seconds=SAID[text])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2",
        "h",
        "hora",
        "hours",
        "0 minutes",
        "0h",
        "-2h",
        "2h ago",
        "2 minutes 3 hours",
        "2 hours 3 hours",
        "2h 2x",
        "2h3x",
        "1/2 hour",
        "2 months",
        "un año",
        "two",
        "2 hours of work",
        "9999999 weeks",
        "99999999999999999999 hours",
        "1.5.2 hours",
        "2h300000000000000000000",
        "٣ hours",
        "½ hour",
        "a",
        "y media",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    """What is not understood to the last word is no duration, and none is ever made up."""
    assert duration_of(text) is None


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    """Whatever the text, there is a duration within bounds or none."""
    found = duration_of(text)
    assert found is None or timedelta() < found <= LONGEST


@given(st.integers(1, 500), st.sampled_from(["h", " hours", " horas", "hr"]))
def test_counts_are_taken_as_they_are(count: int, unit: str) -> None:
    """As many hours as were said."""
    assert duration_of(f"{count}{unit}") == timedelta(hours=count)
