"""Asking: leave for the requests of this process in scopes that another one keeps."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from recado.channel.pacing import Permit
from recado.clock import Clock
from recado.domain.asking import Ask
from recado.domain.ids import new_id
from recado.domain.pace import Operation
from recado.domain.policy import Answer, Failure
from recado.domain.scope import Scope
from recado.errors import StoreError
from recado.store.port import Store

#: Seconds between two looks for leave: at first, and while it is waited for.
_SOON: Final = 0.02
_LATER: Final = 0.25
_SLOWER: Final = 1.5
#: How long after its patience a request waits for the keeper to see that this has ended.
_GRACE: Final = timedelta(seconds=1)
#: How long it is waited for leave for what nobody misses.
_MOMENT: Final = timedelta(seconds=0.5)
#: How long a request may take: longer than the channel waits for an answer.
_LONGEST: Final = timedelta(seconds=60)
#: Seconds after which is handed in again what the database did not take.
_AGAIN: Final = 1.0

_NOT_SENT: Final = Answer(failure=Failure.NOT_SENT)


class Asker:
    """Asks for leave through the database, and hands in how requests ended."""

    def __init__(self, store: Store, clock: Clock, *, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._waiting: dict[str, asyncio.Event] = {}
        self._given: dict[Permit, str] = {}
        self._ended: dict[str, Answer] = {}
        self._looking: asyncio.Task[None] | None = None
        self._handing_in: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()
        #: Requests that began because their patience ended.
        self.impatient = 0

    async def admit(
        self, scope: Scope, key: str, operation: Operation, *, group: bool, patience: float
    ) -> Permit:
        """Wait for leave; see :meth:`recado.channel.pacing.Pacer.admit`.

        Raises:
            StoreError: it cannot be asked for.
        """
        now = self._clock.now()
        patient_until = now + timedelta(seconds=patience)
        ask = Ask(
            id=new_id(),
            scope=scope,
            key=key,
            operation=operation,
            group=group,
            asker=self._owner,
            asked_at=now,
            patient_until=patient_until,
            until=patient_until + _LONGEST,
        )
        given = self._waiting[ask.id] = asyncio.Event()
        try:
            await self._store.ask(ask)
            self._look()
            left = patient_until + _GRACE - self._clock.now()
            if not await self._clock.wait(given, left.total_seconds()):
                # It counts for the keeper, who is to see that it begins.
                await self._store.grant([ask.id], self._owner)
                self.impatient += 1
        except BaseException:
            self._hand_in(ask.id, _NOT_SENT)
            raise
        finally:
            del self._waiting[ask.id]
        permit = Permit(self._clock.now(), scope, key, operation, group, None, None)
        self._given[permit] = ask.id
        return permit

    async def admit_if_room(
        self, scope: Scope, key: str, operation: Operation, *, group: bool
    ) -> Permit | None:
        """Ask for leave, and take it back unless it is given within a moment.

        Raises:
            StoreError: it cannot be asked for.
        """
        now = self._clock.now()
        until = now + _MOMENT
        ask = Ask(
            id=new_id(),
            scope=scope,
            key=key,
            operation=operation,
            group=group,
            asker=self._owner,
            asked_at=now,
            patient_until=until,
            until=until + _LONGEST,
        )
        given = self._waiting[ask.id] = asyncio.Event()
        try:
            await self._store.ask(ask)
            self._look()
            if not await self._clock.wait(given, _MOMENT.total_seconds()):
                self._hand_in(ask.id, _NOT_SENT)
                return None
        except BaseException:
            self._hand_in(ask.id, _NOT_SENT)
            raise
        finally:
            del self._waiting[ask.id]
        permit = Permit(self._clock.now(), scope, key, operation, group, None, None)
        self._given[permit] = ask.id
        return permit

    def ended(self, permit: Permit, answer: Answer) -> bool:
        """A request came to its end; whether it was one that leave was asked for."""
        asked = self._given.pop(permit, None)
        if asked is not None:
            self._hand_in(asked, answer)
        return asked is not None

    async def stop(self) -> None:
        """Hand in what has ended, as far as the database takes it."""
        task, self._handing_in = self._handing_in, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._ended:
            try:
                await self._store.hand_in(self._ended)
            except StoreError:
                return  # the keeper waits until their time is over
            self._ended.clear()

    # -- within ------------------------------------------------------------------------------

    def _look(self) -> None:
        self._asked.set()
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_for_leave())

    async def _look_for_leave(self) -> None:
        pause = _SOON
        try:
            while waiting := [each for each, event in self._waiting.items() if not event.is_set()]:
                self._asked.clear()
                if await self._clock.wait(self._asked, pause):
                    pause = _SOON
                    await self._clock.wait(asyncio.Event(), pause)
                pause = min(_LATER, pause * _SLOWER)
                try:
                    granted = await self._store.granted(waiting)
                except StoreError:
                    continue
                for each in granted:
                    if (event := self._waiting.get(each)) is not None:
                        event.set()
        finally:
            self._looking = None

    def _hand_in(self, asked: str, answer: Answer) -> None:
        self._ended[asked] = answer
        if self._handing_in is None:
            self._handing_in = asyncio.create_task(self._hand_in_all())

    async def _hand_in_all(self) -> None:
        try:
            while ended := dict(self._ended):
                try:
                    await self._store.hand_in(ended)
                except StoreError:
                    await self._clock.wait(asyncio.Event(), _AGAIN)
                    continue
                for each in ended:
                    del self._ended[each]
        finally:
            if self._handing_in is asyncio.current_task():
                self._handing_in = None
