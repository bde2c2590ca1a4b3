"""A PostgreSQL database: a pool of connections, and transactions that are tried again.

Processes wait for each other's row locks, so a transaction may be the victim of a deadlock, or
find that another has inserted what it was about to insert. Then it is rolled back and run again,
which sees what the other has done. A connection that is lost is replaced; only where it is lost
during the commit nobody can say whether that happened, and the caller is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import asyncpg

from recado.database_url import PostgresAddress
from recado.errors import ConfigurationError, RecadoError, StoreError, StoreUnavailable
from recado.store.postgres.failures import TROUBLE, lost, passing, translated
from recado.store.postgres.session import PostgresSession
from recado.store.session import Work

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

T = TypeVar("T")

#: The oldest server that has what the statements need.
_OLDEST: Final = 14
#: Connections of a process, at most, beside the one that listens.
CONNECTIONS: Final = 10
#: Of these, so many may be busy with what takes long.
_LOOKERS: Final = 3
#: Transactions that meet others are begun so often, at most.
_TRIES: Final = 20
#: Seconds until a server has to have answered when a connection is made.
_CONNECT_SECONDS: Final = 10.0
#: Seconds that a statement waits for another's lock before the caller is told.
LOCK_SECONDS: Final = 5.0
#: Seconds after which the server ends a transaction whose process has stopped in the middle of
#: it, so that what it holds is free for others.
_STOPPED_SECONDS: Final = 5.0
#: Seconds a statement may take.
_STATEMENT_SECONDS: Final = 60.0


class Database:
    """Access to one database from an event loop."""

    def __init__(
        self,
        address: PostgresAddress,
        *,
        connections: int = CONNECTIONS,
        lock_seconds: float = LOCK_SECONDS,
    ) -> None:
        """Choose it; :meth:`open` connects.

        Args:
            address: where it is.
            connections: at most so many at once.
            lock_seconds: how long to wait for others' locks.
        """
        self.address = address
        self._connections = connections
        self._lock_seconds = lock_seconds
        self._pool: asyncpg.Pool | None = None
        #: Whether commits of the server return early unless they are told otherwise.
        self._hasty = False
        self._lookers = asyncio.Semaphore(min(_LOOKERS, max(1, connections - 1)))

    async def open(self, prepare: Callable[[asyncpg.Connection], Awaitable[None]]) -> None:
        """Connect, and have *prepare* done in a transaction.

        Raises:
            ConfigurationError: the server is too old.
            StoreError: it cannot be reached, or does not let us in.
        """
        try:
            connection = await self.connect()
            try:
                async with connection.transaction():
                    await prepare(connection)
            finally:
                await connection.close(timeout=_CONNECT_SECONDS)
            self._pool = await asyncpg.create_pool(
                connect=self._connected,
                reset=_left_in_order,
                min_size=0,  # those that work are made when they are needed
                max_size=self._connections,
                # Those that were idle for so long may have been cut by something in between.
                max_inactive_connection_lifetime=60,
            )
        except Exception as error:
            raise translated(error, self.address.shown) from error

    async def close(self) -> None:
        """Disconnect, after what was begun has ended. Closing twice is allowed."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await pool.close()
        except TROUBLE:
            pool.terminate()

    async def connect(self) -> asyncpg.Connection:
        """A connection of one's own, which the caller closes."""
        pooled = self.address.pooler
        settings = {"application_name": "recado"}
        if not pooled:
            settings |= {
                "timezone": "UTC",
                "jit": "off",  # it costs more than any of our statements
                "lock_timeout": _milliseconds(self._lock_seconds),
                "statement_timeout": _milliseconds(_STATEMENT_SECONDS),
                "idle_in_transaction_session_timeout": _milliseconds(_STOPPED_SECONDS),
            }
        connection: asyncpg.Connection = await asyncpg.connect(
            self.address.dsn,
            timeout=_CONNECT_SECONDS,
            command_timeout=_STATEMENT_SECONDS + _CONNECT_SECONDS,
            server_settings=settings,
            # A pooler lends another connection next time, which does not know our statements.
            statement_cache_size=0 if pooled else 1024,
        )
        try:
            _check_version(connection)
            self._hasty = await connection.fetchval("SHOW synchronous_commit") == "off"
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _connected(self, *_: Any, **__: Any) -> asyncpg.Connection:
        return await self.connect()

    # -- transactions ------------------------------------------------------------------------

    async def write(self, work: Work[T]) -> T:
        """Run *work* in a transaction and return its result once that is committed.

        It may be run several times, so it must not change anything but the database.

        Raises:
            StoreError: nothing was committed or, if it says so, perhaps.
        """
        # A commit is on the disk when it returns (promise 1). It is asked for each time, because
        # behind a pooler it is another connection each time.
        begin = "BEGIN; SET LOCAL synchronous_commit = on" if self._hasty else "BEGIN"
        return await self._try(lambda: self._transaction(work, begin))

    async def read(self, work: Work[T]) -> T:
        """Run *work*, each of whose statements sees what is committed by then.

        Without a transaction around them, because to begin and to end one would double what a
        look-up costs.

        Raises:
            StoreError: the database did not answer.
        """

        async def plainly() -> T:
            async with self._borrowed() as connection:
                return await work(PostgresSession(connection))

        return await self._try(plainly)

    async def singly(self, work: Work[T]) -> T:
        """Run *work*, each statement of which is a transaction of its own.

        Raises:
            StoreError: the database did not answer.
        """

        async def alone() -> T:
            async with self._borrowed() as connection:
                return await work(PostgresSession(connection))

        return await self._try(alone)

    async def look(self, work: Work[T]) -> T:
        """Run *work*, which sees one state of the database and may take long.

        It leaves connections to those who do not.

        Raises:
            StoreError: the database did not answer.
        """
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        async with self._lookers:
            return await self._try(lambda: self._transaction(work, begin))

    async def ask(self, query: str) -> Any:
        """The one value a query answers, outside of any transaction.

        Raises:
            StoreError: the database did not answer.
        """

        async def asked() -> Any:
            async with self._borrowed() as connection:
                return await connection.fetchval(query)

        return await self._try(asked)

    async def _transaction(self, work: Work[T], begin: str) -> T:
        async with self._borrowed() as connection:
            await connection.execute(begin)
            try:
                if self.address.pooler:
                    await connection.execute(self._for_this_transaction())
                result = await work(PostgresSession(connection))
            except BaseException:
                await _roll_back(connection)
                raise
            try:
                told = await connection.execute("COMMIT")
            except Exception as error:
                if lost(error):
                    raise StoreUnavailable(
                        "The connection to the database was lost while it committed, so nobody can "
                        "say whether it did: look, or repeat it with the same idempotency key."
                    ) from error
                raise
            if told != "COMMIT":
                raise StoreError("The database did not commit: an error in it was passed over.")
            return result

    def _for_this_transaction(self) -> str:
        """Settings that a pooler does not take when connections are made."""
        return (
            f"SET LOCAL lock_timeout = {_milliseconds(self._lock_seconds)}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {_milliseconds(_STOPPED_SECONDS)}"
        )

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[PoolConnectionProxy]:
        pool = self._pool  # which may be closed meanwhile
        if pool is None:
            raise StoreUnavailable("The database is not open: start Recado first.")
        # With a limit, because whatever holds all of them may be waiting for us.
        connection = await pool.acquire(timeout=_STATEMENT_SECONDS)
        try:
            yield connection
        finally:
            await pool.release(connection)

    async def _try(self, do: Callable[[], Awaitable[T]]) -> T:
        """Do something, again if it met others or its connection was lost before it counted."""
        for again in range(_TRIES):
            try:
                return await do()
            except RecadoError:
                raise
            except Exception as error:
                if again == _TRIES - 1 or not passing(error, again):
                    raise translated(error, self.address.shown) from error
            if again > 1:
                await asyncio.sleep(0.005 * again)
        raise StoreError("A transaction met others each time it was tried.")


async def _left_in_order(connection: asyncpg.Connection) -> None:
    """Nothing of a transaction is left when it has ended: the server need not be asked."""
    if connection.is_in_transaction():
        connection.terminate()


async def _roll_back(connection: PoolConnectionProxy) -> None:
    try:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
    except TROUBLE:
        connection.terminate()


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


def _check_version(connection: asyncpg.Connection) -> None:
    version = connection.get_server_version()
    if version.major < _OLDEST:
        raise ConfigurationError(
            f"Recado needs PostgreSQL {_OLDEST} or later and this server is {version.major}: "
            "upgrade it, or point RECADO_DATABASE_URL at another one."
        )
