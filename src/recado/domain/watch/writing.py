"""Rules as people write them: ``drop 20%``, ``below 50``, ``equals sold out``."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from recado.domain.text import usable
from recado.domain.watch.rules import (
    AnyRule,
    Beyond,
    Changes,
    Crosses,
    Equals,
    Moved,
    Since,
)
from recado.domain.watch.values import number, read
from recado.errors import InvalidRule

#: Longest rule, in characters.
_LONGEST: Final = 255

#: The forms there are, for those who wrote another.
FORMS: Final = (
    "write drop 20%, drop 5, rise 10%, below 50, above 100, crosses 50, changes or equals "
    "sold out; a drop or rise may end in from first, from notified, from maximum or from minimum"
)

_WAYS: Final[dict[str, str]] = {
    **dict.fromkeys(("drop", "drops", "dropped", "fall", "falls", "fell", "down"), "drop"),
    **dict.fromkeys(("baja", "bajar", "bajado", "cae", "caer", "caída"), "drop"),
    **dict.fromkeys(("rise", "rises", "rose", "risen", "up", "sube", "subir", "subido"), "rise"),
    **dict.fromkeys(("below", "under", "debajo", "menos"), "below"),
    **dict.fromkeys(("above", "over", "encima", "más", "mas"), "above"),
    **dict.fromkeys(("cross", "crosses", "crossed", "cruza", "cruzar"), "crosses"),
    **dict.fromkeys(("change", "changes", "changed", "cambia", "cambie", "cambiar"), "changes"),
    **dict.fromkeys(("equal", "equals", "=", "igual"), "equals"),
}
#: Words that stand between the word of a rule and its number.
_BETWEEN: Final = frozenset({"by", "than", "of", "un", "de", "del", "que", "a", "to", "por", "en"})
_SINCE: Final[dict[str, Since]] = {
    **dict.fromkeys(("first", "start", "primero", "inicio"), Since.FIRST),
    **dict.fromkeys(("notified", "last", "último", "ultimo"), Since.NOTIFIED),
    **dict.fromkeys(("maximum", "max", "peak", "high", "máximo", "maximo"), Since.MAXIMUM),
    **dict.fromkeys(("minimum", "min", "low", "mínimo", "minimo"), Since.MINIMUM),
}
_FROM = re.compile(r"\s(?:from|since|desde)(?:\s+(?:the|el))?\s+(\w+)$", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)


def rule_of(given: object) -> AnyRule:
    """A rule, whichever way it was given.

    Raises:
        InvalidRule: it is none, would never fire, or would with everything.
    """
    match given:
        case str():
            if len(given) > _LONGEST or not usable(given):
                raise InvalidRule(f"A rule has at most {_LONGEST} characters: {FORMS}.")
            return parse_rule(given)
        case Moved() | Beyond() | Crosses() | Changes() | Equals():
            # What cannot be written cannot be kept.
            return parse_rule(str(given))
    raise InvalidRule(f"{given!r} is no rule: {FORMS}.")


@lru_cache(maxsize=4096)
def parse_rule(text: str) -> AnyRule:
    """Read the short form of a rule, in English or Spanish.

    Raises:
        InvalidRule: the text has another form, or would never fire or with everything.
    """
    words = text.split()
    # "por debajo de 50" begins with a word that says nothing.
    place = 1 if words and words[0].lower() == "por" else 0
    way = _WAYS.get(words[place].lower()) if len(words) > place else None
    if way is None:
        raise InvalidRule(f"{text!r} is no rule: {FORMS}.")
    rest = " ".join(words[place + 1 :])
    match way:
        case "changes":
            if rest:
                raise InvalidRule(f"{text!r} is no rule: changes stands alone.")
            return Changes()
        case "equals":
            if rest.lower().startswith(("to ", "a ")) and way != words[place].lower():
                rest = rest.partition(" ")[2]
            if not rest:
                raise InvalidRule("Say what it is to equal: equals sold out, or equals 50.")
            return Equals(read(rest))
        case "drop" | "rise":
            return _moved(text, rest, down=way == "drop")
        case "crosses":
            return Crosses(_plain(text, rest))
    return Beyond(way == "below", _plain(text, rest))


def _moved(text: str, rest: str, *, down: bool) -> Moved:
    since = Since.FIRST
    found = _FROM.search(f" {rest}")
    if found is not None:
        named = _SINCE.get(found[1].lower())
        if named is None:
            raise InvalidRule(
                f"{text!r} is no rule: a drop or rise is measured from first, notified, maximum "
                "or minimum."
            )
        since = named
        rest = f" {rest}"[: found.start()]
    by, share = _amount(text, rest)
    if by <= 0:
        raise InvalidRule(
            f"{text!r} would fire with every value: write how much, more than 0, as in drop 20%."
        )
    if down and share and by > 100:
        raise InvalidRule(
            f"{text!r} would never fire, because nothing falls by more than all of it: write at "
            "most 100%, or an amount, as in drop 15."
        )
    if (down and since is Since.MINIMUM) or (not down and since is Since.MAXIMUM):
        raise InvalidRule(
            f"{text!r} would never fire, because the baseline moves with the value: measure a "
            "drop from the maximum and a rise from the minimum."
        )
    return Moved(down, by, share, since)


def _plain(text: str, rest: str) -> Decimal:
    limit, share = _amount(text, rest)
    if share:
        raise InvalidRule(f"{text!r} is no rule: a limit is a number without %.")
    return limit


def _amount(text: str, rest: str) -> tuple[Decimal, bool]:
    """A number with or without %, a comma or a point, and a sign of currency."""
    words = rest.split()
    while words and words[0].lower() in _BETWEEN:
        words = words[1:]
    written = "".join(words)
    share = written.endswith("%")
    written = written.removesuffix("%").strip("$€£¥")
    if _THOUSANDS.fullmatch(written):
        raise InvalidRule(
            f"The number in {text!r} can be read in two ways: write {written.replace(',', '')} or "
            f"{written.replace(',', '.', 1)}."
        )
    if _COMMA.fullmatch(written):
        written = written.replace(",", ".")
    found = number(written)
    if found is None:
        raise InvalidRule(f"{text!r} is no rule, for want of a number: {FORMS}.")
    return found, share
