"""How often people say: ``every monday at 9``, ``todos los días``, ``every 2 hours``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from recado.domain.words.clock import PARTS, Part
from recado.domain.words.dates import date_at, ordinal_at
from recado.domain.words.duration import Length, length_at
from recado.domain.words.numbers import number_at
from recado.domain.words.tokens import Tokens
from recado.domain.words.weekdays import ENGLISH_PLURALS, PLURALS, WEEKDAYS

_WORKING: Final = (0, 1, 2, 3, 4)
_PHRASES: Final[tuple[tuple[tuple[str, ...], tuple[int, ...] | None], ...]] = (
    (("every", "day"), None),
    (("each", "day"), None),
    (("everyday",), None),
    (("daily",), None),
    (("todos", "los", "dias", "laborables"), _WORKING),
    (("todos", "los", "dias"), None),
    (("cada", "dia", "laborable"), _WORKING),
    (("cada", "dia"), None),
    (("a", "diario"), None),
    (("every", "weekday"), _WORKING),
    (("every", "working", "day"), _WORKING),
    (("on", "weekdays"), _WORKING),
    (("from", "monday", "to", "friday"), _WORKING),
    (("monday", "to", "friday"), _WORKING),
    (("de", "lunes", "a", "viernes"), _WORKING),
    (("lunes", "a", "viernes"), _WORKING),
    (("entre", "semana"), _WORKING),
    (("every", "weekend"), (5, 6)),
)
_EACH: Final = (("every",), ("each",), ("cada",), ("todos", "los"), ("los",), ("on",), ())
_PARTS: Final = (("every",), ("each",), ("cada",), ("todas", "las"))
_MONTHLY: Final = (("every", "month", "on"), ("each", "month", "on"), ("cada", "mes"))
_OF_EACH_MONTH: Final = (("of", "every", "month"), ("of", "each", "month"), ("de", "cada", "mes"))
_YEARLY: Final = (
    ("every", "year", "on"),
    ("each", "year", "on"),
    ("every", "year"),
    ("cada", "ano"),
    ("todos", "los", "anos"),
)
#: A month without a 29th would be left out, and who says "the 31st" may mean the last day.
_SAFE_DAYS: Final = 28
#: Of days or weeks between two.
_FARTHEST: Final = 99
#: Nobody means to be told something more often.
_SHORTEST: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Repeating:
    """Again and again: on days that a cron expression can say, or after a fixed time.

    Attributes:
        weekdays: on which, Monday being 0; None is every day.
        day: on which day of the month.
        month: in which month.
        part: in which part of the day.
        apart: every so many days or weeks; then *weekdays* is one day, or none.
        every: after which time; then there are no days.
    """

    weekdays: tuple[int, ...] | None = None
    day: int | None = None
    month: int | None = None
    part: Part | None = None
    apart: tuple[int, Literal["day", "week"]] | None = None
    every: timedelta | None = None

    def cron(self, hour: int, minute: int) -> str:
        """It as a cron expression of five fields."""
        days = "*"
        if self.weekdays is not None:
            days = ",".join(map(str, sorted((number + 1) % 7 for number in self.weekdays)))
            days = "1-5" if self.weekdays == _WORKING else days
        return f"{minute} {hour} {self.day or '*'} {self.month or '*'} {days}"


def repeating_at(tokens: Tokens, at: int, today: date) -> tuple[Repeating, int] | None:
    """What repeats that begins at a place, and where it ends."""
    for words, weekdays in _PHRASES:
        if tokens.follows(at, *words):
            return Repeating(weekdays), at + len(words)
    return (
        _apart(tokens, at)
        or _weekdays(tokens, at)
        or _part(tokens, at)
        or _monthly(tokens, at)
        or _yearly(tokens, at, today)
        or _interval(tokens, at)
    )


def _apart(tokens: Tokens, at: int) -> tuple[Repeating, int] | None:
    """``every 2 days``, ``every other monday``, ``cada dos semanas el lunes``."""
    if tokens.word(at) not in {"every", "each", "cada"}:
        return None
    counted = number_at(tokens, at + 1)
    if tokens.word(at + 1) == "other":
        counted = 2, at + 2
    elif tokens.word(at + 1) in {"week", "semana"}:
        counted = 1, at + 1
    if counted is None or not 1 <= counted[0] <= _FARTHEST:
        return None
    count, place = counted
    if tokens.word(place) in {"day", "days", "dias"}:
        return Repeating(apart=(count, "day")), place + 1
    named = tokens.word(place) in {"week", "weeks", "semana", "semanas"}
    if named:
        place += 1
        place += tokens.word(place) in {"on", "el", "los"}
    number = WEEKDAYS.get(tokens.word(place), PLURALS.get(tokens.word(place)))
    if number is None:
        return None
    if count == 1:
        return (Repeating((number,)), place + 1) if named else None
    return Repeating((number,), apart=(count, "week")), place + 1


def _weekdays(tokens: Tokens, at: int) -> tuple[Repeating, int] | None:
    for words in _EACH:
        if not tokens.follows(at, *words):
            continue
        # "el lunes" and "lunes" are once, "los lunes", "Mondays" and "on Mondays" always.
        known = {**WEEKDAYS, **PLURALS}
        if not words or words[-1] in {"los", "on"}:
            known = PLURALS if words else ENGLISH_PLURALS
        place = at + len(words)
        found: list[int] = []
        while (number := known.get(tokens.word(place))) is not None:
            found.append(number)
            end = place + 1
            place = end + _separators(tokens, end)
        if found:
            return Repeating(tuple(sorted(set(found)))), end
    return None


def _separators(tokens: Tokens, at: int) -> int:
    count = 0
    while tokens.word(at + count) in {",", "and", "y", "los", "every", "on"}:
        count += 1
    return count


def _part(tokens: Tokens, at: int) -> tuple[Repeating, int] | None:
    for words in _PARTS:
        word = tokens.word(at + len(words))
        part = PARTS.get(word.removesuffix("s") if words[0] == "todas" else word)
        if part is not None and tokens.follows(at, *words):
            return Repeating(part=part), at + len(words) + 1
    return None


def _monthly(tokens: Tokens, at: int) -> tuple[Repeating, int] | None:
    for words in _MONTHLY:
        if tokens.follows(at, *words):
            found = _numbered(tokens, at + len(words))
            return found and (Repeating(day=found[0]), found[1])
    found = _numbered(tokens, at + (tokens.word(at) == "on"))
    for words in _OF_EACH_MONTH:
        if found and tokens.follows(found[1], *words):
            return Repeating(day=found[0]), found[1] + len(words)
    return None


def _numbered(tokens: Tokens, at: int) -> tuple[int, int] | None:
    at += tokens.word(at) in {"the", "el"}
    at += tokens.word(at) in {"day", "dia"}
    number, end = ordinal_at(tokens, at)
    return (number, end) if number is not None and number <= _SAFE_DAYS else None


def _yearly(tokens: Tokens, at: int, today: date) -> tuple[Repeating, int] | None:
    for words in _YEARLY:
        if tokens.follows(at, *words):
            found = date_at(tokens, at + len(words), today)
            if found is None:
                continue
            said, end = found
            if said.year or said.weekday is not None or len(said.dates) != 1:
                return None
            (day,) = said.dates
            return Repeating(day=day.day, month=day.month), end
    return None


def _interval(tokens: Tokens, at: int) -> tuple[Repeating, int] | None:
    if tokens.word(at) not in {"every", "each", "cada"}:
        return None
    found = length_at(tokens, at + 1) or _one(tokens, at + 1)
    if found is None:
        return None
    length, end = found
    if length.months or length.days or length.time < _SHORTEST:
        return None
    return Repeating(every=length.time), end


def _one(tokens: Tokens, at: int) -> tuple[Length, int] | None:
    """``every hour``, ``cada minuto``."""
    known: Iterable[tuple[str, int]] = (("hour", 60), ("hora", 60), ("minute", 1), ("minuto", 1))
    for word, minutes in known:
        if tokens.word(at) == word:
            return Length(time=timedelta(minutes=minutes)), at + 1
    return None
