"""Marks: that turns begin and end, told to the database without making them wait.

What many turns tell at the same moment is written together, and in the order it was told in: an
end that came before its beginning would leave the conversation busy. A turn that lasts is kept,
so that only that of a process that has died ends by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from datetime import datetime
from typing import Final

from recado.clock import Clock
from recado.domain.ids import new_id
from recado.domain.politeness.busy import TURN_LEASE
from recado.domain.reference import ConversationKey
from recado.errors import RecadoError
from recado.store.port import Mark, Store

_log = logging.getLogger("recado.bot")

#: What lasts is kept so many times before its lease would end.
_KEPT: Final = 3
#: So much is written in one transaction.
_TOGETHER: Final = 200
#: When so many turns run at once, what they tell is gathered for so many seconds.
_MANY: Final = 4
_GATHER: Final = 0.01
#: So much is remembered while the database cannot be written; the oldest gives way.
_REMEMBERED: Final = 10_000
#: Seconds until it is tried again.
_TRY_AGAIN: Final = 1.0


class TurnMarks:
    """Tells of the turns of this process.

    Args:
        store: is told.
        clock: the time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._told: deque[Mark] = deque()
        #: How much was ever told, and how much of that is done with.
        self._many = self._done = 0
        #: Who waits until so much is.
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        #: Whether the last attempt to write failed.
        self._failing = False
        #: Those that run, by their ids.
        self._running: dict[str, Mark] = {}
        #: Conversations in which turns have ended whose end is not written yet.
        self._ending: Counter[ConversationKey] = Counter()
        self._writer: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    def begin(self, key: ConversationKey, *, spoke: bool) -> Mark:
        """A turn begins, or waits to begin.

        Args:
            key: its conversation.
            spoke: whether it is a person's, who wrote something.
        """
        now = self._clock.now()
        mark = Mark(key, new_id(), now, now + TURN_LEASE, spoke)
        self._running[mark.turn] = mark
        self._tell(mark)
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep(), name="recado-turn-marks")
        return mark

    def end(self, mark: Mark, *, heard: bool, dialog: bool | None) -> None:
        """A turn has ended.

        Args:
            mark: what :meth:`begin` gave.
            heard: whether the bot was given what a person wrote.
            dialog: whether it has left a dialog that waits; None if it does not know.
        """
        self._running.pop(mark.turn, None)
        self._ending[mark.key] += 1
        self._tell(mark._replace(until=None, heard=heard, dialog=dialog))

    async def ended(self, key: ConversationKey) -> None:
        """Wait until it is written that turns of a conversation have ended; mostly it is."""
        if self._ending[key]:
            await self.written()

    async def written(self) -> None:
        """Wait until what was told so far is written, or could not be."""
        if self._done < self._many and not self._failing:
            told = asyncio.get_running_loop().create_future()
            self._waiting.append((self._many, told))
            await told

    def _tell(self, mark: Mark) -> None:
        if len(self._told) == _REMEMBERED:
            self._finished([self._told.popleft()])
        self._told.append(mark)
        self._many += 1
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="recado-turn-marks")

    async def _write(self) -> None:
        while self._told:
            if len(self._running) >= _MANY and not self._waiting:
                # Much is about to be told, and a transaction for each would cost more than turns.
                await asyncio.sleep(_GATHER)
            marks = [self._told.popleft() for _ in range(min(_TOGETHER, len(self._told)))]
            try:
                await self._store.mark_turns(marks, self._clock.now())
            except RecadoError as error:
                _log.warning("What goes on in conversations was not stored: %s", error)
                self._told.extendleft(reversed(marks))
                self._failing = True
                self._wake(self._many)
                await self._clock.wait(asyncio.Event(), _TRY_AGAIN)
            else:
                self._failing = False
                self._finished(marks)

    def _finished(self, marks: list[Mark]) -> None:
        """They are written, or given up."""
        self._done += len(marks)
        for each in marks:
            if each.until is None:
                self._ending[each.key] -= 1
                if self._ending[each.key] <= 0:
                    del self._ending[each.key]
        self._wake(self._done)

    def _wake(self, done: int) -> None:
        while self._waiting and self._waiting[0][0] <= done:
            _, told = self._waiting.popleft()
            if not told.done():
                told.set_result(None)

    async def _keep(self) -> None:
        """Keep what lasts; ends when nothing runs."""
        while True:
            before = set(self._running)
            await self._clock.wait(asyncio.Event(), (TURN_LEASE / _KEPT).total_seconds())
            until: datetime = self._clock.now() + TURN_LEASE
            for turn in before & self._running.keys():
                self._tell(self._running[turn]._replace(until=until))
            if not self._running:
                return

    async def finish(self) -> None:
        """Write what was told, as far as that can be done, and keep nothing any more."""
        await self.written()
        for task in (self._keeper, self._writer):
            if task is not None:
                task.cancel()
