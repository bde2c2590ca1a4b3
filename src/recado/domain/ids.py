"""Ids that sort by the time they were made."""

from __future__ import annotations

import os
import time
from threading import Lock

_lock = Lock()
_last = 0
#: Random bytes fetched ahead: asking the kernel for eight at a time costs more than the rest.
_random = b""


def new_id() -> str:
    """A UUIDv7 (RFC 9562 §5.7), increasing within this process even when the clock does not.

    The 12 bits after the milliseconds are used as a sub-millisecond counter (RFC 9562 §6.2,
    method 3), so ids made in one process sort in the order they were made.
    """
    global _last, _random  # noqa: PLW0603 - one counter per process is the point
    with _lock:
        ticks = time.time_ns() * 4096 // 1_000_000  # milliseconds, with 12 bits of fraction
        _last = ticks = max(ticks, _last + 1)
        if len(_random) < 8:
            _random = os.urandom(4096)
        tail, _random = int.from_bytes(_random[:8]), _random[8:]
    time_and_version = f"{ticks >> 12:012x}7{ticks & 0xFFF:03x}"
    variant_and_tail = f"{0x8000_0000_0000_0000 | tail & 0x3FFF_FFFF_FFFF_FFFF:016x}"
    return (
        f"{time_and_version[:8]}-{time_and_version[8:12]}-{time_and_version[12:]}-"
        f"{variant_and_tail[:4]}-{variant_and_tail[4:]}"
    )
