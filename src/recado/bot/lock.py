"""The turn lock: keeps a proactive turn and a conversation's other turns from sharing state."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from datetime import timedelta

from recado.clock import Clock

_log = logging.getLogger("recado.bot")


class _Room:
    """Who is in, or waits for, one conversation."""

    __slots__ = ("alone", "changed", "inside", "waiting")

    def __init__(self) -> None:
        self.inside = 0
        #: How many of those inside want to be alone; over one only after patience was lost.
        self.alone = 0
        self.waiting = 0
        self.changed = asyncio.Event()

    def admits(self, *, alone: bool) -> bool:
        return not self.alone and not (alone and self.inside)


class TurnLock:
    """Inbound turns of a conversation share it; a proactive turn has it alone.

    Bots load a conversation's state when a turn starts and save all of it at the end, so of two
    overlapping turns one loses its changes. Inbound turns overlap as they do without Recado: a
    slow answer must not delay the next question. A turn that waited too long runs nevertheless,
    because a lost change is better than a lost turn.

    Args:
        clock: the time.
        patience: how long to wait.
    """

    def __init__(self, clock: Clock, patience: timedelta = timedelta(seconds=5)) -> None:
        self._clock = clock
        self._patience = patience
        self._rooms: dict[Hashable, _Room] = {}

    @asynccontextmanager
    async def hold(self, conversation: Hashable, *, alone: bool) -> AsyncIterator[None]:
        """Run a block as a turn of *conversation*."""
        room = self._rooms.get(conversation)
        if room is None:
            room = self._rooms[conversation] = _Room()
        try:
            if not room.admits(alone=alone):
                await self._wait(room, conversation, alone=alone)
            room.inside += 1
            room.alone += alone
            try:
                yield
            finally:
                room.inside -= 1
                room.alone -= alone
                room.changed.set()
        finally:
            if not room.inside and not room.waiting:
                self._rooms.pop(conversation, None)

    async def _wait(self, room: _Room, conversation: Hashable, *, alone: bool) -> None:
        until = self._clock.now() + self._patience
        room.waiting += 1
        try:
            while not room.admits(alone=alone):
                room.changed.clear()
                left = (until - self._clock.now()).total_seconds()
                if left <= 0 or not await self._clock.wait(room.changed, left):
                    _log.warning(
                        "A turn in %r waited %s for another one to end and now runs beside it.",
                        conversation,
                        self._patience,
                    )
                    return
        finally:
            room.waiting -= 1
