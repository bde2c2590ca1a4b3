"""Which moment a phrase means, for somebody in a zone at a moment."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from recado.domain.words.clock import DEFAULT_HOURS, Clock, Part
from recado.domain.words.dates import Said
from recado.domain.words.days import (
    DayOfMonth,
    DaysAway,
    FromNow,
    Weekday,
    next_day_of_month,
    next_weekday,
)
from recado.domain.words.duration import LONGEST
from recado.domain.words.phrase import Phrase
from recado.domain.words.repeating import Repeating
from recado.domain.zones import instant_of
from recado.errors import AmbiguousMoment, MomentNotUnderstood, MomentPast

#: When a day is meant and no time is said.
DEFAULT_HOUR: Final = 9
#: From here on an hour alone is taken as on a clock of 24 hours; earlier ones can be either.
_FIRST_CLEAR_HOUR: Final = 7


@dataclass(frozen=True, slots=True)
class Apart:
    """A recurrence rule with its first time, on the clock of a wall."""

    first: datetime
    rule: str

    def __str__(self) -> str:
        return f"DTSTART:{self.first:%Y%m%dT%H%M%S}\nRRULE:{self.rule}"


Resolved = datetime | str | Apart | timedelta


def resolve(phrase: Phrase, said: str, now: datetime, zone: ZoneInfo) -> Resolved:
    """What *phrase* means: an instant in UTC, a cron expression, a rule, or the time between two.

    Args:
        phrase: what was said.
        said: its words, for errors.
        now: the present moment.
        zone: where it was said.

    Raises:
        MomentNotUnderstood: there is no such moment, or none within reach.
        AmbiguousMoment: there are two.
        MomentPast: it is past.
    """
    if phrase.repeating is not None:
        if phrase.repeating.apart is not None:
            return _apart(phrase, phrase.repeating, said, now, zone)
        return _again(phrase, phrase.repeating, said)
    at = _Once(phrase, said, now, zone).instant()
    if at <= now:
        raise MomentPast(at.astimezone(zone))
    if at - now > LONGEST:
        raise MomentNotUnderstood(said)
    return at


def _again(phrase: Phrase, repeating: Repeating, said: str) -> str | timedelta:
    if repeating.every is not None:
        return repeating.every
    if phrase.part is not None and repeating.part not in {None, phrase.part}:
        raise MomentNotUnderstood(said)
    clock = _clear(phrase.clock, phrase.part or repeating.part, said)
    if clock.hour == 24 and (repeating.weekdays or repeating.day):
        raise AmbiguousMoment(said, (f"00:{clock.minute:02}", f"24:{clock.minute:02}"))
    return repeating.cron(clock.hour % 24, clock.minute)


def _apart(phrase: Phrase, repeating: Repeating, said: str, now: datetime, zone: ZoneInfo) -> Apart:
    """Every so many days or weeks, from the next time on that there could be."""
    assert repeating.apart is not None  # noqa: S101 - who calls has looked
    count, unit = repeating.apart
    clock = _clear(phrase.clock, phrase.part, said)
    day = Weekday(repeating.weekdays[0]) if repeating.weekdays else None
    first = _Once(Phrase(day=day, clock=clock), said, now, zone).instant()
    # Not the time that a change of clocks may make of it on the first day.
    wall = time(clock.hour % 24, clock.minute)
    begin = datetime.combine(first.astimezone(zone).date(), wall)
    return Apart(begin, f"FREQ={'DAILY' if unit == 'day' else 'WEEKLY'};INTERVAL={count}")


class _Once:
    """One moment."""

    def __init__(self, phrase: Phrase, said: str, now: datetime, zone: ZoneInfo) -> None:
        self._phrase, self._said, self._now, self._zone = phrase, said, now, zone
        self._local = now.astimezone(zone).replace(tzinfo=None)
        self._today = self._local.date()

    def instant(self) -> datetime:
        match self._phrase.day:
            case None:
                return self._time_alone()
            case FromNow() as away:
                return self._from_now(away)
            case DaysAway(days=0, part=None) if not self._phrase.times:
                raise MomentNotUnderstood(self._said)
            case DaysAway() as away:
                return self._on(self._today + timedelta(days=away.days), away.part)
            case Weekday() as weekday:
                return self._on_weekday(weekday)
            case DayOfMonth() as day:
                return self._on_day_of_month(day)
            case Said() as dated:
                return self._on_date(dated)

    def _time_alone(self) -> datetime:
        clock = self._phrase.clock
        part = self._phrase.part
        certain = _clear(clock, part, self._said)
        at = self._at(self._today, certain)
        if at > self._now:
            return at
        later = self._at(self._today, Clock(certain.hour + 12, certain.minute))
        open_to_both = clock is not None and not (clock.exact or clock.half or part)
        if open_to_both and later > self._now:
            tomorrow = self._today + timedelta(days=1)
            raise AmbiguousMoment(
                self._said,
                (
                    f"{self._today} {certain.hour + 12:02}:{certain.minute:02}",
                    f"{tomorrow} {certain.hour:02}:{certain.minute:02}",
                ),
            )
        return self._at(self._today + timedelta(days=1), certain)

    def _from_now(self, away: FromNow) -> datetime:
        length = away.length
        try:
            day = _months_later(self._today, length.months) + timedelta(days=length.days)
        except (OverflowError, ValueError):
            raise MomentNotUnderstood(self._said) from None
        if self._phrase.clock is not None or self._phrase.part is not None:
            return self._on(day)
        if day == self._today:
            return self._now + length.time
        wall = datetime.combine(day, self._local.time())
        return instant_of(wall, self._zone) + length.time

    def _on_weekday(self, weekday: Weekday) -> datetime:
        day = next_weekday(weekday.number, self._today)
        if day == self._today and (weekday.next or weekday.coming):
            return self._on(day + timedelta(days=7))
        this_week = day.isocalendar()[:2] == self._today.isocalendar()[:2]
        if weekday.next and this_week:
            raise AmbiguousMoment(self._said, (str(day), str(day + timedelta(days=7))))
        at = self._on(day)
        return at if at > self._now else self._on(day + timedelta(days=7))

    def _on_day_of_month(self, said: DayOfMonth) -> datetime:
        day = next_day_of_month(said.number, self._today)
        if self._on(day) <= self._now:
            day = next_day_of_month(said.number, day + timedelta(days=1))
        if said.weekday is not None and day.weekday() != said.weekday:
            raise MomentNotUnderstood(self._said)
        return self._on(day)

    def _on_date(self, said: Said) -> datetime:
        if len(said.dates) > 1:
            raise AmbiguousMoment(self._said, [str(day) for day in said.dates])
        if not said.dates or said.weekday not in {None, said.dates[0].weekday()}:
            raise MomentNotUnderstood(self._said)
        return self._on(said.dates[0])

    def _on(self, day: date, part: Part | None = None) -> datetime:
        """The instant on a day at the time that was said, or at the one that is meant."""
        if part is not None and self._phrase.part not in {None, part}:
            raise MomentNotUnderstood(self._said)
        clock = _clear(self._phrase.clock, self._phrase.part or part, self._said)
        if clock.hour == 24 and day != self._today:
            time_told = f"00:{clock.minute:02}"
            readings = (f"{day} {time_told}", f"{day + timedelta(days=1)} {time_told}")
            raise AmbiguousMoment(self._said, readings)
        return self._at(day, clock)

    def _at(self, day: date, clock: Clock) -> datetime:
        wall = datetime.combine(day, time()) + timedelta(hours=clock.hour, minutes=clock.minute)
        return instant_of(wall, self._zone)


def _clear(clock: Clock | None, part: Part | None, said: str) -> Clock:
    """The time on a clock of 24 hours, where it is clear."""
    if clock is None:
        hour = DEFAULT_HOUR if part is None else DEFAULT_HOURS.get(part)
        if hour is None:
            raise MomentNotUnderstood(said)
        return Clock(hour, 0, exact=True)
    within = clock.within(part)
    if within is None:
        raise MomentNotUnderstood(said)
    if not (within.exact or within.half) and within.hour < _FIRST_CLEAR_HOUR:
        early = f"{within.hour:02}:{within.minute:02}"
        raise AmbiguousMoment(said, (early, f"{within.hour + 12:02}:{within.minute:02}"))
    return within


def _months_later(day: date, months: int) -> date:
    """That day so many months later, or the last day of a month that is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
