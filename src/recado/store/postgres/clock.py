"""The database's clock, which all who work on one database share."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from recado.clock import SystemClock

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Differences up to this are the network's, not the clock's.
_TOLERATED: Final = timedelta(milliseconds=5)
#: How often the server is asked in a row; the quickest answer is the best one.
_ASKED: Final = 3


class DatabaseClock(SystemClock):
    """Tells the time of the database server, whatever this machine's clock says.

    Leases, due times and rate windows are shared by all who work on a database; a machine whose
    clock is wrong, or jumps, would take over work that is not abandoned or send too soon. Between
    two looks at the server the time is counted by this machine's monotonic clock.

    Args:
        ask: answers the server's time in microseconds since 1970.
    """

    def __init__(self, ask: Callable[[], Awaitable[int]]) -> None:
        self._ask = ask
        #: The server's time when the monotonic clock stood at 0; unknown before the first look.
        self._origin: datetime | None = None

    def now(self) -> datetime:
        if self._origin is None:
            return super().now()
        return self._origin + timedelta(seconds=time.monotonic())

    async def look(self) -> None:
        """Compare with the server.

        Raises:
            StoreError: it does not answer.
        """
        quickest = float("inf")
        origin = _EPOCH
        for _ in range(_ASKED):
            before = time.monotonic()
            told = await self._ask()
            after = time.monotonic()
            if after - before < quickest:
                quickest = after - before
                origin = _EPOCH + timedelta(microseconds=told, seconds=-(before + after) / 2)
        if self._origin is None or abs(origin - self._origin) > max(
            _TOLERATED, timedelta(seconds=quickest)
        ):
            self._origin = origin
