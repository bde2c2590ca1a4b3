"""Recognising a transaction, whichever library it comes from, without importing that library."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

from recado.database_url import PostgresAddress, SqliteFile
from recado.errors import InvalidInput
from recado.store.borrowed.on_asyncpg import AsyncpgTransaction
from recado.store.borrowed.on_psycopg import AsyncPsycopgTransaction, PsycopgTransaction
from recado.store.borrowed.on_sqlalchemy import AsyncSqlAlchemyTransaction, SqlAlchemyTransaction
from recado.store.borrowed.on_sqlite import AiosqliteTransaction, SqliteTransaction
from recado.store.borrowed.transaction import Transaction

Place = SqliteFile | PostgresAddress | None


def borrow(transaction: object, place: Place = None) -> Transaction:
    """The transaction a caller has begun.

    Args:
        transaction: a sqlite3.Connection, aiosqlite.Connection, psycopg.Connection or
            AsyncConnection, asyncpg.Connection, or SQLAlchemy's Session, Connection, AsyncSession
            or AsyncConnection on one of these.
        place: where it has to be; None if anywhere will do.

    Raises:
        InvalidInput: it is none of these, or in another database.
    """
    kind = _kind(transaction)
    match kind:
        case ("sqlalchemy", "Session" | "scoped_session" | "Connection"):
            return SqlAlchemyTransaction(transaction, partial(_of_driver, place=place, begin=True))
        case ("sqlalchemy", "AsyncSession" | "async_scoped_session" | "AsyncConnection"):
            unwrap = partial(_of_driver, place=place, begin=True)
            return AsyncSqlAlchemyTransaction(transaction, unwrap)
        case _:
            return _of_driver(transaction, place=place)


def _of_driver(connection: object, *, place: Place, begin: bool = False) -> Transaction:
    if isinstance(connection, sqlite3.Connection):
        return SqliteTransaction(connection, _file(place), begin=begin)
    match _kind(connection):
        case ("aiosqlite", "Connection"):
            return AiosqliteTransaction(connection, _file(place), begin=begin)
        case ("psycopg", "Connection"):
            found: Transaction = PsycopgTransaction(connection)
        case ("psycopg", "AsyncConnection"):
            found = AsyncPsycopgTransaction(connection)
        case ("asyncpg", "Connection" | "PoolConnectionProxy"):
            found = AsyncpgTransaction(connection)
        case _:
            raise InvalidInput(
                f"{type(connection).__module__}.{type(connection).__qualname__} is no transaction "
                "that Recado knows: hand over a connection of sqlite3, aiosqlite, psycopg or "
                "asyncpg, or a session or connection of SQLAlchemy on one of these."
            )
    if isinstance(place, SqliteFile):
        raise InvalidInput(
            f"This transaction is in PostgreSQL and Recado's database is {place.shown}: set "
            "RECADO_DATABASE_URL to the database the transaction is in."
        )
    return found


def _file(place: Place) -> Path | None:
    """The file a transaction in SQLite has to be in."""
    if isinstance(place, PostgresAddress):
        raise InvalidInput(
            f"This transaction is in SQLite and Recado's database is {place.shown}: set "
            "RECADO_DATABASE_URL to the file the transaction is in."
        )
    if isinstance(place, SqliteFile) and place.path is None:
        raise InvalidInput(
            "Recado's database is in memory, where no other connection reaches it: set "
            "RECADO_DATABASE_URL to a file."
        )
    return None if place is None else place.path


#: The classes that are told apart, by library; callers may have derived their own from them.
_KNOWN = {
    "sqlalchemy": (
        "AsyncSession",
        "async_scoped_session",
        "AsyncConnection",
        "Session",
        "scoped_session",
        "Connection",
    ),
    "psycopg": ("AsyncConnection", "Connection"),
    "asyncpg": ("Connection", "PoolConnectionProxy"),
    "aiosqlite": ("Connection",),
}


def _kind(thing: object) -> tuple[str, str] | None:
    """The library of a thing, and which of that library's classes it is."""
    for each in type(thing).__mro__:
        library = each.__module__.partition(".")[0]
        if each.__name__ in _KNOWN.get(library, ()):
            return library, each.__name__
    return None
