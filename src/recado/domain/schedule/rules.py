"""Rules: when something is to be said, once or again and again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from recado.domain.schedule.cron import Cron
from recado.domain.schedule.reading import SHORTEST_SECONDS
from recado.domain.schedule.recurrence import Recurrence
from recado.domain.text import json_text
from recado.domain.times import span
from recado.domain.zones import instant_of
from recado.errors import InvalidInput, InvalidSchedule

#: Nothing is said again sooner.
SHORTEST: Final = timedelta(seconds=SHORTEST_SECONDS)
#: As far as anybody plans.
_LONGEST: Final = timedelta(days=366 * 100)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class At:
    """Once: at an instant, or when the clock on a wall shows a time."""

    #: Aware and in UTC, or naive.
    moment: datetime

    def next(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        """When, if that is after *after*."""
        moment = self.moment
        instant = instant_of(moment, zone) if moment.tzinfo is None else moment
        return instant if instant > after else None


@dataclass(frozen=True, slots=True)
class Every:
    """Again and again after the same time has passed, whatever clocks show."""

    length: timedelta
    #: The first time; all others follow from it.
    first: datetime

    def next(self, after: datetime, zone: ZoneInfo) -> datetime | None:  # noqa: ARG002 - as others
        """The first time after *after*."""
        if after < self.first:
            return self.first
        try:
            return self.first + ((after - self.first) // self.length + 1) * self.length
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One that was stored and cannot be understood, as by an older program."""

    stored: str
    why: str

    def next(self, after: datetime, zone: ZoneInfo) -> datetime | None:  # noqa: ARG002 - as others
        """Nobody knows.

        Raises:
            InvalidSchedule: always.
        """
        raise InvalidSchedule(f"Its rule cannot be understood ({self.why}): reschedule it.")


Rule = At | Every | Cron | Recurrence | Unreadable


def every(length: object, first: datetime | None, now: datetime) -> Every:
    """Check a rule by length.

    Args:
        length: a timedelta.
        first: the first time; after *length* from now when left out.
        now: the present instant.

    Raises:
        InvalidSchedule: it is too short, too long, or no length at all.
    """
    if not isinstance(length, timedelta):
        raise InvalidSchedule("every is a timedelta, as in timedelta(hours=2): give that.")
    if length < SHORTEST:
        raise InvalidSchedule(
            f"It would be said every {span(length)}: leave {SHORTEST_SECONDS} s or more between "
            "occurrences."
        )
    if length > _LONGEST:
        raise InvalidSchedule("every is longer than anybody waits: choose a shorter time.")
    return Every(length, now + length if first is None else first)


def repeats(rule: Rule) -> bool:
    """Whether it may be said more than once."""
    return not isinstance(rule, At)


def described(rule: Rule) -> str:
    """A rule in short, for people."""
    match rule:
        case At(moment=moment):
            return f"at {moment:%Y-%m-%d %H:%M:%S}{' UTC' if moment.tzinfo else ''}"
        case Every(length=length):
            return f"every {span(length)}"
        case Cron(expression=expression):
            return f"cron {expression}"
        case Recurrence(text=text):
            return text.removeprefix("RRULE:").replace("\n", " ")
        case Unreadable(stored=stored):
            return stored


# -- as they are stored -----------------------------------------------------------------------


def written(rule: Rule) -> str:
    """A rule as it is stored."""
    return rule.stored if isinstance(rule, Unreadable) else json_text(as_json(rule))


def as_json(rule: Rule) -> dict[str, Any]:
    """A rule as JSON."""
    match rule:
        case At(moment=moment):
            return {"at": moment.isoformat()}
        case Every(length=length, first=first):
            return {"every": length // _MICROSECOND, "first": first.isoformat()}
        case Cron(expression=expression):
            return {"cron": expression}
        case Recurrence(text=text, start=start, last=last):
            told = {"rrule": text, "start": start.isoformat()}
            return told if last is None else {**told, "last": last.isoformat()}
        case Unreadable(stored=stored):
            return {"unreadable": stored}


@lru_cache(maxsize=4096)
def read(stored: str) -> Rule:
    """The rule that :func:`written` wrote."""
    try:
        return _read(stored)
    except (InvalidInput, LookupError, TypeError, ValueError) as error:
        return Unreadable(stored, str(error))


def _read(stored: str) -> Rule:
    told: Mapping[str, Any] = json.loads(stored)
    if "at" in told:
        return At(_moment(told["at"]))
    if "every" in told:
        return Every(told["every"] * _MICROSECOND, _moment(told["first"]))
    if "cron" in told:
        return Cron(told["cron"])
    last = told.get("last")
    return Recurrence(
        told["rrule"], _moment(told["start"]), None if last is None else _moment(last)
    )


def _moment(told: str) -> datetime:
    moment = datetime.fromisoformat(told)
    return moment if moment.tzinfo is None else moment.astimezone(UTC)
