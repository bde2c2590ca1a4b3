"""A transaction in a SQLite file: on a connection of the standard library, or of aiosqlite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from recado.clock import Clock, SystemClock
from recado.errors import InvalidInput, StoreEmpty, StoreUnavailable
from recado.store.borrowed.transaction import BorrowedStore, Transaction, Use, saved
from recado.store.session import driven
from recado.store.sqlite.database import translated
from recado.store.sqlite.session import SqliteSession

T = TypeVar("T")

_BEGIN: Final = "BEGIN IMMEDIATE"


class SqliteTransaction(Transaction):
    """A transaction of a :class:`sqlite3.Connection`.

    Args:
        connection: which.
        file: the file it has to be in; None if any will do.
        begin: whether it is begun here where its owner believes it to be begun: by default the
            standard library, and SQLAlchemy with it, begins at the first row that is written.
    """

    synchronous = True

    def __init__(
        self, connection: sqlite3.Connection, file: Path | None, *, begin: bool = False
    ) -> None:
        self._connection = connection
        self._file = file
        self._begin = begin

    async def run(self, use: Use[T], clock: Clock | None) -> T:
        with _plain(self._connection) as connection:
            _check_file(connection, self._file)
            if not connection.in_transaction and not self._begin:
                raise InvalidInput(
                    "This sqlite3 connection is not in a transaction: execute BEGIN IMMEDIATE "
                    "first, and commit afterwards."
                )

            async def execute(statement: str) -> None:
                connection.execute(statement)

            # Nobody else writes before this is committed, so nothing need be set apart for them.
            store = BorrowedStore(SqliteSession(connection), clock or SystemClock(), apart=False)
            try:
                if not connection.in_transaction:
                    connection.execute(_BEGIN)
                return await saved(execute, use(store))
            except sqlite3.Error as error:
                raise _told(error, self._file) from error
            except UnicodeEncodeError as error:
                raise translated(error) from error


class AiosqliteTransaction(Transaction):
    """A transaction of an ``aiosqlite.Connection``, whose thread it is used in."""

    synchronous = False

    def __init__(self, connection: Any, file: Path | None, *, begin: bool = False) -> None:
        self._connection = connection
        self._within = partial(SqliteTransaction, file=file, begin=begin)

    async def run(self, use: Use[T], clock: Clock | None) -> T:
        context = copy_context()

        def do() -> T:
            # The connection itself is told to nobody; aiosqlite's own methods use it like this.
            inner = self._within(self._connection._conn)  # noqa: SLF001
            return context.run(lambda: driven(inner.run(use, clock)))

        result: T = await self._connection._execute(do)  # noqa: SLF001 - as above
        return result


@contextmanager
def _plain(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """The connection answering as the verbs expect it, however its owner has set it up."""
    before = connection.row_factory, connection.text_factory
    connection.row_factory, connection.text_factory = sqlite3.Row, str
    try:
        yield connection
    finally:
        connection.row_factory, connection.text_factory = before


def _check_file(connection: sqlite3.Connection, wanted: Path | None) -> None:
    if wanted is None:
        return
    (_, _, name) = connection.execute("PRAGMA database_list").fetchone()
    if not name or not wanted.exists() or not Path(name).samefile(wanted):
        raise InvalidInput(
            f"This transaction is in {name or 'a database in memory'} and Recado's database is "
            f"{wanted}: connect to that file, or set RECADO_DATABASE_URL."
        )


def _told(error: sqlite3.Error, file: Path | None) -> Exception:
    if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
        return StoreUnavailable(
            "Another program is writing to the database, or has written since this transaction "
            "first read: roll back, and begin with BEGIN IMMEDIATE."
        )
    if "no such table: recado_" in str(error):
        return StoreEmpty(str(file or "of this transaction"))
    return translated(error, file)
