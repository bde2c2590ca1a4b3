"""Which date people say: ``24 December``, ``December 24th, 2027``, ``el uno de enero``, ``24/12``.

The names of the months and the orders they stand in are read by the library *dateparser*; what
it is given is cut out here, and what it answers is believed only where it repeats the numbers.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from recado.domain.words.numbers import number_at
from recado.domain.words.tokens import Tokens
from recado.domain.words.weekdays import WEEKDAYS

_FILLERS: Final = frozenset({"the", "of", "de", "del", "el", "dia", ","})
_ORDINALS: Final = frozenset({"st", "nd", "rd", "th", "o", "\u00ba"})
_FIRST: Final = frozenset({"first", "primero"})
_NO_DAYS: Final = frozenset({"a", "an", "un", "una", "cien"})
_YEAR: Final = re.compile("(?:19|20|21)[0-9][0-9]")
DAY: Final = re.compile("0?[1-9]|[12][0-9]|3[01]")
_NAME: Final = re.compile(r"[^\W\d_]{3,12}")
#: One at a time: the library keeps what it learns of languages in places of its own.
_reading = threading.Lock()


@dataclass(frozen=True, slots=True)
class Said:
    """A date as it was said.

    Attributes:
        dates: what it can be: more than one if day and month may be either; none if it is no
            date of any calendar.
        year: whether the year was said.
        weekday: the day of the week that was said with it, Monday being 0.
    """

    dates: tuple[date, ...]
    year: bool
    weekday: int | None = None


def date_at(tokens: Tokens, at: int, today: date) -> tuple[Said, int] | None:
    """The date that begins at a place, and where it ends.

    Args:
        tokens: a text.
        at: where in it.
        today: dates without a year are the next ones from this day on.
    """
    at += tokens.word(at) in {"on", "the", "el"}
    at += tokens.word(at) in {"the", "dia"}
    weekday = WEEKDAYS.get(tokens.word(at))
    place = at if weekday is None else after_fillers(tokens, at + 1)
    found = _numeric(tokens, place, today) or _named(tokens, place, today)
    if found is None:
        return None
    said, end = found
    return Said(said.dates, said.year, weekday), end


def _numeric(tokens: Tokens, at: int, today: date) -> tuple[Said, int] | None:
    """``2026-12-24``, and ``24/12`` with or without a year."""
    sign = tokens.word(at + 1)
    if not all(map(tokens.joined, (at + 1, at + 2))) or not tokens.word(at + 2).isdigit():
        return None
    first, second = tokens.word(at), tokens.word(at + 2)
    third = tokens.word(at + 4) if tokens.word(at + 3) == sign and tokens.joined(at + 4) else ""
    if sign == "-" and _YEAR.fullmatch(first) and third.isdigit():
        return Said(_dates(int(first), {(second, third)}), year=True), at + 5
    if sign not in {"/", "-", "."} or (sign != "/" and not _YEAR.fullmatch(third)):
        return None
    if not first.isdigit() or (third and not _YEAR.fullmatch(third)):
        return None
    orders = {(second, first), (first, second)}  # month and day
    if third:
        return Said(_dates(int(third), orders), year=True), at + 5
    dates = {_next(order, today) for order in orders} - {None}
    return Said(tuple(sorted(filter(None, dates))), year=False), at + 3


def _named(tokens: Tokens, at: int, today: date) -> tuple[Said, int] | None:
    """A day and the name of a month, in either order, with or without a year."""
    day, place = ordinal_at(tokens, at)
    if day is None:
        name = tokens.word(at)
        day, place = ordinal_at(tokens, after_fillers(tokens, at + 1))
    else:
        place = after_fillers(tokens, place)
        name = tokens.word(place)
        place += 1
    if day is None or not is_month(name):
        return None
    year, end = _year(tokens, place)
    read = _read(f"{day} {name} {year or ''}", today)
    if read is None:
        return None
    sound = read.day == day and (read.year == year if year else read >= today)
    return Said((read,) if sound else (), year is not None), end


def prepare() -> None:
    """Load what reads the names of months, which takes half a second at first.

    It is loaded when it is needed, too; who cannot wait then calls this before.
    """
    for text in ("1 may", "1 mayo"):
        _read(text, date(2000, 1, 1))


@lru_cache(maxsize=1_024)
def is_month(word: str) -> bool:
    """Whether a word is the name of a month, to the library."""
    return bool(_NAME.fullmatch(word)) and _read(f"1 {word}", date(2000, 1, 1)) is not None


def _read(text: str, today: date) -> date | None:
    """What the library makes of a day, the name of a month and perhaps a year."""
    import dateparser  # noqa: PLC0415 - as prepare() says

    with _reading:
        found = dateparser.parse(
            text,
            languages=["en", "es"],
            settings={
                "PARSERS": ["absolute-time"],
                "REQUIRE_PARTS": ["day", "month"],
                # Later than yesterday, because its future does not begin today.
                "PREFER_DATES_FROM": "future",
                "RELATIVE_BASE": datetime.combine(today - timedelta(days=1), time()),
                "DATE_ORDER": "DMY",
            },
        )
    return found.date() if isinstance(found, datetime) else None


def ordinal_at(tokens: Tokens, at: int) -> tuple[int | None, int]:
    """The day of a month at a place, as ``24``, ``24th``, ``uno``; and where it ends."""
    if tokens.word(at) in _FIRST:
        return 1, at + 1
    found = number_at(tokens, at)
    if found is None or tokens.word(at) in _NO_DAYS or not DAY.fullmatch(str(found[0])):
        return None, at
    if tokens.word(at).isdigit() and not DAY.fullmatch(tokens.word(at)):
        return None, at
    day, end = found
    ordinal = tokens.joined(end) and tokens.word(end) in _ORDINALS
    return day, end + ordinal


def _year(tokens: Tokens, at: int) -> tuple[int | None, int]:
    place = after_fillers(tokens, at)
    if _YEAR.fullmatch(tokens.word(place)):
        return int(tokens.word(place)), place + 1
    return None, at


def after_fillers(tokens: Tokens, at: int) -> int:
    """Where the next word is that says something of a date."""
    while tokens.word(at) in _FILLERS:
        at += 1
    return at


def _dates(year: int, orders: set[tuple[str, str]]) -> tuple[date, ...]:
    return tuple(sorted(filter(None, {_date(year, order) for order in orders})))


def _date(year: int, order: tuple[str, str]) -> date | None:
    try:
        return date(year, int(order[0][:4]), int(order[1][:4]))
    except ValueError:
        return None


def _next(order: tuple[str, str], today: date) -> date | None:
    years = range(today.year, today.year + 9)  # 29 February is eight years off in 2096
    return next((d for year in years if (d := _date(year, order)) and d >= today), None)
