"""The storage port over SQL: events, and the watches over them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from recado.domain.event import Emitted, Event, checked, written
from recado.domain.reference import Reference
from recado.domain.watch import NewWatch, Watch, WatchState
from recado.store.over_sql.transactions import Transactions
from recado.store.port import Evaluated, Page
from recado.store.verbs import events, watches, watching
from recado.store.verbs.rows import micros


class SqlWatches(Transactions):
    """Implements :class:`recado.store.port.WatchStore`."""

    async def accept_events(
        self, bot: str, events_: Sequence[Event], now: datetime
    ) -> Sequence[Emitted]:
        told = [(checked(each), written(each.data)) for each in events_]
        emitted = await self._write(partial(events.accept, bot=bot, told=told, now=micros(now)))
        if any(each.watching for each in emitted):
            self._later()
            self._ring()
        return emitted

    async def newest(self, bot: str, subject: str) -> Any:
        return await self._read(lambda db: events.newest(db, bot, subject))

    async def make_watch(self, new: NewWatch, reference: Reference) -> Watch:
        return await self._write(lambda db: watches.make(db, new, reference))

    async def watch(self, bot: str, name: str) -> Watch | None:
        return await self._read(lambda db: watches.one(db, bot, name))

    async def watch_numbered(self, bot: str, reference: int, number: int) -> Watch | None:
        return await self._read(lambda db: watches.numbered(db, bot, reference, number))

    async def watches(  # noqa: PLR0913 - the port's verb
        self,
        bot: str,
        *,
        states: Collection[WatchState],
        subject: str | None = None,
        reference: int | None = None,
        person: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Watch]:
        work = partial(
            watches.page,
            bot=bot,
            states=states,
            subject=subject,
            reference=reference,
            person=person,
            after=after,
            limit=limit,
        )
        return await self._read(work)

    async def change_watch(self, bot: str, name: str, to: WatchState, now: datetime) -> Watch:
        return await self._write(lambda db: watches.change(db, bot, name, to, micros(now)))

    async def evaluate(self, now: datetime, after: int, limit: int) -> Evaluated:
        done = await self._write(lambda db: watching.evaluate(db, micros(now), after, limit))
        if any(each.fired for each in done.events):
            self._tell()
        return done

    async def events_pending(self) -> bool:
        return await self._read(events.pending)

    async def expire_watches(self, now: datetime, limit: int) -> int:
        return await self._write(lambda db: watches.expire(db, micros(now), limit))
