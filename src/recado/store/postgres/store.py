"""The store on a PostgreSQL database."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from recado.clock import Clock
from recado.database_url import PostgresAddress
from recado.domain.reference import ConversationKey
from recado.domain.scope import Scope
from recado.errors import StoreError, StoreFull, StoreReadOnly, StoreUnavailable
from recado.store.over_sql import SqlStore
from recado.store.port import Entry, Forgotten, Old, RecordKind, ServerFacts, Shares, Taken
from recado.store.postgres import months, schema, server
from recado.store.postgres.bell import Bell
from recado.store.postgres.clock import DatabaseClock
from recado.store.postgres.database import CONNECTIONS, LOCK_SECONDS, Database
from recado.store.postgres.turns import LEASE, Turns
from recado.store.session import Session, Work, statements
from recado.store.verbs.rows import dumps, micros

T = TypeVar("T")

_log = logging.getLogger("recado.store")

_SQL = statements("processes", "postgres")

#: Commits under way at once of callers that notify at the same moment.
_GROUPS: Final = 2
#: Seconds between looks at the server's clock, and between signs of life.
_LOOK_SECONDS: Final = 30.0
_ALIVE_SECONDS: Final = 5.0
#: Riders are written after this long.
_RIDE_SECONDS: Final = 0.5
#: At most this many wait while the database cannot be written; the oldest give way.
_RIDERS: Final = 10_000
#: How often is looked for what others committed, also when nothing was heard; and where nothing can
#: be heard.
_IN_DOUBT: Final = timedelta(seconds=1)
_UNHEARD: Final = timedelta(milliseconds=200)


class PostgresStore(SqlStore):
    """Implements :class:`recado.store.port.Store`; what the verbs promise is written there."""

    _by_months = True

    def __init__(
        self,
        address: PostgresAddress,
        clock: Clock | None = None,
        *,
        connections: int = CONNECTIONS,
        lock_seconds: float = LOCK_SECONDS,
    ) -> None:
        """Choose the database; :meth:`open` connects.

        Args:
            address: where it is.
            clock: the time; the database server's when left out.
            connections: at most so many at once, beside one that listens.
            lock_seconds: how long to wait for others' locks.
        """
        self._db = Database(address, connections=connections, lock_seconds=lock_seconds)
        shared = None if clock else DatabaseClock(lambda: self._db.ask(_TIME))
        super().__init__(clock or shared, time.monotonic, groups=_GROUPS, remembers=True)
        self._shared_clock = shared
        self._turns = Turns(self._db)
        self._bell = Bell(self._db, self._on_ring, self._on_doubt, self._on_lost)
        self._riders: deque[Work[None]] = deque(maxlen=_RIDERS)
        self._tasks: list[asyncio.Task[None]] = []
        self._owner: str | None = None
        #: Others may have committed since it was asked last, and when that was.
        self._heard = True
        self._asked_at: datetime | None = None

    # -- lifecycle

    async def open(self, *, make: bool = True, importing: bool = False) -> None:
        await self._db.open(partial(schema.migrate, make=make, where=self._db.address.shown))
        try:
            if not importing:
                await self._check_finished(self._db.address.shown)
            if self._shared_clock is not None:
                await self._shared_clock.look()
                self._repeat(self._shared_clock.look, _LOOK_SECONDS)
            if not self._db.address.pooler:
                self._bell.start()
            self._repeat(self._write_riders, _RIDE_SECONDS)
            # Now, because what would go to a month that has no partition yet stays without one.
            with suppress(StoreError):
                await self.make_months(datetime.now(UTC))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await self._singles.finish()
        await self._turns.finish()
        with suppress(StoreError):
            await self.stop_serving()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._riders:
            with suppress(StoreError):
                await self._write_riders()
        await self._bell.stop()
        await self._db.close()

    async def server(self) -> ServerFacts:
        return await server.facts(self._db)

    async def changed(self) -> bool:
        now, asked_at = self._clock.now(), self._asked_at
        doubt = _IN_DOUBT if self._bell.listening else _UNHEARD
        if self._heard or asked_at is None or not asked_at <= now < asked_at + doubt:
            self._heard, self._asked_at = False, now
            return True
        return False

    async def try_serve(self, owner: str) -> bool:
        if self._owner is None:
            self._owner = owner
            await self._show_life()
            self._repeat(self._show_life, _ALIVE_SECONDS)
        return True

    async def stop_serving(self) -> None:
        owner, self._owner = self._owner, None
        if owner is not None:
            await self._db.write(partial(_leave, owner=owner))
            self._ring()

    async def served(self) -> bool:
        return bool(await self._db.read(lambda db: db.value(_SQL["alive"])))

    async def release_handlers(self, handlers: Sequence[str], limit: int = 500) -> int:
        released = await super().release_handlers(handlers, limit)
        return released + await self._releasing(lambda db: self._announce(db, handlers, limit))

    async def _announce(self, db: Session, handlers: Sequence[str], limit: int) -> int:
        if self._owner is not None:
            told = {"owner": self._owner, "handlers": dumps(list(handlers))}
            await db.run(_SQL["announce"], told)
        return await db.run(_SQL["desert"], {"most": limit})

    async def make_months(self, now: datetime) -> None:
        await self._db.write(lambda db: months.make(db, now))

    async def forget(
        self, what: Old, before: datetime, *, after: str = "", limit: int = 500
    ) -> Forgotten | None:
        if what is Old.MONTHS:
            return await self._db.write(lambda db: months.drop(db, before))
        return await super().forget(what, before, after=after, limit=limit)

    # -- sharing the pace

    @property
    def one_delivers(self) -> bool:
        return False

    async def take(self, owner: str, scopes: Sequence[Scope], now: datetime) -> Taken:
        if self._owner is None:
            # It cannot keep what it does not deliver; whoever does takes what is asked for.
            return Taken(others=scopes) if await self.served() else Taken()
        kept = set(await self._db.write(lambda db: db.take(owner, scopes, micros(now))))
        return Taken(kept=kept, others=[each for each in scopes if each not in kept])

    async def keep(
        self, owner: str, now: datetime, until: datetime, let_go: Mapping[Scope, datetime]
    ) -> Shares:
        scopes = dumps([(*scope, micros(since)) for scope, since in let_go.items()])
        mine = {"me": owner}

        async def work(db: Session) -> Shares:
            told = {"until": micros(until), "session": self._bell.session}
            await db.run(_SQL["renew"], mine | told)
            if let_go:
                await db.run(_SQL["let_go"], mine | {"scopes": scopes})
            kept, everyone, processes = await db.one(_SQL["shares"], mine | {"now": micros(now)})
            return Shares(mine=kept, all=everyone, processes=processes)

        shares = await self._db.write(work)
        if let_go:
            self._ring()
        return shares

    async def _in_use(self) -> bool:
        return await self.served()

    async def _before_records(
        self, db: Session, kind: RecordKind, records: Sequence[str], now: datetime
    ) -> None:
        if kind.name in _BY_MONTHS:
            first, last = (json.loads(records[place]) for place in (0, -1))
            column = _BY_MONTHS[kind.name]
            await months.of_ids(db, first[column], last[column], now)

    # -- turns

    @property
    def turn_lease(self) -> timedelta:
        return LEASE

    async def begin_turn(
        self, key: ConversationKey, activity: str | None, *, holder: str, now: datetime
    ) -> Entry:
        return await self._turns.begin(key, activity, holder, micros(now))

    async def keep_turns(
        self, keys: Collection[ConversationKey], *, holder: str, now: datetime
    ) -> None:
        await self._turns.keep(keys, holder, micros(now))

    def end_turn(
        self, key: ConversationKey, *, holder: str, now: datetime, answered: str | None
    ) -> None:
        self._turns.end(key, holder, micros(now), answered)

    # -- transactions

    async def _write(self, work: Work[T]) -> T:
        return await self._db.write(work)

    async def _read(self, work: Work[T]) -> T:
        return await self._db.read(work)

    async def _look(self, work: Work[T]) -> T:
        return await self._db.look(work)

    def _ride(self, work: Work[None]) -> None:
        self._riders.append(work)

    def _soon(self, tell: Callable[[], None]) -> None:
        tell()

    def _ring(self) -> None:
        self._bell.ring()

    # -- within

    def _repeat(self, do: Callable[[], Awaitable[object]], seconds: float) -> None:
        self._tasks.append(asyncio.create_task(_repeated(do, seconds)))

    def _on_doubt(self) -> None:
        self._heard = True

    def _on_lost(self) -> None:
        self._lost()

    def _on_ring(self) -> None:
        self._on_doubt()
        self._wake()
        self._later()

    async def _show_life(self) -> None:
        owner = self._owner
        if owner is not None:
            await self._db.write(lambda db: db.run(_SQL["show"], (owner,)))

    async def _write_riders(self) -> None:
        """Write what rides along: all together or, if that fails, each alone."""
        group = [self._riders.popleft() for _ in range(len(self._riders))]
        if not group:
            return

        async def together(db: Session) -> None:
            for work in group:
                await work(db)

        try:
            await self._db.write(together)
        except (StoreUnavailable, StoreFull, StoreReadOnly):
            self._riders.extendleft(reversed(group))
        except StoreError:
            for work in group:
                try:
                    await self._db.write(work)
                except StoreError as error:
                    _log.warning("A refresh was not stored: %s", error)


async def _leave(db: Session, owner: str) -> None:
    await db.run(_SQL["gone"], (owner,))
    await db.run(_SQL["gone_keepers"])


#: What is kept by months: which column says when it was made.
_BY_MONTHS: Final = {"history": "id", "attempt": "delivery"}
#: The server's time in microseconds since 1970.
_TIME: Final = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"


async def _repeated(do: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Do something again and again; what goes wrong is tried again the next time."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await do()
        except StoreError as error:
            _log.debug("The database does not answer for the moment: %s", error)
