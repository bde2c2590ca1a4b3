"""The storage port over SQL: taking in what is to be said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from recado.clock import Clock
from recado.domain.notification import Notification
from recado.domain.reference import Reference
from recado.errors import StoreFull, StoreReadOnly, StoreUnavailable
from recado.store.over_sql.transactions import Transactions
from recado.store.port import (
    Accepted,
)
from recado.store.together import Together
from recado.store.verbs import (
    acceptance,
    singles,
)
from recado.store.verbs.rows import micros

#: Callers that wait at once for a conversation that somebody holds.
_PATIENT: Final = 3


class SqlAcceptance(Transactions):
    """Implements :class:`recado.store.port.AcceptanceStore`."""

    def __init__(
        self,
        clock: Clock | None,
        cost: Callable[[], float],
        *,
        groups: int = 1_000,
        remembers: bool = False,
    ) -> None:
        """Begin without a connection, see :class:`Transactions`.

        Args:
            clock: the time.
            cost: seconds that whoever looks has been busy.
            groups: commits under way at once of callers that notify at the same moment; who comes
                meanwhile shares the next one.
            remembers: whether the database may keep what was deleted.
        """
        super().__init__(clock, cost, remembers=remembers)
        self._singles = Together(
            self._accept_singles, (StoreUnavailable, StoreReadOnly), at_once=groups
        )
        self._patient = asyncio.Semaphore(_PATIENT)

    async def accept(self, notification: Notification, lanes: Sequence[Reference]) -> Accepted:
        try:
            accepted = await self._accept_somehow(notification, lanes)
        except StoreFull as error:
            self._full, self._full_at = error, time.monotonic()
            raise
        self._full = None
        return accepted

    async def _accept_somehow(
        self, notification: Notification, lanes: Sequence[Reference]
    ) -> Accepted:
        if singles.is_single(notification, lanes):
            accepted = await self._singles.do((notification, lanes[0]))
            if accepted is not None:
                return accepted
            # Somebody holds its conversation. Only a few wait for that at once, because each keeps
            # a connection from others meanwhile.
            async with self._patient:
                return await self._accept(notification, lanes)
        return await self._accept(notification, lanes)

    async def _accept(self, notification: Notification, lanes: Sequence[Reference]) -> Accepted:
        return await self._working(lambda db: acceptance.accept(db, notification, lanes))

    async def _accept_singles(self, asked: Sequence[singles.Single]) -> Sequence[Accepted | None]:
        accepted = await self._write(lambda db: singles.accept(db, asked))
        self._wake()
        self._ring()
        if any(single.expires_at is not None for single, _ in asked):
            self._later()
        return accepted

    async def expand(self, now: datetime, limit: int) -> int:
        return await self._ringing(lambda db: acceptance.expand(db, micros(now), limit))

    # -- delivery
