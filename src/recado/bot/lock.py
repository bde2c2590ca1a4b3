"""The turn lock: one turn at a time in a conversation, whichever process runs it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Final

from recado.clock import Clock
from recado.domain.ids import new_id
from recado.domain.reference import ConversationKey
from recado.errors import RecadoError, StoreError
from recado.store.port import Entry, Store

_log = logging.getLogger("recado.bot")

#: Seconds between looks whether another process has ended its turn: at first, and at most.
_LOOK_AGAIN: Final = 0.02
_LOOK_AT_MOST: Final = 0.1
#: What a process holds is kept so many times before its lease would end.
_KEPT: Final = 4


class _Room:
    """Who is in one conversation, and who of this process waits for it, in order."""

    __slots__ = ("queue", "taken")

    def __init__(self) -> None:
        self.taken = False
        self.queue: deque[asyncio.Event] = deque()


class Hold:
    """A turn's stay in its conversation, which turns run within it share.

    Attributes:
        repeated: whether the activity is answered elsewhere, so that nothing is to be run.
        answered: set by whoever runs the turn when it ended well.
    """

    def __init__(self) -> None:
        self.repeated = False
        self.answered = False
        self._within = 0
        self._left = asyncio.Event()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Run a block as part of the stay, which does not end before the block does."""
        self._within += 1
        try:
            yield
        finally:
            self._within -= 1
            if not self._within:
                self._left.set()

    async def alone(self) -> None:
        """Wait until nothing is run within it any more."""
        while self._within:
            self._left.clear()
            await self._left.wait()


class TurnLock:
    """Turns of one conversation run one after the other.

    Bots load a conversation's state when a turn starts and save all of it at the end, so of two
    overlapping turns one loses its changes. A turn that waited too long runs nevertheless,
    because a lost change is better than a lost turn; so does one for which the database cannot
    be asked.

    Args:
        store: tells processes apart.
        clock: the time.
        bot: whose turns.
        active: whether anybody waits at all.
        patience: how long.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        bot: str,
        active: bool = True,
        patience: timedelta = timedelta(seconds=5),
    ) -> None:
        self._store = store
        self._clock = clock
        self._bot = bot
        self._active = active
        self._patience = patience
        self._holder = new_id()
        self._rooms: dict[ConversationKey, _Room] = {}
        #: Turns of this process that are its own in the store too.
        self._held: set[ConversationKey] = set()
        self._keeper: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def hold(self, place: tuple[str, str], activity: str | None) -> AsyncIterator[Hold]:
        """Run a block as a turn.

        Args:
            place: base channel and id of its conversation.
            activity: the id of the activity it answers, if one is not to be answered twice.
        """
        hold = Hold()
        if not self._active:
            yield hold
            return
        channel, conversation_id = place
        key = ConversationKey(bot=self._bot, channel=channel, conversation_id=conversation_id)
        until = self._clock.now() + self._patience
        room = self._rooms.get(key)
        if room is None:
            room = self._rooms[key] = _Room()
        if room.taken and not await self._wait_here(room, until):
            self._give_up(key)
            yield hold
            return
        room.taken = True
        try:
            entry = await self._begin(key, activity, until)
            hold.repeated = entry is Entry.REPEATED
            try:
                yield hold
                await hold.alone()
            finally:
                if entry is Entry.BEGUN:
                    self._end(key, activity if hold.answered else None)
        finally:
            self._leave(key, room)

    # -- in this process -----------------------------------------------------------------------

    async def _wait_here(self, room: _Room, until: datetime) -> bool:
        """Wait for this process's other turns, in order; False if patience ended first."""
        mine = asyncio.Event()
        room.queue.append(mine)
        try:
            left = (until - self._clock.now()).total_seconds()
            if await self._clock.wait(mine, left):
                return True
        except BaseException:
            if mine.is_set():
                self._pass_on(room)
            raise
        finally:
            if not mine.is_set():
                room.queue.remove(mine)
        return mine.is_set()

    def _leave(self, key: ConversationKey, room: _Room) -> None:
        self._pass_on(room)
        if not room.taken:
            self._rooms.pop(key, None)

    def _pass_on(self, room: _Room) -> None:
        """The next one's turn has come: it stays taken, so that nobody overtakes."""
        if room.queue:
            room.queue.popleft().set()
        else:
            room.taken = False

    # -- among processes -----------------------------------------------------------------------

    async def _begin(
        self, key: ConversationKey, activity: str | None, until: datetime
    ) -> Entry | None:
        """Begin it in the store; None if it runs without."""
        pause = _LOOK_AGAIN
        try:
            while True:
                async with asyncio.timeout(self._patience.total_seconds()):
                    now = self._clock.now()
                    entry = await self._store.begin_turn(
                        key, activity, holder=self._holder, now=now
                    )
                if entry is Entry.BEGUN:
                    self._keep(key)
                if entry is not Entry.BUSY:
                    return entry
                left = (until - self._clock.now()).total_seconds()
                if left <= 0:
                    self._give_up(key)
                    return None
                await self._clock.wait(asyncio.Event(), min(pause, left))
                pause = min(2 * pause, _LOOK_AT_MOST)
        except (RecadoError, TimeoutError) as error:
            told = str(error) or "The database did not answer in time."
            _log.warning("A turn in %r runs without its lock: %s", key.conversation_id, told)
            return None

    def _end(self, key: ConversationKey, answered: str | None) -> None:
        self._held.discard(key)
        self._store.end_turn(key, holder=self._holder, now=self._clock.now(), answered=answered)

    def _keep(self, key: ConversationKey) -> None:
        """Have it kept as long as it lasts, if it would end by itself."""
        lease = self._store.turn_lease
        if lease is None:
            return
        self._held.add(key)
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep_all(lease / _KEPT), name="recado-turns")

    async def _keep_all(self, every: timedelta) -> None:
        """Keep what lasts; ends when nothing is held."""
        while True:
            before = set(self._held)
            await self._clock.wait(asyncio.Event(), every.total_seconds())
            lasting = before & self._held
            if lasting:
                try:
                    await self._store.keep_turns(
                        lasting, holder=self._holder, now=self._clock.now()
                    )
                except StoreError as error:
                    _log.debug("Turns were not kept: %s", error)
            elif not self._held:
                return

    def _give_up(self, key: ConversationKey) -> None:
        _log.warning(
            "A turn in %r waited %s for another one to end and now runs beside it.",
            key.conversation_id,
            self._patience,
        )
