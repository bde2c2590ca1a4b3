"""JSON read strictly: what two readers could understand differently is refused."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from recado.domain.text import usable

#: How deep lists and objects may stand in each other.
DEEPEST = 64


def read_strictly(text: bytes | str) -> Any:
    """The value that *text* is the JSON of; numbers with a fraction are Decimal.

    Refused besides what is no JSON: a member given twice, NaN and Infinity, numbers beyond what a
    double holds, half a surrogate pair, NUL, and more than 64 levels (RFC 8259 leaves all of
    these to the reader, so readers differ).

    Raises:
        ValueError: the text cannot be used; the message says why, as the end of a sentence.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        value = json.loads(
            text,
            object_pairs_hook=_members,
            parse_constant=_refuse,
            parse_float=_fraction,
            parse_int=_integer,
        )
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except RecursionError:
        raise ValueError(_too_deep()) from None
    _check(value)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        raise ValueError(f"the member {counted.most_common(1)[0][0]!r} is given twice")
    return members


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _fraction(digits: str) -> Decimal:
    _check_size(digits)
    try:
        return Decimal(digits)
    except InvalidOperation:  # its exponent is beyond all that can be calculated with
        far = "small" if "-" in digits.lower().partition("e")[2] else "large"
        raise ValueError(f"the number {digits[:20]} is too {far}") from None


def _integer(digits: str) -> int:
    _check_size(digits)
    return int(digits)


def _check_size(digits: str) -> None:
    if math.isinf(float(digits)):
        raise ValueError(f"the number {digits[:20]} is too large")


def _check(value: Any) -> None:
    """Refuse depths and texts that databases and other readers do not take."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [each for every in level for each in _inside(every)]
        if not level:
            return
    raise ValueError(_too_deep())


def _inside(value: Any) -> Iterable[Any]:
    """What a list or an object holds; nothing, of what holds nothing."""
    if isinstance(value, str) and not usable(value):
        raise ValueError("a text in it holds NUL or half a character")
    if isinstance(value, dict):
        return (*value, *value.values())
    return value if isinstance(value, list) else ()


def _too_deep() -> str:
    return f"it has more than {DEEPEST} levels"
