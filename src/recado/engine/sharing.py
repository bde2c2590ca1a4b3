"""Sharing the channels' pace with other processes over the same database.

Each scope has one keeper, in whose memory all its windows are counted. Deliveries are claimed by
the keeper of their scope. A reply of another process asks the keeper for leave, over the database;
if nobody keeps the scope its process becomes the keeper.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from recado.channel.pacing import Pacer, Permit
from recado.clock import Clock
from recado.domain.pace import Operation
from recado.domain.policy import Answer
from recado.domain.scope import Scope
from recado.engine.asking import Asker
from recado.engine.granting import Granter
from recado.engine.learning import Learner
from recado.errors import StoreError
from recado.store.port import Cycled, Paced, Store

#: How long a process keeps its scopes that neither renews its lease nor is known to be dead, and
#: how often it renews it.
LEASE: Final = timedelta(seconds=4)
_ROUND: Final = timedelta(seconds=1)
#: The same while it is waited for that something can be let go.
_HURRY: Final = timedelta(milliseconds=50)
#: How often what others ask for is read at most: it is read with what is claimed.
_READ: Final = timedelta(milliseconds=20)
#: How long it is believed that nobody delivers who could be asked.
_NOBODY: Final = timedelta(seconds=1)


class Sharing:
    """This process's part in it.

    Args:
        store: the database.
        pacer: decides the pace of what this process keeps.
        clock: the time.
        owner: this process's name in leases.
        longest_window: how far back the windows of the channels reach.
    """

    def __init__(
        self, store: Store, pacer: Pacer, clock: Clock, *, owner: str, longest_window: timedelta
    ) -> None:
        self._store = store
        self._pacer = pacer
        self._clock = clock
        self._owner = owner
        self._keeping = pacer.keeping
        self.learner = Learner(store, pacer, clock, owner=owner, longest_window=longest_window)
        self.granter = Granter(store, pacer, self.learner, clock, owner=owner)
        self.asker = Asker(store, clock, owner=owner)
        self._renewed_at: datetime | None = None
        self._renewing = asyncio.Lock()
        self._read_at: datetime | None = None
        self._nobody_until: datetime | None = None
        store.on_lost(self._keeping.lose)

    # -- for replies -------------------------------------------------------------------------

    async def admit(
        self,
        scope: Scope,
        key: str,
        operation: Operation = Operation.SEND,
        *,
        group: bool = False,
        patience: float = 15.0,
    ) -> Permit:
        """Wait until a request may begin; see :meth:`recado.channel.pacing.Pacer.admit`.

        While the database does not answer, this process's own windows are all there is to go by:
        somebody waits for the reply.
        """
        try:
            if not await self._decides(scope):
                return await self.asker.admit(scope, key, operation, group=group, patience=patience)
            await self.learner.learn(self.learner.unknown(scope, key))
        except StoreError:
            pass
        return await self._pacer.admit(scope, key, operation, group=group, patience=patience)

    async def admit_if_room(
        self,
        scope: Scope,
        key: str,
        operation: Operation = Operation.SEND,
        *,
        group: bool = False,
    ) -> Permit | None:
        """Leave for a request that nobody misses; see :meth:`Pacer.admit_if_room`."""
        try:
            if not await self._decides(scope):
                return await self.asker.admit_if_room(scope, key, operation, group=group)
            await self.learner.learn(self.learner.unknown(scope, key))
        except StoreError:
            return None
        return await self._pacer.admit_if_room(scope, key, operation, group=group)

    def ended(self, permit: Permit, answer: Answer) -> None:
        """A request that was admitted came to its end."""
        if not self.asker.ended(permit, answer):
            self._pacer.ended(permit, answer)

    async def _decides(self, scope: Scope) -> bool:
        """Whether leave is this process's own to give."""
        now, keeping = self._clock.now(), self._keeping
        if keeping.keeps(scope, now):
            return True
        if keeping.is_elsewhere(scope, now):
            return False
        if self._nobody_until is not None and now < self._nobody_until:
            return True
        if keeping.delivers:
            await self._renew()
        taken = await self._store.take(self._owner, [scope], now)
        self._nobody_until = None if taken.kept or taken.others else now + _NOBODY
        keeping.took(taken.kept, taken.others, now)
        return not taken.others

    # -- for the dispatcher ------------------------------------------------------------------

    async def deliver(self) -> None:
        """This process begins to deliver."""
        self._keeping.deliver(self._clock.now())
        await self._renew()

    async def keep_up(self) -> None:
        """From time to time: renew the lease, and let go of what is not used."""
        now = self._clock.now()
        keeping, renewed_at = self._keeping, self._renewed_at
        pause = _HURRY if keeping.leaves else _ROUND
        if (
            keeping.whole
            or not keeping.delivers
            or (
                renewed_at is not None
                and renewed_at <= now < renewed_at + pause
                and keeping.valid(now)
            )
        ):
            return
        async with self._renewing:
            unused = [each for each in keeping.idle(now) if not self._in_use(each)]
            let_go = keeping.let_go(unused, now)
            before = len(keeping.kept)
            until = now + LEASE
            shares = await self._store.keep(self._owner, now, until, let_go)
            if shares.mine < before:
                # Somebody took this process for dead, and what it keeps in memory is not so.
                keeping.lose()
            keeping.renew(until)
            if not let_go:  # else others are about to take that
                keeping.balance(shares.mine, shares.all, shares.processes, now)
            self._renewed_at = now

    def paced(self) -> Paced:
        """What may be claimed."""
        now, keeping = self._clock.now(), self._keeping
        asks = self._read_at is None or not self._read_at <= now < self._read_at + _READ
        if asks:
            self._read_at = now
        if keeping.whole:
            return Paced(channels=(), kept=(), others={}, asks=asks)
        if not keeping.valid(now):
            keeping.lose()  # others may have taken it
        return Paced(
            channels=self._pacer.limited, kept=keeping.kept, others=keeping.others, asks=asks
        )

    def cycled(self, cycled: Cycled, now: datetime) -> None:
        """What came of it; the store was told that it is *now*."""
        self._keeping.took(cycled.taken, cycled.others, now)
        if cycled.asks is not None:
            self.granter.heed(cycled.asks)

    async def stop(self) -> None:
        """Decide nothing any more."""
        await self.granter.stop()
        await self.asker.stop()
        self._keeping.deliver(None)

    # -- within ------------------------------------------------------------------------------

    def _in_use(self, scope: Scope) -> bool:
        return (
            self._pacer.is_busy(scope)
            or self.granter.lends(scope)
            or any(each.scope == scope for each in self.learner.unwritten())
        )

    async def _renew(self) -> None:
        if not self._keeping.whole and not self._keeping.valid(self._clock.now()):
            await self.keep_up()
