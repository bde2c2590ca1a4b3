"""Values: what a watch looks at in an event, a number or a text.

Numbers are decimals, so that they are compared digit by digit: 20 % of 0.1 is 0.02. A text that
reads as a number is one, because exact amounts are often written as texts in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal, Inexact
from functools import lru_cache
from typing import Any, Final

from recado.domain.text import clean
from recado.errors import InvalidInput

Value = Decimal | str

#: Longest path, and most digits of a number before and after its point.
_LONGEST_PATH: Final = 255
_MOST_DIGITS: Final = 40
#: Room for every product and sum of two such numbers; nothing is ever rounded in it.
EXACT: Final = Context(prec=400, traps=[Inexact])

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
#: What a text is shortened to where it is compared and shown.
_LONGEST_TEXT: Final = 500


class NoValueError(ValueError):
    """There is nothing a rule could look at; the message says why, as the end of a sentence."""


@lru_cache(maxsize=8192)
def number(text: str) -> Decimal | None:
    """The number that a text is; None if it is none, or one with too many digits."""
    if not _NUMBER.fullmatch(text):
        return None
    read = Decimal(text)
    digits = len(read.as_tuple().digits)
    exponent = read.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101 - what the expression matches is finite
    if max(-exponent, exponent + digits) > _MOST_DIGITS or digits > _MOST_DIGITS:
        return None
    return read


def read(text: str) -> Value:
    """A value as :func:`shown` wrote it, or as people write it.

    What is made of a text that is long, or that no database holds, reads as itself again.
    """
    kept = (clean(text) or "")[:_LONGEST_TEXT]
    found = number(kept.strip())
    return kept if found is None else found


def shown(value: Value) -> str:
    """A value as people read it, with the digits it was given with."""
    return format(value, "f") if isinstance(value, Decimal) else value


def check_path(path: object) -> None:
    """Refuse what is no path.

    Raises:
        InvalidInput: why not.
    """
    if not isinstance(path, str) or not 0 < len(path) <= _LONGEST_PATH:
        raise InvalidInput(
            f"path is a text of 1 to {_LONGEST_PATH} characters, as in offer.price or "
            "/offers/0/price: write where in the data the value stands."
        )
    if not all(_steps(path)) and not path.startswith("/"):
        raise InvalidInput(
            f"{path!r} is no path: write names with dots between them, as in offer.price."
        )


def value_of(data: Any, path: str | None) -> Value:
    """What a watch looks at in an event's data.

    Args:
        data: of the event.
        path: a dotted path, or a JSON pointer (RFC 6901), which begins with a slash; a list is
            entered by place, from 0. Without one it is the data itself or, of an object, its
            member ``value``.

    Raises:
        NoValueError: there is nothing, or something that is neither number nor text.
    """
    if path is not None:
        found = _at(data, path)
    elif isinstance(data, Mapping):
        if "value" not in data:
            raise NoValueError("the data has no member 'value', and the watch names no path")
        found = data["value"]
    else:
        found = data
    match found:
        case bool():
            return "true" if found else "false"
        case int() | float() | Decimal():
            read_ = number(str(found))
            if read_ is None:
                raise NoValueError(f"{str(found)[:50]} has too many digits to be compared")
            return read_
        case str():
            return read(found)
    kind = "null" if found is None else "an object" if isinstance(found, Mapping) else "a list"
    raise NoValueError(f"there is {kind} where a number or a text is looked for")


def _steps(path: str) -> list[str]:
    if path.startswith("/"):
        parts = path[1:].split("/")
        return [part.replace("~1", "/").replace("~0", "~") for part in parts]
    return path.split(".")


def _at(data: Any, path: str) -> Any:
    found = data
    for step in _steps(path):
        if isinstance(found, Mapping) and step in found:
            found = found[step]
        elif (
            isinstance(found, Sequence)
            and not isinstance(found, str)
            and step.isascii()
            and step.isdigit()
            and len(step) < 9
            and int(step) < len(found)
        ):
            found = found[int(step)]
        else:
            raise NoValueError(f"the data has nothing at {path}")
    return found
