"""What a model of the store stands on: a database, and verbs run in it one at a time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol, TypeVar

import asyncpg

from recado.errors import RecadoError
from recado.store.postgres.session import PostgresSession
from recado.store.session import Row, Work, driven
from recado.store.sqlite import schema
from recado.store.sqlite.session import SqliteSession

T = TypeVar("T")


class Ground(Protocol):
    """A database of one's own, without the threads or pools of a store."""

    def reset(self) -> None:
        """Begin anew: nothing is stored, and numbers are given from 1 on."""

    def do(self, work: Work[T]) -> T:
        """Run *work* in a transaction of its own and commit it.

        A refusal is committed as well, so that whatever it has written is seen.
        """

    def rows(self, query: str) -> Sequence[Row]:
        """What a query finds that is written alike for every database."""

    def close(self) -> None:
        """Give up what it holds."""


class SqliteGround:
    """SQLite in memory."""

    def __init__(self) -> None:
        self._empty = sqlite3.connect(":memory:", isolation_level=None)
        schema.migrate(self._empty)
        self._db = sqlite3.connect(":memory:", isolation_level=None, cached_statements=256)
        self._db.row_factory = sqlite3.Row
        self._session = SqliteSession(self._db)

    def reset(self) -> None:
        self._db.rollback()
        self._empty.backup(self._db)  # far quicker than to migrate again

    def do(self, work: Work[T]) -> T:
        self._db.execute("BEGIN")
        try:
            result = driven(work(self._session))
        except RecadoError:
            self._db.execute("COMMIT")
            raise
        self._db.execute("COMMIT")
        return result

    def rows(self, query: str) -> Sequence[sqlite3.Row]:
        return self._db.execute(query).fetchall()

    def close(self) -> None:
        self._db.close()
        self._empty.close()


class PostgresGround:
    """One connection to a database of PostgreSQL with our schema, in an event loop of its own.

    Args:
        url: where it is.
        empty: the statement that empties it.
    """

    def __init__(self, url: str, empty: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._empty = empty
        self._db: asyncpg.Connection = self._wait(asyncpg.connect(url))

    def _wait(self, what: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(what)

    def reset(self) -> None:
        self._wait(self._db.execute(self._empty))

    def do(self, work: Work[T]) -> T:
        return self._wait(self._do(work))

    async def _do(self, work: Work[T]) -> T:
        refused: RecadoError | None = None
        async with self._db.transaction():
            try:
                result = await work(PostgresSession(self._db))
            except RecadoError as error:
                refused = error
        if refused is not None:
            raise refused
        return result

    def rows(self, query: str) -> Sequence[Row]:
        found: Sequence[Row] = self._wait(self._db.fetch(query))
        return found

    def close(self) -> None:
        self._wait(self._db.close())
        self._loop.close()
