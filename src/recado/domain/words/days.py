"""Which day people say: ``tomorrow``, ``el viernes``, ``the 24th``, ``in 10 minutes``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from recado.domain.words.clock import PARTS, Part, clock_at
from recado.domain.words.dates import Said, after_fillers, date_at, is_month, ordinal_at
from recado.domain.words.duration import Length, length_at
from recado.domain.words.tokens import Tokens
from recado.domain.words.weekdays import WEEKDAYS

_AWAY: Final = (
    (("the", "day", "after", "tomorrow"), 2),
    (("day", "after", "tomorrow"), 2),
    (("pasado", "manana"), 2),
    (("tomorrow",), 1),
    (("manana",), 1),
    (("today",), 0),
    (("hoy",), 0),
)
_FROM_NOW: Final = (("in",), ("en",), ("dentro", "de"), ("within",))
_THIS: Final = frozenset({"this", "on", "el", "este", "the"})
_NEXT_AFTER: Final = (("que", "viene"), ("proximo",))


@dataclass(frozen=True, slots=True)
class FromNow:
    """So long from now."""

    length: Length


@dataclass(frozen=True, slots=True)
class DaysAway:
    """So many days from today, perhaps in a part of the day."""

    days: int
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Weekday:
    """The next such day of the week, Monday being 0."""

    number: int
    #: "next Friday" may be this week's or next week's.
    next: bool = False
    #: "el próximo viernes" is the one that comes, but never today.
    coming: bool = False


@dataclass(frozen=True, slots=True)
class DayOfMonth:
    """The next such day of a month."""

    number: int
    weekday: int | None = None


Day = FromNow | DaysAway | Weekday | DayOfMonth | Said


def day_at(tokens: Tokens, at: int, today: date) -> tuple[Day, int] | None:
    """The day that begins at a place, and where it ends."""
    return (
        _from_now(tokens, at)
        or _this_part(tokens, at)
        or _away(tokens, at)
        or date_at(tokens, at, today)
        or _day_of_month(tokens, at)
        or _weekday(tokens, at)
    )


def _from_now(tokens: Tokens, at: int) -> tuple[Day, int] | None:
    for intro in _FROM_NOW:
        if tokens.follows(at, *intro) and (found := length_at(tokens, at + len(intro))):
            return FromNow(found[0]), _time(tokens, found[1])
    found = length_at(tokens, at)
    if found and tokens.follows(found[1], "from", "now"):
        return FromNow(found[0]), found[1] + 2
    return None


def _time(tokens: Tokens, at: int) -> int:
    """The end of ``in two weeks' time``, ``in a week's time``."""
    place = at + (tokens.word(at) in {"'", "\u2019"})
    place += place > at and tokens.word(place) == "s"
    return place + 1 if tokens.word(place) == "time" else at


def _this_part(tokens: Tokens, at: int) -> tuple[Day, int] | None:
    if tokens.word(at) == "tonight":
        return DaysAway(0, "night"), at + 1
    part = PARTS.get(tokens.word(at + 1))
    if tokens.word(at) in {"this", "esta"} and part is not None:
        return DaysAway(0, part), at + 2
    return None


def _away(tokens: Tokens, at: int) -> tuple[Day, int] | None:
    for words, days in _AWAY:
        if tokens.follows(at, *words):
            return DaysAway(days), at + len(words)
    return None


def _day_of_month(tokens: Tokens, at: int) -> tuple[Day, int] | None:
    """``the 24th``, ``el 24``, ``el día 24``, ``Friday the 27th``, ``el viernes 27``."""
    at += tokens.word(at) in {"on", "el"} and tokens.word(at + 1) in WEEKDAYS
    weekday = WEEKDAYS.get(tokens.word(at))
    at += weekday is not None
    at += tokens.word(at) == "," or tokens.word(at) == "on"
    english, spanish = tokens.word(at) == "the", tokens.word(at) in {"el", "dia"}
    at += english or spanish
    at += spanish and tokens.word(at) == "dia"
    number, end = ordinal_at(tokens, at)
    if number is None or clock_at(tokens, at) is not None:
        return None
    ordinal = not tokens.word(end - 1).isdigit()
    if is_month(tokens.word(after_fillers(tokens, end))):
        return None  # "the 31st of November", which date_at has refused
    if spanish or (english and ordinal) or (weekday is not None and not english):
        return DayOfMonth(number, weekday), end
    return None


def _weekday(tokens: Tokens, at: int) -> tuple[Day, int] | None:
    at += tokens.word(at) in _THIS
    following = tokens.word(at) == "next"
    coming = tokens.word(at) == "proximo"
    at += following or coming
    number = WEEKDAYS.get(tokens.word(at))
    if number is None:
        return None
    for words in _NEXT_AFTER:
        if tokens.follows(at + 1, *words):
            return Weekday(number, coming=True), at + 1 + len(words)
    return Weekday(number, following, coming), at + 1


def next_weekday(number: int, after: date) -> date:
    """The next such day of the week, that day included."""
    return after + timedelta(days=(number - after.weekday()) % 7)


def next_day_of_month(number: int, after: date) -> date:
    """The next day with that number in its month, that day included."""
    day = after
    while day.day != number:
        day += timedelta(days=1)
    return day
