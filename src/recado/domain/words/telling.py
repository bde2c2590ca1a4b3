"""Moments and rules as people read them: ``on Friday 28 November at 09:00``, ``cada lunes``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

Language = Literal["en", "es"]

_DAYS: Final[dict[str, tuple[str, ...]]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
_MONTHS: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        *("January", "February", "March", "April", "May", "June", "July", "August"),
        *("September", "October", "November", "December"),
    ),
    "es": (
        *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto"),
        *("septiembre", "octubre", "noviembre", "diciembre"),
    ),
}
_UNITS: Final = (
    (86_400, {"en": ("day", "days"), "es": ("día", "días")}),
    (3_600, {"en": ("hour", "hours"), "es": ("hora", "horas")}),
    (60, {"en": ("minute", "minutes"), "es": ("minuto", "minutos")}),
    (1, {"en": ("second", "seconds"), "es": ("segundo", "segundos")}),
)
#: What :func:`~recado.domain.words.moment_of` makes of days.
_CRON: Final = re.compile(
    r"(?P<minute>\d+) (?P<hour>\d+) (?P<day>\d+|\*) (?P<month>\d+|\*) (?P<weekdays>[0-6,]+|1-5|\*)"
)

#: The same of days and weeks apart.
_APART: Final = re.compile(r"(?:^|[:\n])FREQ=(?P<frequency>DAILY|WEEKLY);INTERVAL=(?P<count>\d+)$")
_STEPS: Final = {
    "DAILY": {"en": ("day", "days"), "es": ("día", "días")},
    "WEEKLY": {"en": ("week", "weeks"), "es": ("semana", "semanas")},
}


def moment_told(at: datetime, now: datetime, zone: ZoneInfo, language: Language) -> str:
    """A moment in a zone, with its year where that is another one than now's.

    One that is less than a minute away has its seconds.

    Args:
        at: the moment.
        now: the present one.
        zone: whose clocks tell it.
        language: in which to tell it.
    """
    told = day_told(at, now, zone, language)
    return f"el {told}" if language == "es" else f"on {told}"


def day_told(at: datetime, now: datetime, zone: ZoneInfo, language: Language) -> str:
    """The same without the word before the day."""
    local = at.astimezone(zone)
    soon = timedelta() < at - now < timedelta(minutes=1)
    clock = _at(local.hour, local.minute, language) + (f":{local.second:02}" if soon else "")
    day, month = _DAYS[language][local.weekday()], _MONTHS[language][local.month - 1]
    another = local.year != now.astimezone(zone).year
    if language == "es":
        year = f" de {local.year}" if another else ""
        return f"{day} {local.day} de {month}{year} {clock}"
    year = f" {local.year}" if another else ""
    return f"{day} {local.day} {month}{year} {clock}"


def cron_told(expression: str, language: Language) -> str | None:
    """A cron expression as people say it; None if it is none that people say."""
    found = _CRON.fullmatch(expression)
    if found is None:
        return None
    at = _at(int(found["hour"]), int(found["minute"]), language)
    days = _days_told(found["day"], found["month"], found["weekdays"], language)
    return None if days is None else f"{days} {at}"


def every_told(every: timedelta, language: Language) -> str:
    """The time between two, in the largest units that say it exactly."""
    left, parts = int(every.total_seconds()), []
    for size, names in _UNITS:
        count, left = divmod(left, size)
        if count:
            one, many = names[language]
            parts.append(f"{count} {one if count == 1 else many}")
    prefix = "cada" if language == "es" else "every"
    return f"{prefix} {_listed(parts, language)}"


def rrule_told(text: str, language: Language) -> str | None:
    """A recurrence rule as people say it; None if it is none that people say."""
    found = _APART.search(text)
    if found is None:
        return None
    count = int(found["count"])
    one, many = _STEPS[found["frequency"]][language]
    if language == "es":
        return f"cada {one}" if count == 1 else f"cada {count} {many}"
    return f"every {one}" if count == 1 else f"every {count} {many}"


def _days_told(day: str, month: str, weekdays: str, language: Language) -> str | None:
    spanish = language == "es"
    match (day, month, weekdays):
        case ("*", "*", "*"):
            return "cada día" if spanish else "every day"
        case ("*", "*", "1-5"):
            return "de lunes a viernes" if spanish else "from Monday to Friday"
        case ("*", "*", numbers):
            names = [_DAYS[language][(int(number) - 1) % 7] for number in numbers.split(",")]
            return f"{'cada' if spanish else 'every'} {_listed(names, language)}"
        case (_, "*", "*"):
            return f"el día {day} de cada mes" if spanish else f"on day {day} of every month"
        case (_, _, "*") if day != "*" and 1 <= int(month) <= 12:
            name = _MONTHS[language][int(month) - 1]
            return f"cada {day} de {name}" if spanish else f"every {day} {name}"
        case _:
            return None


def _at(hour: int, minute: int, language: Language) -> str:
    if language == "es":
        return f"a la{'' if hour == 1 else 's'} {hour:02}:{minute:02}"
    return f"at {hour:02}:{minute:02}"


def _listed(names: Sequence[str], language: Language) -> str:
    *some, last = names
    joined = " y " if language == "es" else " and "
    return joined.join((", ".join(some), last)) if some else last
