"""One SQLite file: a thread that writes in groups, one that reads, and one that looks.

SQLite has one writer at a time, so all writes of the process go through one thread. Whatever
has queued up while a commit was on its way to the disk goes into the next one together: many
callers share one fsync, and each still learns that *its* work is committed.

What delivers reads a few rows at a time, and must not wait for somebody who counts them all: that
is done by the thread that looks.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from recado.errors import (
    ConfigurationError,
    InvalidInput,
    RecadoError,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from recado.store.session import Session, Work, driven
from recado.store.sqlite.session import SqliteSession

_log = logging.getLogger("recado.store")

T = TypeVar("T")

#: How long a statement waits for another process's lock before the caller is told.
BUSY_SECONDS: Final = 5.0
#: Riders are written after this long even if nobody commits anything else.
_RIDE_SECONDS: Final = 1.0
#: At most this many wait while the database cannot be written; the oldest give way.
_RIDERS: Final = 10_000
#: At most this many callers share a commit, so that none waits for too many others.
_GROUP: Final = 512
#: STRICT tables need 3.37 (2021-11).
_OLDEST: Final = (3, 37, 0)


def _plainly(do: Callable[[sqlite3.Connection], T]) -> Work[T]:
    """What is done with the connection itself, for want of a statement that could say it."""

    async def work(session: Session) -> T:
        assert isinstance(session, SqliteSession)  # noqa: S101 - this database makes no other
        return do(session.connection)

    return work


class _Order:
    """One caller's work and the future that will tell it; riders have none."""

    __slots__ = ("error", "future", "result", "work")

    def __init__(self, work: Work[Any], future: asyncio.Future[Any] | None) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None


class Database:
    """Access to one SQLite file (or, with None, to memory) from an event loop."""

    def __init__(self, path: Path | None, busy_seconds: float = BUSY_SECONDS) -> None:
        self._path = path
        self._connect = partial(_connect, path, busy_seconds)
        self._riders: deque[Work[Any]] = deque(maxlen=_RIDERS)
        self._writer: _Worker | None = None
        self._reader: _Worker | None = None
        self._looker: _Worker | None = None

    async def open(self, prepare: Callable[[sqlite3.Connection], None]) -> None:
        """Connect, and have *prepare* done in a transaction.

        Raises:
            ConfigurationError: this Python's SQLite is too old.
            StoreError: the file cannot be opened or made.
        """
        if sqlite3.sqlite_version_info < _OLDEST:
            raise ConfigurationError(
                f"Recado needs SQLite 3.37 or later and this Python has {sqlite3.sqlite_version}: "
                "use a newer Python."
            )
        writer = _Worker("recado-store", self._connect, self._commit)
        await writer.start()
        self._writer = writer
        try:
            await self.write(_plainly(prepare))
        except BaseException:
            await self.close()
            raise
        if self._path is None:
            return
        reading = partial(self._connect, query_only=True)
        reader = _Worker("recado-read", reading, self._read)
        looker = _Worker("recado-look", reading, self._read)
        try:
            await reader.start()
            self._reader = reader
            await looker.start()
            self._looker = looker
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Commit what is queued and disconnect."""
        workers = (self._looker, self._reader, self._writer)
        self._looker = self._reader = self._writer = None
        for worker in workers:
            if worker is not None:
                await worker.stop()

    async def write(self, work: Work[T]) -> T:
        """Run *work* in a transaction and return its result once that is committed.

        *work* runs in the writer's thread, together with others; if one of them fails, all are
        rolled back and each is run again alone, so it must not change anything but the database.

        Raises:
            StoreError: nothing was committed.
        """
        if self._writer is None:
            raise StoreUnavailable("The database is not open: start Recado first.")
        return cast("T", await self._writer.do(work))

    def ride(self, work: Work[Any]) -> None:
        """Run *work* with the next commit; nobody is told."""
        self._riders.append(work)

    async def read(self, work: Work[T]) -> T:
        """Run *work* on a connection that only reads, and sees one state of the database.

        Raises:
            StoreError: the database did not answer.
        """
        if self._reader is None:
            return await self.write(work)
        return cast("T", await self._reader.do(work))

    async def look(self, work: Work[T]) -> T:
        """As :meth:`read`, for what may take long; whoever reads does not wait for it.

        Raises:
            StoreError: the database did not answer.
        """
        if self._looker is None:
            return await self.write(work)
        return cast("T", await self._looker.do(work))

    async def version(self) -> int:
        """A number that is another one when anybody has committed since."""

        def version(connection: sqlite3.Connection) -> int:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

        return await self.read(_plainly(version))

    # -- in the threads ----------------------------------------------------------------------

    def _read(self, connection: sqlite3.Connection, orders: list[_Order]) -> None:
        for order in orders:
            if self._begin(connection, "BEGIN", [order]):
                self._finish(connection, [order])

    def _commit(self, connection: sqlite3.Connection, orders: list[_Order]) -> None:
        riders = [_Order(self._riders.popleft(), None) for _ in range(len(self._riders))]
        group = riders + orders
        if group and self._begin(connection, "BEGIN IMMEDIATE", group):
            if self._finish(connection, group):
                return
            for place, order in enumerate(group):
                if not self._begin(connection, "BEGIN IMMEDIATE", group[place:]):
                    break
                self._finish(connection, [order])
        for rider in riders:
            if isinstance(rider.error, StoreUnavailable | StoreFull | StoreReadOnly):
                self.ride(rider.work)
            elif rider.error is not None:
                _log.warning("A refresh was not stored: %s", rider.error)

    def _begin(self, connection: sqlite3.Connection, how: str, group: list[_Order]) -> bool:
        """Begin a transaction.

        If that fails it is nobody's fault, so the whole group is told: callers who waited for a
        lock together are not made to wait for it once more for each other.
        """
        try:
            connection.execute(how)
        except sqlite3.Error as error:
            for order in group:
                order.error = translated(error, self._path)
            return False
        return True

    def _finish(self, connection: sqlite3.Connection, group: list[_Order]) -> bool:
        """The rest of the transaction, for the whole group; whether it was committed."""
        try:
            for order in group:
                order.error = None
                before = connection.total_changes
                try:
                    order.result = driven(order.work(SqliteSession(connection)))
                except RecadoError as refusal:
                    if connection.total_changes != before:
                        raise
                    order.error = refusal  # it wrote nothing, so the others need not go back
            connection.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - it is handed to the caller, typed
            with suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            for order in group:
                order.error = translated(error, self._path)
            return False
        return True


class _Worker:
    """A thread with a connection of its own, which takes orders in groups.

    Whatever has queued up while the last group was worked on is the next group; its callers are
    told together, with one wake-up of the event loop.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], sqlite3.Connection],
        work: Callable[[sqlite3.Connection, list[_Order]], None],
    ) -> None:
        self._connect = connect
        self._work = work
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    async def start(self) -> None:
        """Connect, and begin taking orders."""
        self._thread.start()
        await self._opened

    async def stop(self) -> None:
        """Finish what was ordered and disconnect."""
        self._orders.put(None)
        await asyncio.to_thread(self._thread.join)

    async def do(self, work: Work[Any]) -> Any:
        """Have *work* done; its result."""
        order = _Order(work, self._loop.create_future())
        self._orders.put(order)
        assert order.future is not None  # noqa: S101 - it was just made
        return await order.future

    def _run(self) -> None:
        try:
            connection = self._connect()
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for it
            self._loop.call_soon_threadsafe(_fail, self._opened, error)
            return
        self._loop.call_soon_threadsafe(_succeed, self._opened)
        running = True
        while running:
            group = self._next_group()
            running = not group or group[-1] is not None
            orders = [order for order in group if order is not None]
            self._work(connection, orders)
            if orders:
                self._tell(orders)
        connection.close()

    def _next_group(self) -> list[_Order | None]:
        """What has queued up, perhaps nothing. None at the end asks to stop."""
        group: list[_Order | None] = []
        try:
            group.append(self._orders.get(timeout=_RIDE_SECONDS))
            while group[-1] is not None and len(group) < _GROUP:
                group.append(self._orders.get_nowait())
        except queue.Empty:
            pass
        return group

    def _tell(self, orders: list[_Order]) -> None:
        try:
            self._loop.call_soon_threadsafe(_resolve, orders)
        except RuntimeError:
            _log.debug("The event loop closed before %d callers were told.", len(orders))


def _connect(
    path: Path | None, busy_seconds: float, *, query_only: bool = False
) -> sqlite3.Connection:
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path or ":memory:", timeout=busy_seconds, isolation_level=None, cached_statements=256
        )
    except OSError as error:
        raise StoreUnavailable(
            f"The database {path} cannot be opened ({error.strerror}): check the path and its "
            "permissions, or set RECADO_DATABASE_URL."
        ) from error
    except sqlite3.Error as error:
        raise translated(error, path) from error
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is on the disk when it returns (promise 1).
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -32768")
        if query_only:
            connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        connection.close()
        raise translated(error, path) from error
    return connection


def _resolve(orders: list[_Order]) -> None:
    for order in orders:
        future = order.future
        if future is None or future.done():
            continue
        if order.error is not None:
            future.set_exception(order.error)
        else:
            future.set_result(order.result)


def _succeed(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


_E = TypeVar("_E", bound=BaseException)


def translated(  # noqa: PLR0911 - one for each of ours
    error: _E, path: Path | None = None
) -> _E | StoreError | InvalidInput:
    """SQLite's error as one of ours, with what to do about it; other errors as they are."""
    if isinstance(error, UnicodeEncodeError):
        return InvalidInput(
            f"{error.object!r} is no text that can be stored or looked for: it has half of a "
            "surrogate pair in it."
        )
    if not isinstance(error, sqlite3.Error):
        return error
    name = getattr(error, "sqlite_errorname", "")
    where = f" {path}" if path else ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreUnavailable(
            f"The database{where} is locked by another program: close it, or try again."
        )
    if name.startswith("SQLITE_FULL"):
        return StoreFull(f"The disk of the database{where} is full: make room, then try again.")
    if name.startswith("SQLITE_READONLY"):
        return StoreReadOnly(
            f"The database{where} is read-only: make the file and its directory writable."
        )
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_AUTH", "SQLITE_PERM")):
        return StoreUnavailable(
            f"The database{where} cannot be opened or read ({error}): check path and permissions."
        )
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return StoreUnavailable(
            f"The file{where} is not a usable SQLite database ({error}): restore a backup, or "
            "point RECADO_DATABASE_URL elsewhere."
        )
    return StoreError(f"The database refused: {error}.")
