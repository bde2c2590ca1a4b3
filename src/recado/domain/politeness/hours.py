"""Hours as people write them: quiet hours and weekly windows.

``22:00-08:00`` is every day, ``mon-fri 09:00-18:00`` these days only. Several stand after one
another: ``mon-fri 09:00-13:00, 15:00-18:00, sat 10:00-14:00``. What runs over midnight goes on
into the next day; ``00:00-24:00`` is a whole day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from recado.errors import InvalidHours

#: Stretches of a week, from and to which minute after Monday 00:00: in order, none touching.
Week = tuple[tuple[int, int], ...]

_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
#: Any time.
WHOLE_WEEK: Final[Week] = ((0, _WEEK),)
#: What is written where none are wanted.
OFF: Final = "off"

_LONGEST: Final = 500
_FORM: Final = "write them as 22:00-08:00, or with days: mon-fri 09:00-18:00, sat 10:00-14:00"

_NAMES: Final = (
    ("mon", "monday", "lun", "lunes"),
    ("tue", "tuesday", "mar", "martes"),
    ("wed", "wednesday", "mie", "mié", "miercoles", "miércoles"),
    ("thu", "thursday", "jue", "jueves"),
    ("fri", "friday", "vie", "viernes"),
    ("sat", "saturday", "sab", "sáb", "sabado", "sábado"),
    ("sun", "sunday", "dom", "domingo"),
)
_DAYS: Final = {name: number for number, names in enumerate(_NAMES) for name in names}

_TIMES: Final = re.compile(r"(\d{1,2})(?::(\d{2}))?\s*[-\u2013]\s*(\d{1,2})(?::(\d{2}))?")
_PART: Final = re.compile(rf"([^\W\d]+(?:\s*[-\u2013]\s*[^\W\d]+)?)?\s*((?:{_TIMES.pattern}\s*)*)")


@lru_cache(maxsize=4096)
def hours(written: str) -> Week:
    """What *written* means; nothing for ``off``.

    Raises:
        InvalidHours: it is not written as hours are.
    """
    text = written.strip().lower()
    if text == OFF:
        return ()
    if not text or len(text) > _LONGEST:
        raise InvalidHours(f"These are no hours: {_FORM}, or off.")
    return _joined(_stretches(written, text))


def _stretches(written: str, text: str) -> Iterator[tuple[int, int]]:
    days: list[int] = []
    named: list[int] = []
    timed = False
    for part in text.split(","):
        found = _PART.fullmatch(part.strip())
        if found is None or not part.strip():
            raise InvalidHours(f"{written!r} cannot be read as hours: {_FORM}, or off.")
        if found[1]:
            named = [*(() if timed else named), *_days(written, found[1])]
            timed = False
        if not found[2]:
            continue
        days, timed = named or list(range(7)), True
        for times in _TIMES.finditer(found[2]):
            begin, length = _times(written, times)
            for day in days:
                start = day * _DAY + begin
                yield start, min(start + length, _WEEK)
                if start + length > _WEEK:
                    yield 0, start + length - _WEEK
    if not timed:
        raise InvalidHours(f"{written!r} says no times: {_FORM}, or off.")


def _days(written: str, text: str) -> list[int]:
    first, _, last = (each.strip() for each in text.replace("\u2013", "-").partition("-"))
    for name in filter(None, (first, last)):
        if name not in _DAYS:
            raise InvalidHours(f"{name!r} in {written!r} is no day of the week: {_FORM}.")
    begin = _DAYS[first]
    many = (_DAYS[last] - begin) % 7 if last else 0
    return [(begin + each) % 7 for each in range(many + 1)]


def _times(written: str, times: re.Match[str]) -> tuple[int, int]:
    """When they begin, in minutes of the day, and for how long."""
    begin = int(times[1]) * 60 + int(times[2] or 0)
    end = int(times[3]) * 60 + int(times[4] or 0)
    minutes = (int(times[2] or 0), int(times[4] or 0))
    if begin >= _DAY or end > _DAY or max(minutes) >= 60:
        raise InvalidHours(f"{times[0].strip()!r} in {written!r} are no times of a day: {_FORM}.")
    if begin == end:
        raise InvalidHours(
            f"{times[0].strip()!r} in {written!r} begins and ends at once: a whole day is written "
            "00:00-24:00."
        )
    return begin, end - begin if end > begin else end - begin + _DAY


def _joined(stretches: Iterable[tuple[int, int]]) -> Week:
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(stretches):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return tuple(joined)


@lru_cache(maxsize=4096)
def open_week(quiet: str | None, window: str | None) -> Week:
    """When something may be said: within the window, but for the quiet hours.

    Args:
        quiet: quiet hours as they are written; None for none.
        window: a weekly window as it is written; None for any time.

    Raises:
        InvalidHours: one of them is not written as hours are.
    """
    open_ = WHOLE_WEEK if window is None else hours(window) or WHOLE_WEEK
    left: list[tuple[int, int]] = []
    closed = () if quiet is None else hours(quiet)
    for begin, end in open_:
        at = begin
        for shut, again in closed:
            if shut < end and again > at:
                if shut > at:
                    left.append((at, shut))
                at = max(at, again)
        if at < end:
            left.append((at, end))
    return tuple(left)


def check_open(quiet: str | None, window: str | None, category: str = "") -> None:
    """Refuse hours that leave no time to say anything.

    Args:
        quiet: quiet hours as they are written; None for none.
        window: a weekly window as it is written; None for any time.
        category: of what; empty for whatever there is.

    Raises:
        InvalidHours: they leave none, or are not written as hours are.
    """
    if not open_week(quiet, window):
        of_it = f" of category {category!r}" if category else ""
        raise InvalidHours(
            f"Nothing{of_it} would ever be sent: quiet hours {quiet} leave nothing of "
            f"{'the week' if window is None else window}."
        )
