"""Granting: leave for requests of processes that do not keep the scope, from the one that does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from recado.channel.pacing import Pacer, Permit
from recado.clock import Clock
from recado.domain.asking import Ask
from recado.domain.policy import Answer, Failure
from recado.domain.scope import Scope
from recado.engine.learning import Learner
from recado.errors import StoreError
from recado.store.port import Store

#: Others are expected to ask again within this.
_LATELY: Final = timedelta(seconds=10)
#: With so many there may be more, which are not seen.
MANY: Final = 500
#: Nobody is there any more to tell how a request ended.
_LOST: Final = Answer(failure=Failure.AMBIGUOUS)


class Granter:
    """Gives leave as the pacer would to this process's own replies.

    A request counts as under way from its leave on, until its process has handed in the answer
    or its time is over.
    """

    def __init__(
        self, store: Store, pacer: Pacer, learner: Learner, clock: Clock, *, owner: str
    ) -> None:
        self._store = store
        self._pacer = pacer
        self._learner = learner
        self._clock = clock
        self._owner = owner
        #: What is being decided.
        self._tasks: dict[str, asyncio.Task[None]] = {}
        #: What has leave.
        self._given: dict[str, Permit] = {}
        #: What has ended and is counted.
        self._over: dict[str, None] = {}
        self._asked_at: datetime | None = None

    def asked_lately(self, now: datetime) -> bool:
        """Whether others have asked of late, and probably will again."""
        return self._asked_at is not None and now < self._asked_at + _LATELY

    def lends(self, scope: Scope) -> bool:
        """Whether requests of others in a scope are waited for, or waiting."""
        return bool(self._tasks) or any(each.scope == scope for each in self._given.values())

    @property
    def over(self) -> Sequence[str]:
        """What can be forgotten once its stamps are written down."""
        return tuple(self._over)

    def forgotten(self, ids: Iterable[str]) -> None:
        """That has been done."""
        for each in ids:
            self._over.pop(each, None)

    def heed(self, asks: Sequence[Ask]) -> None:
        """Look at what others ask: all of it, or the part that has waited longest."""
        now = self._clock.now()
        if asks:
            self._asked_at = now
        for ask in asks:
            if (
                ask.id not in self._over
                and ask.id not in self._tasks
                and self._pacer.keeping.keeps(ask.scope, now)
            ):
                self._look_at(ask, now)
        if len(asks) >= MANY or not (self._tasks or self._given):
            return
        present = {ask.id for ask in asks}
        for each in self._tasks.keys() - present:
            self._tasks[each].cancel()  # it was withdrawn
        for each in self._given.keys() - present:
            self._pacer.give_back(self._given.pop(each))  # another process has counted it

    async def stop(self) -> None:
        """Decide nothing any more; whoever keeps the scopes next does."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- within ------------------------------------------------------------------------------

    def _look_at(self, ask: Ask, now: datetime) -> None:
        answer = ask.answer
        if answer is None and now >= ask.until:
            answer = _LOST
        permit = self._given.get(ask.id)
        if answer is None:
            if permit is None:
                self._begin(ask)
        elif permit is not None:
            del self._given[ask.id]
            self._pacer.ended(permit, answer)
            self._over[ask.id] = None
        elif ask.granted_by is None:
            self._over[ask.id] = None  # it was not begun
        else:
            self._begin(ask, answer)

    def _begin(self, ask: Ask, answer: Answer | None = None) -> None:
        task = asyncio.create_task(self._decide(ask, answer))
        self._tasks[ask.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(ask.id, None))

    async def _decide(self, ask: Ask, answer: Answer | None) -> None:
        # What the database does not take now is looked at again with the next cycle.
        with suppress(StoreError):
            await self._learner.learn(self._learner.unknown(ask.scope, ask.key))
            if ask.granted_by is None:
                await self._grant(ask)
                return
            permit = self._pacer.adopt(ask.scope, ask.key, ask.operation, group=ask.group)
            if answer is None:
                self._given[ask.id] = permit
            else:
                self._pacer.ended(permit, answer)
                self._over[ask.id] = None

    async def _grant(self, ask: Ask) -> None:
        left = (ask.patient_until - self._clock.now()).total_seconds()
        permit = await self._pacer.admit(
            ask.scope, ask.key, ask.operation, group=ask.group, patience=max(0.0, left)
        )
        given = False
        try:
            if self._pacer.keeping.keeps(ask.scope, self._clock.now()):
                given = ask.id in await self._store.grant([ask.id], self._owner)
        finally:
            if given:
                self._given[ask.id] = permit
            else:
                self._pacer.give_back(permit)
