"""Recurrence rules of RFC 5545: RRULE with EXDATE and RDATE, on the clock of a wall.

python-dateutil expands the rules. It does so from their start and without an end to its patience,
so here a rule is begun anew in the period it is asked about (its phase kept), is looked through
for so many days at most, and COUNT becomes the last time it allows, once.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from dateutil import rrule as dateutil_rrule

from recado.domain.schedule.reading import Parts, dates, lines, parts
from recado.domain.schedule.walls import wall_of
from recado.domain.zones import instant_of
from recado.errors import InvalidSchedule

#: Days that are looked at for one occurrence: 29 February on a Sunday is 40 years away at most.
_PATIENCE: Final = 20_000
#: What is counted is counted once, when the rule is read: so many occurrences at most, found in
#: so many looks (about a second), because everything else in the process waits for it.
_MOST: Final = 10_000
_MOST_LOOKS: Final = 600_000
_SECOND: Final = timedelta(seconds=1)
_PERIODS: Final = {
    "WEEKLY": timedelta(weeks=1),
    "DAILY": timedelta(days=1),
    "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1),
    "SECONDLY": timedelta(seconds=1),
}


class _OutOfPatienceError(Exception):
    """A rule was looked through for as long as is reasonable."""


class _Looks(int):
    """A month that never is, first among those a day is compared with: counts the looks."""

    #: For the next occurrence, and for all of them.
    left: int
    left_in_all: int

    def __new__(cls, in_all: int) -> Self:
        self = super().__new__(cls, 0)
        self.left, self.left_in_all = _PATIENCE, in_all
        return self

    def __hash__(self) -> int:
        return -1

    def __eq__(self, other: object) -> bool:
        self.left -= 1
        self.left_in_all -= 1
        if self.left < 0 or self.left_in_all < 0:
            raise _OutOfPatienceError
        return False


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Occurrences by rule and by date, as times on the wall."""

    text: str
    #: DTSTART; a time on the wall.
    start: datetime
    #: The last time that the rule's COUNT or UNTIL allows.
    last: datetime | None = None
    _rule: Parts | None = field(init=False, repr=False, compare=False)
    _added: tuple[datetime, ...] = field(init=False, repr=False, compare=False)
    _left_out: frozenset[datetime | date] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the text, which has been checked by :meth:`read`."""
        rule, added, left_out = _contents(self.text)
        object.__setattr__(self, "_rule", rule)
        object.__setattr__(self, "_added", added)
        object.__setattr__(self, "_left_out", left_out)

    @classmethod
    def read(cls, text: str, zone: ZoneInfo, begin: datetime) -> Recurrence:
        """Check a rule and complete it.

        Args:
            text: RRULE, and DTSTART, EXDATE and RDATE if there are any, a line each; or what
                follows ``RRULE:`` alone.
            zone: times with a ``Z`` are written as the time on this wall.
            begin: DTSTART if the text has none; naive.

        Raises:
            InvalidSchedule: it cannot be understood.
        """
        given = lines(text, zone)
        start = given.start or begin
        rule = given.rule
        try:
            draft = cls(given.text, start)
            last = None if rule is None else rule.until
            if rule is not None and rule.count is not None:
                last = draft._counted(rule.count)
            elif rule is not None:
                draft._check(rule)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise InvalidSchedule(
                f"The recurrence rule cannot be used ({error}): write it as in "
                "FREQ=WEEKLY;BYDAY=MO,TH."
            ) from None
        return cls(given.text, start, last)

    def next(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        """The first occurrence after an instant; None if there is none in sight.

        Args:
            after: an instant in UTC.
            zone: whose wall clock it is about.
        """
        # What the wall showed before it shows this was earlier, however it was changed.
        for wall in self._walls(wall_of(after, zone)):
            instant = instant_of(wall, zone)
            if instant > after:
                return instant
        return None

    def _walls(self, after: datetime) -> Iterator[datetime]:
        """The occurrences later on the wall, in order."""
        added = iter(sorted(each for each in set(self._added) if each > after))
        ruled = self._ruled(after)
        one, other = next(added, None), next(ruled, None)
        while one is not None or other is not None:
            wall = min(each for each in (one, other) if each is not None)
            if one == wall:
                one = next(added, None)
            if other == wall:
                other = next(ruled, None)
            if wall not in self._left_out and wall.date() not in self._left_out:
                yield wall

    def _ruled(self, after: datetime, looks: _Looks | None = None) -> Iterator[datetime]:
        """Those of the rule alone."""
        if self._rule is None or (self.last is not None and after >= self.last):
            return
        try:
            begin = max(after, self.start - _SECOND)
            if looks is None:
                looks = _Looks(_MOST_LOOKS)
            for wall in self._from(self._rule, begin, looks):
                if self.last is not None and wall > self.last:
                    return
                if wall > after and wall >= self.start:
                    yield wall
        except (_OutOfPatienceError, ValueError, OverflowError):
            return

    def _from(self, rule: Parts, wall: datetime, looks: _Looks) -> Iterator[datetime]:
        """Occurrences from the beginning of the period that *wall* is in, or earlier."""
        for found in _expanded(rule, self.start, _period(rule, self.start, wall), looks):
            looks.left = _PATIENCE
            yield found

    def _counted(self, count: int) -> datetime:
        """The last of *count* occurrences.

        Raises:
            ValueError: there are too many to be counted.
        """
        if count > _MOST:
            raise ValueError(f"COUNT is {_MOST:,} at most; use UNTIL")
        looks = _Looks(_MOST_LOOKS)
        before = self.start - _SECOND
        counted = deque(islice(self._ruled(before, looks), count), maxlen=1)
        if looks.left_in_all < 0:
            raise ValueError("its COUNT takes too long to count; use UNTIL")
        return counted[0] if counted else before

    def _check(self, rule: Parts) -> None:
        """Have the library refuse what it cannot expand."""
        _expanded(rule, self.start, _period(rule, self.start, self.start), _Looks(0))


@lru_cache(maxsize=4096)
def _contents(text: str) -> tuple[Parts | None, tuple[datetime, ...], frozenset[datetime | date]]:
    """Rule, RDATEs and EXDATEs of a text that :func:`lines` has made."""
    rule: Parts | None = None
    added: list[datetime] = []
    left_out: list[datetime | date] = []
    for line in text.split("\n"):
        name, _, value = line.partition(":")
        if name == "RRULE":
            rule = parts(value)
        elif name == "RDATE":
            added += [
                each if isinstance(each, datetime) else datetime.combine(each, time())
                for each in dates(value)
            ]
        elif name == "EXDATE":
            left_out += dates(value)
    return rule, tuple(added), frozenset(left_out)


def _expanded(rule: Parts, start: datetime, begin: datetime, looks: _Looks) -> Iterator[datetime]:
    """The library's rule, begun elsewhere: what it would take from its start is said to it."""
    by: dict[str, Any] = dict(rule.by)
    if not by.keys() & {"byweekno", "byyearday", "bymonthday", "byweekday"}:
        if rule.freq == "WEEKLY":
            by["byweekday"] = start.weekday()
        elif rule.freq in ("MONTHLY", "YEARLY"):
            by["bymonthday"] = start.day
            if rule.freq == "YEARLY":
                by.setdefault("bymonth", start.month)
    finer = ("SECONDLY", "MINUTELY", "HOURLY")
    for unit, counted in (("hour", 3), ("minute", 2), ("second", 1)):
        if rule.freq not in finer[:counted]:
            by.setdefault(f"by{unit}", getattr(start, unit))
    if not (rule.freq == "YEARLY" and rule.numbered):
        # The library takes numbered weekdays as those of these months then; and with numbers that
        # are possible it finds some.
        by["bymonth"] = (looks, *_each(by.get("bymonth", range(1, 13))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made = dateutil_rrule.rrule(
            getattr(dateutil_rrule, rule.freq),
            dtstart=begin,
            interval=rule.interval,
            wkst=rule.week_start,
            **by,
        )
    return iter(made)


def _each(months: int | Iterable[int]) -> Iterable[int]:
    return (months,) if isinstance(months, int) else months


def _period(rule: Parts, start: datetime, wall: datetime) -> datetime:
    """When the period of the rule begins that *wall* is in, or one not long before it."""
    wall = max(wall, start)
    interval = rule.interval
    if rule.freq == "YEARLY":
        years = (wall.year - start.year) // interval * interval
        return datetime(start.year + years, 1, 1)  # noqa: DTZ001 - the time of a wall clock
    if rule.freq == "MONTHLY":
        months = (wall.year - start.year) * 12 + wall.month - start.month
        year, month = divmod(start.month - 1 + months // interval * interval, 12)
        return datetime(start.year + year, month + 1, 1)  # noqa: DTZ001 - as above
    first = _floor(rule, start)
    length = _PERIODS[rule.freq] * interval
    return first + (wall - first) // length * length


def _floor(rule: Parts, start: datetime) -> datetime:
    """When the first period began."""
    if rule.freq == "SECONDLY":
        return start
    if rule.freq == "MINUTELY":
        return start.replace(second=0)
    if rule.freq == "HOURLY":
        return start.replace(minute=0, second=0)
    day = start.replace(hour=0, minute=0, second=0)
    if rule.freq == "DAILY":
        return day
    return day - timedelta(days=(day.weekday() - rule.week_start) % 7)
