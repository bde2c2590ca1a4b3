"""Fair use of connections: how many requests may be under way, and to whom.

A host that hangs keeps what it was given until the time-out. So a host that others compete with
is given at most half, and others may go half beyond the limit when one took all of it while it
was alone.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

#: Seconds for which hosts compete after requests for both were made. Longer than a request may
#: take, so a host that gets all of it back has shown since that it answers.
_RIVALRY: Final = 60.0


class Slots:
    """Places for requests under way, shared by hosts.

    Args:
        size: how many one host may have while nobody else asks; several hosts together may have
            half as many again.
        now: seconds on a clock that only moves forward.
    """

    def __init__(self, size: int, now: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._half = max(size // 2, 1)
        self._limit = size + self._half
        self._now = now
        self._used = 0
        self._by_host: dict[str, int] = {}
        #: Who waits, by host; no host is kept that nobody waits for.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._latest = ""
        self._rivals_until = 0.0

    def take(self, host: str) -> bool:
        """Take a place if there is one and nobody has waited for it longer."""
        if host != self._latest:
            if self._latest:
                self._rivals_until = self._now() + _RIVALRY
            self._latest = host
        if self._waiting and host in self._waiting:
            return False
        return self._grant(host)

    async def wait(self, host: str, patience: float) -> bool:
        """Wait for a place, at most *patience* seconds; whether there was one."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(host, deque()).append(mine)
        try:
            async with asyncio.timeout(patience):
                await mine
        except TimeoutError:
            if _was_given(mine):  # in the same moment
                return True
            self._leave(host, mine)
            return False
        except asyncio.CancelledError:
            if _was_given(mine):
                self.give(host)
            else:
                self._leave(host, mine)
            raise
        return True

    def give(self, host: str) -> None:
        """Give a place back, to the one of those who wait whose host has the fewest."""
        self._used -= 1
        left = self._by_host[host] - 1
        if left:
            self._by_host[host] = left
        else:
            del self._by_host[host]
        if self._waiting:
            self._pass_on()

    def _grant(self, host: str) -> bool:
        mine = self._by_host.get(host, 0)
        if self._used >= self._limit or mine >= self._size:
            return False
        if mine >= self._half and (self._used >= self._size or self._now() < self._rivals_until):
            return False
        self._used += 1
        self._by_host[host] = mine + 1
        return True

    def _pass_on(self) -> None:
        while host := next(filter(self._grant, self._fewest_first()), None):
            queue = self._waiting[host]
            queue.popleft().set_result(None)
            if not queue:
                del self._waiting[host]

    def _fewest_first(self) -> list[str]:
        """Hosts somebody waits for, without those who were cancelled and have not left yet."""
        for host, queue in list(self._waiting.items()):
            while queue and queue[0].done():
                queue.popleft()
            if not queue:
                del self._waiting[host]
        return sorted(self._waiting, key=lambda host: self._by_host.get(host, 0))

    def _leave(self, host: str, mine: asyncio.Future[None]) -> None:
        queue = self._waiting.get(host)
        if queue is None or mine not in queue:
            return
        queue.remove(mine)
        if not queue:
            del self._waiting[host]


def _was_given(place: asyncio.Future[None]) -> bool:
    return place.done() and not place.cancelled()
