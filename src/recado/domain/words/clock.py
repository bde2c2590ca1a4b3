"""Which time of the day people say: ``at 9:30 pm``, ``a las nueve y media de la noche``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from recado.domain.words.numbers import number_at
from recado.domain.words.tokens import Tokens

Part = Literal["am", "pm", "small", "morning", "forenoon", "afternoon", "evening", "night"]

#: The hours, as clocks of twelve and of twenty-four have them, that each part of a day has, and
#: what is added to those of twelve to have those of twenty-four.
_HOURS: Final[dict[Part, dict[int, int]]] = {
    "am": {**{n: n for n in range(12)}, 12: 0},
    "pm": {**{n: n + 12 for n in range(1, 12)}, **{n: n for n in range(12, 24)}},
    "small": {n: n for n in range(1, 7)},
    "morning": {n: n for n in range(4, 12)},
    "forenoon": {n: n for n in range(4, 13)},
    "afternoon": {**{n: n + 12 for n in range(1, 10)}, **{n: n for n in range(12, 22)}},
    "evening": {**{n: n + 12 for n in range(4, 12)}, **{n: n for n in range(16, 24)}},
    "night": {**{n: n + 12 for n in range(6, 13)}, **{n: n for n in range(18, 24)}},
}
#: The hour that is meant where only a part of the day is said.
DEFAULT_HOURS: Final[dict[Part, int]] = {
    "morning": 9,
    "forenoon": 9,
    "afternoon": 15,
    "evening": 19,
    "night": 21,
}
PARTS: Final[dict[str, Part]] = {
    "morning": "morning",
    "afternoon": "afternoon",
    "evening": "evening",
    "night": "night",
    "madrugada": "small",
    "manana": "forenoon",
    "mediodia": "afternoon",
    "tarde": "afternoon",
    "noche": "night",
}
_PART_INTROS: Final = (
    ("in", "the"),
    ("at",),
    ("de", "la"),
    ("por", "la"),
    ("en", "la"),
    ("a", "la"),
    ("del",),
)
_NAMED: Final = {"noon": 12, "midday": 12, "mediodia": 12, "midnight": 24, "medianoche": 24}
_INTROS: Final = (("a", "las"), ("a", "la"), ("at",), ("@",))
_NAMED_INTROS: Final = (("at",), ("a",), ("al",), ("a", "la"), ())
_HALVES: Final[tuple[tuple[tuple[str, ...], Part], ...]] = (
    (("am",), "am"),
    (("pm",), "pm"),
    (("a", ".", "m", "."), "am"),
    (("p", ".", "m", "."), "pm"),
    (("a", ".", "m"), "am"),
    (("p", ".", "m"), "pm"),
)
_ON_THE_HOUR: Final = (
    ("o", "'", "clock"),
    ("o", "\u2019", "clock"),
    ("en", "punto"),
    ("hrs",),
    ("hs",),
    ("horas",),
    ("h",),
)
#: Words that are numbers, but not hours.
_NO_HOURS: Final = frozenset({"a", "an", "un", "cien"})
_SPOKEN_MINUTES: Final = {"fifteen": 15, "thirty": 30}


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of the day as it was said.

    Attributes:
        hour: from 0 to 23, or 24 for the first hour after the midnight that ends a day.
        minute: from 0 to 59.
        half: which half or part of the day was said with it.
        exact: whether it can only be read as on a clock of twenty-four hours.
    """

    hour: int
    minute: int
    half: Part | None = None
    exact: bool = False

    def within(self, part: Part | None) -> Clock | None:
        """It on a clock of twenty-four hours, in *part* of a day; None if there is no such."""
        known = self.half or part
        if known is None or self.hour == 24:
            return self
        hour = _HOURS[known].get(self.hour)
        if hour is None or (part is not None and hour not in _HOURS[part].values()):
            return None
        if self.exact and self.half is None and hour != self.hour != 12:
            return None
        return Clock(hour, self.minute, known, exact=True)


def clock_at(tokens: Tokens, at: int) -> tuple[Clock, int] | None:
    """The time of the day that begins at a place, and where it ends."""
    for intro in _NAMED_INTROS:
        place = at + len(intro)
        if tokens.follows(at, *intro) and tokens.word(place) in _NAMED:
            return Clock(_NAMED[tokens.word(place)], 0, exact=True), place + 1
    if tokens.word(at) == "t" and tokens.joined(at) and tokens.joined(at + 1):  # 2026-12-24T18:00
        return _written(tokens, at + 1)
    for intro in _INTROS:
        if tokens.follows(at, *intro):
            place = at + len(intro)
            found = _spoken(tokens, place) or _written(tokens, place) or _bare(tokens, place)
            return found and _with_half(tokens, *found)
    found = _written(tokens, at)
    if found is not None and not _like_a_duration(tokens, at, found[0]):
        return _with_half(tokens, *found)
    bare = _bare(tokens, at)
    with_half = bare and _with_half(tokens, *bare)
    return with_half if with_half and with_half[0].half in {"am", "pm"} else None


def _like_a_duration(tokens: Tokens, at: int, clock: Clock) -> bool:
    """Whether ``2h`` may rather be two hours."""
    return tokens.word(at + 1) == "h" and clock.hour < 13


def part_at(tokens: Tokens, at: int) -> tuple[Part, int] | None:
    """The part of a day that is said at a place, such as ``in the morning``."""
    for intro in _PART_INTROS:
        place = at + len(intro)
        word = tokens.word(place)
        fits = word in PARTS and (intro != ("at",) or word == "night")
        if fits and tokens.follows(at, *intro) and (intro != ("del",) or word == "mediodia"):
            return PARTS[word], place + 1
    return None


def _with_half(tokens: Tokens, clock: Clock, at: int) -> tuple[Clock, int] | None:
    for words, half in _HALVES:
        # In Spanish "a" may be the next word: "a las 9 a mi madre".
        if tokens.follows(at, *words):
            return _halved(clock, half, at + len(words))
    found = part_at(tokens, at)
    return _halved(clock, *found) if found else (clock, at)


def _halved(clock: Clock, half: Part, end: int) -> tuple[Clock, int] | None:
    within = Clock(clock.hour, clock.minute, half).within(None)
    return None if within is None else (within, end)


def _written(tokens: Tokens, at: int) -> tuple[Clock, int] | None:
    """Digits with minutes or a unit: ``9:30``, ``17.30``, ``17h``, ``9h30``."""
    hour = _hour(tokens, at)
    if hour is None or not tokens.word(at).isdigit():
        return None
    sign, minute = tokens.word(at + 1), tokens.word(at + 2)
    apart = not (tokens.joined(at + 1) and tokens.joined(at + 2))
    if sign in {":", ".", "h"} and not apart and len(minute) == 2 and _minute(minute) is not None:
        end = at + 3
        if tokens.follows(end, ":", "00") and tokens.joined(end):
            end += 2
        return _clock(tokens, at, hour, int(minute), _unit(tokens, end))
    if sign == "h" and tokens.joined(at + 1):
        return _clock(tokens, at, hour, 0, at + 2)
    return None


def _bare(tokens: Tokens, at: int) -> tuple[Clock, int] | None:
    """An hour alone, in digits or words, with what Spanish puts after it."""
    if tokens.word(at) in _NO_HOURS:
        return None
    hour, end = _hour(tokens, at), _number_end(tokens, at)
    if hour is None:
        return None
    word, following = tokens.word(end), tokens.word(end + 1)
    if word in {"y", "menos"}:
        minutes, after = _spanish_minutes(tokens, end + 1)
        if minutes is None and following.isdigit():
            return None
        if minutes is not None:
            return _shifted(tokens, at, hour, minutes if word == "y" else -minutes, after)
    if word in _SPOKEN_MINUTES and not tokens.word(at).isdigit():
        return _clock(tokens, at, hour, _SPOKEN_MINUTES[word], end + 1)
    return _clock(tokens, at, hour, 0, _unit(tokens, end))


def _spoken(tokens: Tokens, at: int) -> tuple[Clock, int] | None:
    """``half past nine``, ``a quarter to ten``, ``twenty past 11``."""
    place = at + 1 if tokens.word(at) == "a" else at
    if tokens.word(place) == "half":
        minutes, place = 30, place + 1
    elif tokens.word(place) == "quarter":
        minutes, place = 15, place + 1
    else:
        found = number_at(tokens, place)
        if found is None:
            return None
        minutes, place = found
        named = tokens.word(place) in {"minute", "minutes"}
        if not (1 <= minutes <= 29 if named else minutes in {5, 10, 20, 25}):
            return None  # "at 9 to 5 people"
        place += named
    sign = tokens.word(place)
    hour = _hour(tokens, place + 1)
    if sign not in {"past", "to"} or hour is None or (minutes == 30 and sign == "to"):
        return None
    end = _unit(tokens, _number_end(tokens, place + 1))
    return _shifted(tokens, place + 1, hour, minutes if sign == "past" else -minutes, end)


def _spanish_minutes(tokens: Tokens, at: int) -> tuple[int | None, int]:
    if tokens.word(at) in {"media", "cuarto"}:
        return (30 if tokens.word(at) == "media" else 15), at + 1
    place = at + 1 if tokens.follows(at, "un", "cuarto") else at
    if place > at:
        return 15, at + 2
    found = number_at(tokens, at)
    if found is None or tokens.word(at) in _NO_HOURS or not 1 <= found[0] <= 59:
        return None, at
    minutes, end = found
    return minutes, end + (tokens.word(end) in {"minutos", "minuto"})


def _hour(tokens: Tokens, at: int) -> int | None:
    found = number_at(tokens, at)
    if found is None or tokens.word(at) in _NO_HOURS or len(tokens.word(at)) > 12:
        return None
    if tokens.word(at).isdigit() and len(tokens.word(at)) > 2:
        return None
    return found[0] if found[0] <= 23 else None


def _number_end(tokens: Tokens, at: int) -> int:
    found = number_at(tokens, at)
    return found[1] if found else at


def _minute(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) <= 59 else None


def _clock(tokens: Tokens, at: int, hour: int, minute: int, end: int) -> tuple[Clock, int]:
    padded = tokens.word(at).startswith("0")
    return Clock(hour, minute, exact=padded or hour >= 12 or hour == 0), end


def _shifted(tokens: Tokens, at: int, hour: int, by: int, end: int) -> tuple[Clock, int] | None:
    """So many minutes past or before an hour."""
    total = hour * 60 + by
    if total < 60 and by < 0:  # before one is past twelve
        total += 12 * 60
    shifted, minute = divmod(total, 60)
    clock, _ = _clock(tokens, at, hour, 0, end)
    exact = clock.exact and hour != 12
    return Clock(shifted, minute, exact=exact or shifted >= 12), end


def _unit(tokens: Tokens, at: int) -> int:
    """The end of what says only that a time is meant."""
    for words in _ON_THE_HOUR:
        if tokens.follows(at, *words):
            return at + len(words)
    return at
