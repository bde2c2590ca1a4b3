"""What people say about watches in a chat, in English and in Spanish."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from recado.domain.watch import AnyRule, Equals, parse_rule
from recado.errors import InvalidRule

#: Longest name of a product, in characters.
LONGEST_NAME: Final = 100

_WATCH: Final = frozenset({"watch", "vigila", "vigilar"})
_LIST: Final = frozenset(
    {("watches",), ("my", "watches"), ("show", "watches"), ("list", "watches")}
) | frozenset({("vigilancias",), ("mis", "vigilancias"), ("ver", "vigilancias")})
_END = re.compile(
    r"(unwatch|stop watching|deja(?: de vigilar)?|no vigiles)(?: (?:no\.? ?|n\.?º ?|#)?(\S+))?"
)
#: Said without a number, this one may be about anything.
_ANYTHING: Final = frozenset({"deja"})
_QUOTES: Final = "\"'“”«»"


@dataclass(frozen=True, slots=True)
class Begin:
    """Somebody wants to be told of a product."""

    product: str
    rule: AnyRule


@dataclass(frozen=True, slots=True)
class Unclear:
    """Somebody wants to be told of something, and what for cannot be understood.

    Attributes:
        said: what they said after the command's own word.
    """

    said: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Somebody asks what they are watching."""


@dataclass(frozen=True, slots=True)
class End:
    """Somebody wants to hear no more of a watch.

    Attributes:
        number: its number; None if they gave none.
    """

    number: int | None


Command = Begin | Unclear | Listing | End


def command_of(said: str) -> Command | None:
    """What a message asks of the watches; None if it is about something else.

    Args:
        said: the message, without the bot's name in front.
    """
    words = said.split()
    lower = tuple(said.casefold().rstrip("?.!¿¡ ").split())
    if not words:
        return None
    if lower in _LIST:
        return Listing()
    if lower[:1] and lower[0] in _WATCH:
        return _begin(words[1:])
    ending = _END.fullmatch(" ".join(lower))
    if ending is None:
        return None
    number = _number(ending[2])
    return None if number is None and ending[1] in _ANYTHING else End(number)


def _begin(words: list[str]) -> Begin | Unclear:
    """The product and the rule: the rule begins where the rest of the words is one."""
    found: Begin | None = None
    # A name of more words is too long, and each of them takes a look at all the others.
    for place in range(1, min(len(words), LONGEST_NAME + 1)):
        try:
            rule = parse_rule(" ".join(words[place:]))
        except InvalidRule:
            continue
        product = " ".join(words[:place]).strip(_QUOTES).strip()
        if not product or len(product) > LONGEST_NAME:
            continue
        found = found or Begin(product, rule)
        # What something is to equal may be any words, other rules among them.
        if not isinstance(rule, Equals):
            return Begin(product, rule)
    return found or Unclear(" ".join(words))


def _number(word: str | None) -> int | None:
    if word is None or not (word.isascii() and word.isdigit()) or len(word) > 9:
        return None
    return int(word)
