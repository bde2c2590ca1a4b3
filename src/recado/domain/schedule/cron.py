"""Cron expressions: five fields, as crontab(5) has them, evaluated as Debian's cron does.

An expression whose minute or hour begins with ``*`` is about intervals: it is true at every minute
whose time on the wall matches, so an hour that is shown twice counts twice, and one that is never
shown does not count. Any other names times of the day: each happens once, see
:mod:`recado.domain.zones`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from recado.domain.schedule.walls import wall_of
from recado.domain.zones import changes, instant_of
from recado.errors import InvalidSchedule

_NAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
#: A valid expression; whatever it means.
_SOME_TIME: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - the time of a wall clock


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression of five fields."""

    expression: str

    @classmethod
    def read(cls, text: str) -> Cron:
        """Check an expression.

        Raises:
            InvalidSchedule: it is none.
        """
        fields = text.split()
        if len(fields) == 1 and fields[0].lower() in _NAMES:
            fields = _NAMES[fields[0].lower()].split()
        if len(fields) != 5:
            raise InvalidSchedule(
                f"{text!r} is no cron expression: give five fields, minute hour day month weekday, "
                "as in '30 9 * * 1-5'."
            )
        cron = cls(" ".join(fields))
        try:
            CronSim(cron.expression, _SOME_TIME)
        except (CronSimError, ValueError, AssertionError, RecursionError) as error:
            raise InvalidSchedule(
                f"{text!r} is no cron expression ({error}): give minute hour day month weekday, as "
                "in '30 9 * * 1-5'."
            ) from None
        return cron

    def next(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        """The first instant after *after* at which it is true; None if there is none in 50 years.

        Args:
            after: an instant in UTC.
            zone: whose wall clock it is about.
        """
        if self._counts_intervals:
            return self._next_interval(after, zone)
        wall = self._next_wall(wall_of(after, zone))
        while wall is not None:
            instant = instant_of(wall, zone)
            if instant > after:
                return instant
            wall = self._next_wall(wall)  # the clock shows it a second time now, or never did
        return None

    @property
    def _counts_intervals(self) -> bool:
        minute, hour, *_ = self.expression.split()
        return minute.startswith("*") or hour.startswith("*")

    def _next_wall(self, after: datetime) -> datetime | None:
        """The first time on a wall after another, as if no clock was ever changed."""
        try:
            return next(CronSim(self.expression, after), None)
        except OverflowError:
            return None

    def _next_interval(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        """The first minute whose time on the wall matches.

        Between two changes of the clock wall and instants go side by side, so it is enough to
        begin anew at each change.
        """
        begin, wall = after.replace(microsecond=0), wall_of(after, zone)
        while (found := self._next_wall(wall)) is not None:
            # What it would be if no clock was changed on the way.
            instant = begin + (found - wall_of(begin, zone))
            near = min(instant, begin + _DAY)
            changed = changes(begin, near, zone)
            if changed:
                # From that moment on, itself included.
                begin = changed[0]
                wall = wall_of(begin, zone) - _SECOND
            elif near == instant:
                return instant
            else:
                # Nothing matches on the way there, however clocks are changed meanwhile.
                begin = max(near, instant - 2 * _DAY)
                wall = wall_of(begin, zone)
        return None
