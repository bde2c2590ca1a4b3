"""The store on one SQLite file (or in memory, for tests)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from recado.clock import Clock
from recado.domain.reference import ConversationKey
from recado.domain.scope import Scope
from recado.errors import StoreEmpty, StoreUnavailable
from recado.store.over_sql import SqlStore
from recado.store.port import Entry, Shares, Taken
from recado.store.session import Work
from recado.store.sqlite import schema
from recado.store.sqlite.database import BUSY_SECONDS, Database
from recado.store.sqlite.turns import turn_file

T = TypeVar("T")


class SqliteStore(SqlStore):
    """Implements :class:`recado.store.port.Store`; what the verbs promise is written there."""

    def __init__(
        self,
        path: Path | None,
        clock: Clock | None = None,
        *,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        """Choose the file; :meth:`open` opens it.

        Args:
            path: the file, made if missing; None keeps everything in memory.
            clock: the time for releases that carry none of their own.
            busy_seconds: how long to wait for another program's lock on the file.
        """
        super().__init__(clock, time.thread_time)
        self._db = Database(path, busy_seconds)
        self._path = path
        #: Which file it is that was opened.
        self._file: tuple[int, int] | None = None
        # Resolved, so that every name of the file leads to the one lock.
        self._serving_path = None if path is None else f"{path.resolve()}.serving"
        self._turns = None if path is None else turn_file(f"{path.resolve()}.turns")
        self._role: FileLock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._seen = -1

    # -- lifecycle

    async def open(self, *, make: bool = True, importing: bool = False) -> None:
        self._loop = asyncio.get_running_loop()
        if not make and (
            self._path is None or await asyncio.to_thread(_identity, self._path) is None
        ):
            raise StoreEmpty(":memory:" if self._path is None else str(self._path))
        await self._db.open(partial(schema.migrate, make=make, where=str(self._path)))
        try:
            if self._path is not None:
                self._file = await asyncio.to_thread(_identity, self._path)
            if not importing:
                await self._check_finished(str(self._path))
        except BaseException:
            await self._db.close()
            raise

    async def close(self) -> None:
        await self._singles.finish()
        await self.stop_serving()
        if self._turns is not None:
            self._turns.rest()
        await self._db.close()

    async def server(self) -> None:
        return None

    async def check(self) -> None:
        if self._path is not None and await asyncio.to_thread(_identity, self._path) != self._file:
            # SQLite would go on writing to a file that has no name any more.
            raise StoreUnavailable(
                f"The database {self._path} was deleted or replaced while it was in use: restart "
                "Recado, and put the file back first if it was moved."
            )
        await super().check()

    async def changed(self) -> bool:
        # data_version changes when another connection commits; our own reader asks, so the
        # commits of our own writer count too, which costs a look at most.
        seen = await self._db.version()
        changed, self._seen = seen != self._seen, seen
        return changed

    async def try_serve(self, owner: str) -> bool:  # noqa: ARG002 - the lock is the process's
        if self._serving_path is None or self._role is not None:
            return True
        role = await asyncio.to_thread(_locked, self._serving_path)
        self._role = role or self._role
        return self._role is not None

    async def stop_serving(self) -> None:
        role, self._role = self._role, None
        if role is not None:
            role.release()

    async def served(self) -> bool:
        if self._serving_path is None or self._role is not None:
            return True
        probe = await asyncio.to_thread(_locked, self._serving_path)
        if probe is not None:
            probe.release()
        return probe is None

    # -- sharing the pace

    @property
    def one_delivers(self) -> bool:
        return True

    async def take(self, owner: str, scopes: Sequence[Scope], now: datetime) -> Taken:  # noqa: ARG002 - whoever delivers keeps all
        if self._serving_path is None or self._role is not None:
            return Taken(kept=scopes)
        return Taken(others=scopes) if await self.served() else Taken()

    async def keep(
        self,
        owner: str,  # noqa: ARG002 - its lock is its lease
        now: datetime,  # noqa: ARG002 - as above
        until: datetime,  # noqa: ARG002 - as above
        let_go: Mapping[Scope, datetime],  # noqa: ARG002 - as above
    ) -> Shares:
        return Shares(mine=0, all=0, processes=1)

    async def _in_use(self) -> bool:
        # Nobody begins to deliver from it, or imports into it as well, until it is closed.
        return not await self.try_serve("import")

    # -- turns

    @property
    def turn_lease(self) -> None:
        """What a process has locked is its own until it ends."""
        return

    async def begin_turn(
        self,
        key: ConversationKey,
        activity: str | None,  # noqa: ARG002 - who would tell: processes share only locks
        *,
        holder: str,  # noqa: ARG002 - the kernel knows
        now: datetime,  # noqa: ARG002 - nothing ends by itself
    ) -> Entry:
        # In memory there is nobody else.
        begun = self._turns is None or self._turns.begin(key)
        return Entry.BEGUN if begun else Entry.BUSY

    async def keep_turns(
        self, keys: Collection[ConversationKey], *, holder: str, now: datetime
    ) -> None:
        """They are kept already."""

    def end_turn(
        self,
        key: ConversationKey,
        *,
        holder: str,  # noqa: ARG002 - as above
        now: datetime,  # noqa: ARG002 - as above
        answered: str | None,  # noqa: ARG002 - as above
    ) -> None:
        if self._turns is not None:
            self._turns.end(key)

    # -- transactions

    async def _write(self, work: Work[T]) -> T:
        return await self._db.write(work)

    async def _read(self, work: Work[T]) -> T:
        return await self._db.read(work)

    async def _look(self, work: Work[T]) -> T:
        return await self._db.look(work)

    def _ride(self, work: Work[None]) -> None:
        self._db.ride(work)

    def _soon(self, tell: Callable[[], None]) -> None:
        assert self._loop is not None  # noqa: S101 - nothing is run before it is open
        self._loop.call_soon_threadsafe(tell)


def _locked(path: str) -> FileLock | None:
    """The lock on *path*, or None if another has it.

    It is taken in one thread and released in another, so it must not be one thread's.
    """
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    except OSError as error:
        raise StoreUnavailable(
            f"The lock {path} cannot be made ({error.strerror}): make its directory writable."
        ) from error
    return lock


def _identity(path: Path) -> tuple[int, int] | None:
    """What the file system calls the file; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
