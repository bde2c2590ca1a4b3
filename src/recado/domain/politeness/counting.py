"""Counting: how much a recipient has been sent of late, and how much that may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from recado.errors import InvalidInput

#: A cap for each category that has none of its own, and the one for everything together.
EACH: Final = "*"
ALL: Final = ""

_UNITS: Final = {
    "s": 1,
    "second": 1,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86_400,
    "day": 86_400,
    "week": 604_800,
}
_CAP: Final = re.compile(r"(\d{1,6})\s*/\s*(?:(\d{1,6})\s*)?([a-z]+?)s?")
_FORM: Final = "write it as 10/day, 3/2h or 1/30min"
#: What is counted is kept in one row, so it has to stay short.
_MOST: Final = 1000
#: No cap reaches back further.
LONGEST: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Cap:
    """So many messages in so long a time, at most: whenever that time is taken to begin."""

    many: int
    per: timedelta

    def __str__(self) -> str:
        seconds = int(self.per.total_seconds())
        for unit, size in (("week", 604_800), ("day", 86_400), ("h", 3600), ("min", 60)):
            if seconds % size == 0:
                many = seconds // size
                return f"{self.many}/{unit if many == 1 else f'{many}{unit}'}"
        return f"{self.many}/{seconds}s"


def cap_of(written: str) -> Cap:
    """A cap as it is written: ``10/day``.

    Raises:
        InvalidInput: it is not written as one, or lets nothing through.
    """
    found = _CAP.fullmatch(written.strip().lower())
    unit = None if found is None else _UNITS.get(found[3]) or _UNITS.get(found[3] + "s")
    if found is None or unit is None:
        raise InvalidInput(f"{written!r} is no cap: {_FORM}.")
    cap = Cap(int(found[1]), timedelta(seconds=unit * int(found[2] or 1)))
    if not 1 <= cap.many <= _MOST:
        raise InvalidInput(f"{written!r}: a cap is of 1 to {_MOST} messages.")
    if not timedelta(0) < cap.per <= LONGEST:
        raise InvalidInput(f"{written!r}: a cap is for up to {LONGEST.days} days.")
    return cap
