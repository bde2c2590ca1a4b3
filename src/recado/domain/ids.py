"""Ids that sort by the time they were made."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

_lock = Lock()
_last = 0
#: Random bytes fetched ahead: asking the kernel for eight at a time costs more than the rest.
_random = b""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
#: Every first digit of a tail with the variant's two bits in front (RFC 9562 §4.1).
_VARIANT: Final = {f"{digit:x}": "89ab"[digit & 3] for digit in range(16)}


def new_id() -> str:
    """A UUIDv7 (RFC 9562 §5.7), increasing within this process even when the clock does not.

    The 12 bits after the milliseconds are used as a sub-millisecond counter (RFC 9562 §6.2,
    method 3), so ids made in one process sort in the order they were made.
    """
    return new_ids(1)[0]


def new_ids(many: int) -> list[str]:
    """So many ids, in the order they sort in; made together they cost half as much each."""
    global _last, _random  # noqa: PLW0603 - one counter per process is the point
    with _lock:
        ticks = time.time_ns() * 4096 // 1_000_000  # milliseconds, with 12 bits of fraction
        first = max(ticks, _last + 1)
        _last = first + many - 1
        if len(_random) < 8 * many:
            _random = os.urandom(max(4096, 8 * many))
        tails, _random = _random[: 8 * many].hex(), _random[8 * many :]
    return [_written(first + each, tails[16 * each : 16 * each + 16]) for each in range(many)]


def first_id(made_at: datetime) -> str:
    """What every id made then or later sorts behind, and every id made before sorts before."""
    digits = f"{max(0, (made_at - _EPOCH) // _MILLISECOND):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def may_be_id(text: str) -> bool:
    """Whether *text* has the form of an id made here; few other names have."""
    return len(text) == 36 and text[14] == "7" and text[8] == text[23] == "-"


def _written(ticks: int, tail: str) -> str:
    times = f"{ticks:015x}"
    return f"{times[:8]}-{times[8:12]}-7{times[12:]}-{_VARIANT[tail[0]]}{tail[1:4]}-{tail[4:]}"
