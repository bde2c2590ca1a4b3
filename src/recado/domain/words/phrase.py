"""A moment as it is said: a day, a time of the day, a part of it, or again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from recado.domain.words.clock import PARTS, Clock, Part, clock_at, part_at
from recado.domain.words.days import Day, FromNow, day_at
from recado.domain.words.repeating import Repeating, repeating_at
from recado.domain.words.tokens import Tokens

#: "Friday morning", "el viernes noche"; but "mañana" alone is tomorrow.
_BARE_PARTS: Final = frozenset({"morning", "afternoon", "evening", "night", "tarde", "noche"})


@dataclass(frozen=True, slots=True)
class Phrase:
    """What was said, each at most once."""

    day: Day | None = None
    clock: Clock | None = None
    part: Part | None = None
    repeating: Repeating | None = None

    @property
    def exact(self) -> bool:
        """Whether it needs no time of the day."""
        if isinstance(self.day, FromNow):
            return bool(self.day.length.time)
        return self.repeating is not None and self.repeating.every is not None

    @property
    def times(self) -> bool:
        """Whether it says anything about the time of the day."""
        return self.clock is not None or self.part is not None

    def at(self, clock: Clock) -> Phrase:
        """The same at a time of the day."""
        return replace(self, clock=clock)


def phrase_at(tokens: Tokens, at: int, today: date) -> tuple[Phrase, int] | None:
    """The moment that begins at a place, as far as it is understood, and where it ends."""
    phrase, end = Phrase(), at
    while (more := _more(tokens, end, phrase, today)) is not None:
        phrase, end = more
    said = phrase.day or phrase.clock or phrase.repeating
    return (phrase, end) if said else None


def _more(tokens: Tokens, end: int, phrase: Phrase, today: date) -> tuple[Phrase, int] | None:
    said = phrase != Phrase()
    for place in (end, end + 1) if said and tokens.word(end) == "," else (end,):
        found = _component(tokens, place, phrase, today)
        if found is not None:
            name, value, after = found
            return replace(phrase, **{name: value}), after
    return None


def _component(tokens: Tokens, at: int, phrase: Phrase, today: date) -> tuple[str, Any, int] | None:
    """The next thing that a moment can still be said with."""
    readers: list[tuple[str, Callable[[], tuple[Any, int] | None]]] = []
    dated = phrase.day is not None or phrase.repeating is not None
    if not dated:
        readers.append(("repeating", lambda: repeating_at(tokens, at, today)))
        readers.append(("day", lambda: day_at(tokens, at, today)))
    if phrase.clock is None and not phrase.exact:
        readers.append(("clock", lambda: clock_at(tokens, at)))
    if phrase.part is None and (dated or phrase.clock is not None) and not phrase.exact:
        readers.append(("part", lambda: _part(tokens, at, dated=dated)))
    for name, reader in readers:
        found = reader()
        if found is not None:
            return name, *found
    return None


def _part(tokens: Tokens, at: int, *, dated: bool) -> tuple[Part, int] | None:
    if dated and tokens.word(at) in _BARE_PARTS:
        return PARTS[tokens.word(at)], at + 1
    return part_at(tokens, at)
