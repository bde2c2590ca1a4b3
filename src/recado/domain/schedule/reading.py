"""Reading recurrence rules as RFC 5545 writes them: lines, parts and dates (§3.3.10, §3.8.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from dateutil import rrule as dateutil_rrule

from recado.domain.schedule.walls import wall_of
from recado.domain.zones import zone_of
from recado.errors import InvalidSchedule

#: Nobody writes a longer one.
_LONGEST: Final = 10_000
_FREQUENCIES: Final = ("SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
#: Each part with its name in the library, and from where to where its numbers go.
_NUMBERS: Final = {
    "BYSECOND": ("bysecond", 0, 59),
    "BYMINUTE": ("byminute", 0, 59),
    "BYHOUR": ("byhour", 0, 23),
    "BYMONTHDAY": ("bymonthday", -31, 31),
    "BYYEARDAY": ("byyearday", -366, 366),
    "BYWEEKNO": ("byweekno", -53, 53),
    "BYMONTH": ("bymonth", 1, 12),
    "BYSETPOS": ("bysetpos", -366, 366),
}
_STAMP: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z?))?")
_DAY: Final = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
#: Occurrences are never nearer to each other than this many seconds.
SHORTEST_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Parts:
    """An RRULE taken apart."""

    freq: str
    interval: int
    count: int | None
    #: A time on the wall.
    until: datetime | None
    #: Monday is 0.
    week_start: int
    #: As the library names them.
    by: Mapping[str, Any]

    @property
    def numbered(self) -> bool:
        """Whether it counts weekdays of a month or year, as in 2MO."""
        return any(day.n for day in self.by.get("byweekday", ()))


class Lines(NamedTuple):
    """What a text says, its times turned to the clock on the wall."""

    text: str
    start: datetime | None
    rule: Parts | None


def lines(text: str, zone: ZoneInfo) -> Lines:
    """Take a text apart.

    Args:
        text: RRULE and what belongs to it, a line each, or what follows ``RRULE:`` alone.
        zone: times in UTC become the time on this wall.

    Raises:
        InvalidSchedule: it cannot be understood.
    """
    if len(text) > _LONGEST:
        raise InvalidSchedule("The recurrence rule is longer than anybody writes: shorten it.")
    # Long lines are folded (RFC 5545 §3.1).
    unfolded = re.sub(r"\r?\n[ \t]", "", text.strip()).upper()
    start: datetime | None = None
    rules: list[str] = []
    kept: list[str] = []
    for line in filter(None, map(str.strip, unfolded.splitlines())):
        name, value = _named(line)
        name, *options = name.split(";")
        if name in ("DTSTART", "EXDATE", "RDATE"):
            value = ",".join(_on_wall(each, options, zone) for each in value.split(","))
        if name == "DTSTART":
            start = _one_start(value, start)
        elif name == "RRULE":
            rules.append(_with_until(value, zone))
            kept.append(f"RRULE:{rules[-1]}")
        elif name in ("EXDATE", "RDATE"):
            dates(value)
            kept.append(f"{name}:{value}")
        else:
            raise InvalidSchedule(
                f"{name} cannot be used in a recurrence rule: give RRULE, DTSTART, EXDATE and "
                "RDATE lines."
            )
    if len(rules) > 1 or not any(line.startswith(("RRULE", "RDATE")) for line in kept):
        raise InvalidSchedule("A recurrence has one RRULE line, or RDATE lines: give that.")
    return Lines("\n".join(kept), start, parts(rules[0]) if rules else None)


def _named(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    return (name, value) if colon else ("RRULE", line)


def _one_start(value: str, before: datetime | None) -> datetime:
    if before is not None or "," in value:
        raise InvalidSchedule("A recurrence has one DTSTART: give no other.")
    (day,) = dates(value)
    if isinstance(day, datetime):
        return day
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the time of a wall clock


def _on_wall(value: str, options: list[str], zone: ZoneInfo) -> str:
    """A date or time as the wall of *zone* shows it."""
    there = next((each.partition("=")[2] for each in options if each.startswith("TZID=")), None)
    if there is None and not value.endswith("Z"):
        return value
    (at,) = dates(value.removesuffix("Z"))
    if not isinstance(at, datetime):
        return value
    given = UTC if there is None else zone_of(there.lstrip("/"))
    return f"{wall_of(at.replace(tzinfo=given), zone):%Y%m%dT%H%M%S}"


def _with_until(value: str, zone: ZoneInfo) -> str:
    """An RRULE whose UNTIL is a time on the wall."""
    told = []
    for part in value.strip(";").split(";"):
        name, _, given = part.partition("=")
        told.append(f"UNTIL={_on_wall(given, [], zone)}" if name == "UNTIL" else part)
    return ";".join(told)


def dates(value: str) -> list[datetime | date]:
    """Dates and times on a wall, separated by commas.

    Raises:
        InvalidSchedule: one of them is none.
    """
    found: list[datetime | date] = []
    for text in value.split(","):
        match = _STAMP.fullmatch(text.strip())
        try:
            year, month, day, hour, minute, second, _ = match.groups() if match else ("",) * 7
            found.append(
                date(int(year), int(month), int(day))
                if hour is None
                else datetime(  # noqa: DTZ001 - the time of a wall clock
                    int(year), int(month), int(day), int(hour), int(minute), int(second)
                )
            )
        except ValueError:
            raise InvalidSchedule(
                f"{text!r} is no date of a recurrence rule: write 20270131T090000, or 20270131."
            ) from None
    return found


@lru_cache(maxsize=4096)
def parts(value: str) -> Parts:
    """Take an RRULE apart.

    Raises:
        InvalidSchedule: a part is unknown, given twice, or has no such value.
    """
    given: dict[str, str] = {}
    for part in value.strip(";").split(";"):
        name, equals, told = part.partition("=")
        if not equals or not told or name in given:
            raise InvalidSchedule(
                f"{part!r} cannot be understood in a recurrence rule: write parts such as "
                "INTERVAL=2, each once."
            )
        given[name] = told
    freq = given.pop("FREQ", "")
    if freq not in _FREQUENCIES:
        raise InvalidSchedule("A recurrence rule begins with how often, as in FREQ=DAILY: give it.")
    count, until = given.pop("COUNT", None), given.pop("UNTIL", None)
    if count is not None and until is not None:
        raise InvalidSchedule("A recurrence rule has COUNT or UNTIL: leave one out.")
    interval = _number("INTERVAL", given.pop("INTERVAL", "1"), 1, 100_000)
    week_start = given.pop("WKST", "MO")
    if week_start not in _DAYS:
        raise InvalidSchedule(f"WKST={week_start} is no day: write one such as MO.")
    by = {_part(name)[0]: _values(freq, name, told) for name, told in given.items()}
    _check_pace(freq, interval, by)
    read = Parts(
        freq=freq,
        interval=interval,
        count=None if count is None else _number("COUNT", count, 1, 10**9),
        until=None if until is None else _until(until),
        week_start=_DAYS.index(week_start),
        by=by,
    )
    if not read.numbered:
        return read
    _check_numbered(read)
    return replace(read, by={**by, "byweekday": _all_numbered(read)})


def _all_numbered(rule: Parts) -> tuple[Any, ...]:
    """Its weekdays, each with numbers: the library takes a mixture as what is both."""
    most = 5 if rule.freq == "MONTHLY" or "bymonth" in rule.by else 53
    numbered = [
        day if day.n else day(nth)
        for day in rule.by["byweekday"]
        for nth in ((day.n,) if day.n else range(1, most + 1))
    ]
    return tuple(numbered)


def _check_numbered(rule: Parts) -> None:
    """Refuse weekdays that no month has so many of, and those cut by days of other kinds."""
    in_month = rule.freq == "MONTHLY" or "bymonth" in rule.by
    if in_month and any(abs(day.n or 0) > 5 for day in rule.by["byweekday"]):
        raise InvalidSchedule("BYDAY counts to 5 at most: no month has a weekday more often.")
    if rule.freq == "YEARLY" and rule.by.keys() & {"bymonthday", "byyearday", "byweekno"}:
        raise InvalidSchedule(
            "A numbered BYDAY says which days already: leave BYMONTHDAY, BYYEARDAY and BYWEEKNO "
            "out."
        )


def _until(told: str) -> datetime:
    """The last moment that it allows: a date alone is that whole day."""
    found = dates(told)
    if len(found) != 1:
        raise InvalidSchedule("UNTIL is one date: leave the others out.")
    day = found[0]
    if isinstance(day, datetime):
        return day
    return datetime(day.year, day.month, day.day, 23, 59, 59)  # noqa: DTZ001 - a wall clock's


def _part(name: str) -> tuple[str, int, int]:
    if name == "BYDAY":
        return "byweekday", 0, 0
    if name not in _NUMBERS:
        raise InvalidSchedule(
            f"{name} is no part of a recurrence rule that is known here: RFC 5545 names them."
        )
    return _NUMBERS[name]


def _values(freq: str, name: str, told: str) -> tuple[Any, ...]:
    if name == "BYDAY":
        return tuple(_day(freq, each) for each in told.split(","))
    _, least, most = _part(name)
    numbers = tuple(_number(name, each, least, most) for each in told.split(","))
    if 0 in numbers and least < 0:
        raise InvalidSchedule(f"{name}=0 is nothing: count from 1, or back from -1.")
    return numbers


def _number(name: str, told: str, least: int, most: int) -> int:
    if re.fullmatch(r"[+-]?\d{1,10}", told) and least <= int(told) <= most:
        return int(told)
    raise InvalidSchedule(f"{name}={told} cannot be: it goes from {least} to {most:,}.")


def _day(freq: str, told: str) -> Any:
    match = _DAY.fullmatch(told)
    if match is None:
        raise InvalidSchedule(f"BYDAY={told} is no day: write MO, or 2MO for the second Monday.")
    nth, name = match.groups()
    if nth is None:
        return getattr(dateutil_rrule, name)
    if freq not in ("MONTHLY", "YEARLY") or not 1 <= abs(int(nth)) <= 53:
        raise InvalidSchedule(
            f"BYDAY={told} counts weekdays of a month or year: use FREQ=MONTHLY or YEARLY, and "
            "count from 1, or back from -1."
        )
    return getattr(dateutil_rrule, name)(int(nth))


def _check_pace(freq: str, interval: int, by: Mapping[str, Any]) -> None:
    """Refuse what would be said every few seconds."""
    seconds = sorted(set(by.get("bysecond", ())))
    gaps = [
        (later - one) % 60 or 60
        for one, later in zip(seconds, seconds[1:] + seconds[:1], strict=True)
    ]
    if freq == "SECONDLY":
        gaps.append(interval)
    if gaps and min(gaps) < SHORTEST_SECONDS:
        raise InvalidSchedule(
            f"It would be said every few seconds: leave {SHORTEST_SECONDS} s between occurrences."
        )
