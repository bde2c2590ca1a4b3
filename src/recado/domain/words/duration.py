"""How long people say: ``2h``, ``10 minutes``, ``una hora y media``."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Final

from recado.domain.words.numbers import number_at
from recado.domain.words.tokens import Tokens

#: Longer than any reminder or silence; what is longer was not meant, or not understood.
LONGEST: Final = timedelta(days=3_660)

_NAMES: Final = {
    "second": "s sec secs second seconds seg segs segundo segundos",
    "minute": "m min mins minute minutes minuto minutos",
    "hour": "h hr hrs hour hours hora horas",
    "day": "d day days dia dias",
    "week": "w wk wks week weeks sem semana semanas",
    "month": "month months mes meses",
    "year": "year years ano anos",
}
_UNITS: Final = {name: unit for unit, names in _NAMES.items() for name in names.split()}
#: From the largest to the smallest, as they follow each other.
_ORDER: Final = ("year", "month", "week", "day", "hour", "minute", "second")
_MONTHS: Final = {"year": 12, "month": 1}
_SECONDS: Final = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_DAY: Final = 86_400
_MINUTES: Final = re.compile("[0-5][0-9]")

#: Parts of one, in front of a unit.
_PORTIONS: Final = (
    (("half", "an"), Fraction(1, 2)),
    (("half", "a"), Fraction(1, 2)),
    (("half",), Fraction(1, 2)),
    (("media",), Fraction(1, 2)),
    (("medio",), Fraction(1, 2)),
    (("a", "quarter", "of", "an"), Fraction(1, 4)),
    (("quarter", "of", "an"), Fraction(1, 4)),
    (("un", "cuarto", "de"), Fraction(1, 4)),
    (("three", "quarters", "of", "an"), Fraction(3, 4)),
    (("tres", "cuartos", "de"), Fraction(3, 4)),
    (("a", "couple", "of"), Fraction(2)),
    (("a", "couple"), Fraction(2)),
    (("un", "par", "de"), Fraction(2)),
)
#: Parts of one more, after a number or a unit.
_MORE: Final = (
    (("and", "a", "half"), Fraction(1, 2)),
    (("and", "a", "quarter"), Fraction(1, 4)),
    (("y", "media"), Fraction(1, 2)),
    (("y", "medio"), Fraction(1, 2)),
    (("y", "cuarto"), Fraction(1, 4)),
    (("y", "un", "cuarto"), Fraction(1, 4)),
)
_LEADING: Final = (
    (),
    ("for",),
    ("durante",),
    ("por",),
    ("for", "the", "next"),
    ("durante", "las", "proximas"),
    ("durante", "los", "proximos"),
)


@dataclass(frozen=True, slots=True)
class Length:
    """A duration as calendars know it: months and days differ in length, seconds do not."""

    months: int = 0
    days: int = 0
    time: timedelta = timedelta()

    def __add__(self, other: Length) -> Length:
        return Length(self.months + other.months, self.days + other.days, self.time + other.time)


def duration_of(text: str) -> timedelta | None:
    """The duration that *text* says in English or Spanish, with nothing else in it.

    A day is 24 hours here. Months and years have no one length, so they are no duration.

    Returns:
        It, longer than nothing and no longer than ten years; None if the text does not say one.
    """
    tokens = Tokens(unicodedata.normalize("NFC", text).strip(" \t\n.,;!?¡¿"))
    for leading in _LEADING:
        if tokens.follows(0, *leading) and (found := length_at(tokens, len(leading))):
            length, end = found
            if end == len(tokens) and not length.months:
                whole = timedelta(days=length.days) + length.time
                return whole if timedelta() < whole <= LONGEST else None
    return None


def length_at(tokens: Tokens, at: int) -> tuple[Length, int] | None:
    """The duration that begins at a place, and where it ends: units from large to small."""
    part = _part(tokens, at)
    if part is None:
        return None
    length, unit, end = part
    while (following := _following(tokens, end, unit)) is not None:
        more, unit, end = following
        length += more
    return length, end


def _following(tokens: Tokens, at: int, unit: str) -> tuple[Length, str, int] | None:
    """A further part, of a smaller unit."""
    part = _part(tokens, at + (tokens.word(at) in {",", "and", "y"}))
    if part is not None:
        return part if _ORDER.index(part[1]) > _ORDER.index(unit) else None
    minutes = tokens.word(at)
    if unit == "hour" and tokens.joined(at) and _MINUTES.fullmatch(minutes):  # 2h30
        return Length(time=timedelta(minutes=int(minutes))), "minute", at + 1
    return None


def _part(tokens: Tokens, at: int) -> tuple[Length, str, int] | None:
    """One count of one unit."""
    count, place = _count(tokens, at)
    unit = _UNITS.get(tokens.word(place))
    if unit is None:
        return None
    place += 1
    more, place = _more(tokens, place)
    if count is None:  # hora y media
        count = Fraction(1) if more else None
    length = None if count is None else _length(count + more, unit)
    return None if length is None else (length, unit, place)


def _count(tokens: Tokens, at: int) -> tuple[Fraction | None, int]:
    for words, portion in _PORTIONS:
        if tokens.follows(at, *words):
            return portion, at + len(words)
    number = number_at(tokens, at)
    if number is None:
        return None, at
    whole, place = number
    decimals = tokens.word(place + 1)
    if (
        tokens.word(place) in {".", ","}
        and tokens.joined(place)
        and tokens.joined(place + 1)
        and decimals.isdecimal()
    ):
        return whole + Fraction(int(decimals[:4]), 10 ** len(decimals[:4])), place + 2
    more, place = _more(tokens, place)
    return whole + more, place


def _more(tokens: Tokens, at: int) -> tuple[Fraction, int]:
    for words, portion in _MORE:
        if tokens.follows(at, *words):
            return portion, at + len(words)
    return Fraction(0), at


def _length(count: Fraction, unit: str) -> Length | None:
    if unit in _MONTHS:
        months = count * _MONTHS[unit]
        return Length(months=int(months)) if months.denominator == 1 else None
    seconds = count * _SECONDS[unit]
    if seconds > LONGEST.total_seconds():
        return None
    if unit in {"week", "day"}:
        days, rest = divmod(seconds, _DAY)
        return Length(days=int(days), time=timedelta(seconds=float(rest)))
    return Length(time=timedelta(seconds=float(seconds)))
