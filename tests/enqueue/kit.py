"""Callers with transactions of their own, one for each driver there is."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import aiosqlite
import asyncpg
import psycopg
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from recado import Handle, Recado, Settings

#: A table of the caller's, beside Recado's.
ORDERS: Final = "CREATE TABLE IF NOT EXISTS orders (number INTEGER)"


class Caller(ABC):
    """A transaction of one driver.

    Args:
        recado: never opened.
        transaction: what is handed to ``enqueue``.
    """

    #: Whether ``enqueue`` answers without being awaited.
    synchronous = True
    #: The first statement of a transaction; None where the driver begins by itself.
    begins: str | None = None

    def __init__(self, recado: Recado, transaction: Any) -> None:
        self.recado = recado
        self.transaction = transaction

    async def enqueue(self, *given: Any, **options: Any) -> Handle:
        """Enqueue in this transaction."""
        enqueued = self.recado.enqueue(self.transaction, *given, **options)
        if self.synchronous:
            assert isinstance(enqueued, Handle)
            return enqueued
        assert isinstance(enqueued, Awaitable)
        handle = await enqueued
        assert isinstance(handle, Handle)
        return handle

    @abstractmethod
    async def do(self, statement: str) -> None:
        """Run a statement of the caller's own."""

    async def begin(self) -> None:
        """Begin, where that has to be said."""
        if self.begins is not None:
            await self.do(self.begins)

    async def commit(self) -> None:
        """Commit."""
        await self.do("COMMIT")

    async def rollback(self) -> None:
        """Roll back."""
        await self.do("ROLLBACK")


class Dbapi(Caller):
    """psycopg's Connection: it begins by itself."""

    async def do(self, statement: str) -> None:
        self.transaction.execute(statement)

    async def commit(self) -> None:
        self.transaction.commit()

    async def rollback(self) -> None:
        self.transaction.rollback()


class Sqlite(Dbapi):
    """sqlite3's Connection."""

    begins = "BEGIN IMMEDIATE"


class AsyncDbapi(Caller):
    """psycopg's AsyncConnection."""

    synchronous = False

    async def do(self, statement: str) -> None:
        await self.transaction.execute(statement)

    async def commit(self) -> None:
        await self.transaction.commit()

    async def rollback(self) -> None:
        await self.transaction.rollback()


class Aiosqlite(AsyncDbapi):
    """aiosqlite's Connection."""

    begins = "BEGIN IMMEDIATE"


class Asyncpg(Caller):
    """asyncpg's Connection."""

    synchronous = False
    begins = "BEGIN"

    async def do(self, statement: str) -> None:
        await self.transaction.execute(statement)


class SqlAlchemy(Dbapi):
    """SQLAlchemy's Session or Connection."""

    async def do(self, statement: str) -> None:
        self.transaction.execute(sqlalchemy.text(statement))


class AsyncSqlAlchemy(AsyncDbapi):
    """SQLAlchemy's AsyncSession or AsyncConnection."""

    async def do(self, statement: str) -> None:
        await self.transaction.execute(sqlalchemy.text(statement))


Open = Callable[[str], AbstractAsyncContextManager[Caller]]


def recado_at(url: str) -> Recado:
    """A Recado of that database, which is not opened."""
    return Recado(Settings(database_url=url))


def file_of(url: str) -> str:
    """The file a URL of SQLite names."""
    return url.removeprefix("sqlite:///")


@asynccontextmanager
async def with_sqlite3(url: str) -> AsyncIterator[Caller]:
    """The standard library's sqlite3."""
    connection = sqlite3.connect(file_of(url), isolation_level=None)
    yield Sqlite(recado_at(url), connection)
    connection.close()


@asynccontextmanager
async def with_aiosqlite(url: str) -> AsyncIterator[Caller]:
    """The same under asyncio."""
    async with aiosqlite.connect(file_of(url), isolation_level=None) as connection:
        yield Aiosqlite(recado_at(url), connection)


@asynccontextmanager
async def with_psycopg(url: str) -> AsyncIterator[Caller]:
    """A synchronous connection of psycopg."""
    with psycopg.connect(url) as connection:
        yield Dbapi(recado_at(url), connection)
        connection.rollback()


@asynccontextmanager
async def with_async_psycopg(url: str) -> AsyncIterator[Caller]:
    """An asynchronous one."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        yield AsyncDbapi(recado_at(url), connection)
        await connection.rollback()


@asynccontextmanager
async def with_asyncpg(url: str) -> AsyncIterator[Caller]:
    """A connection of asyncpg."""
    connection = await asyncpg.connect(url)
    yield Asyncpg(recado_at(url), connection)
    await connection.close()


@asynccontextmanager
async def with_asyncpg_pool(url: str) -> AsyncIterator[Caller]:
    """One that a pool has lent."""
    async with asyncpg.create_pool(url, min_size=1) as pool, pool.acquire() as connection:
        yield Asyncpg(recado_at(url), connection)


def _engine_url(url: str, driver: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}+{driver}://{rest}"


def with_sqlalchemy(driver: str, *, session: bool) -> Open:
    """SQLAlchemy on a synchronous driver."""

    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Caller]:
        engine = sqlalchemy.create_engine(_engine_url(url, driver))
        with Session(engine) if session else engine.connect() as transaction:
            yield SqlAlchemy(recado_at(url), transaction)
        engine.dispose()

    return opened


def with_async_sqlalchemy(driver: str, *, session: bool) -> Open:
    """SQLAlchemy on an asynchronous driver."""

    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Caller]:
        engine = create_async_engine(_engine_url(url, driver))
        made: AsyncSession | AsyncConnection
        made = AsyncSession(engine) if session else engine.connect()
        async with made as transaction:
            yield AsyncSqlAlchemy(recado_at(url), transaction)
        await engine.dispose()

    return opened


#: Callers by name, on each database.
ON_SQLITE: Final[dict[str, Open]] = {
    "sqlite3": with_sqlite3,
    "aiosqlite": with_aiosqlite,
    "sqlalchemy-session-sqlite": with_sqlalchemy("pysqlite", session=True),
    "sqlalchemy-connection-sqlite": with_sqlalchemy("pysqlite", session=False),
    "sqlalchemy-async-session-sqlite": with_async_sqlalchemy("aiosqlite", session=True),
    "sqlalchemy-async-connection-sqlite": with_async_sqlalchemy("aiosqlite", session=False),
}
ON_POSTGRES: Final[dict[str, Open]] = {
    "psycopg": with_psycopg,
    "psycopg-async": with_async_psycopg,
    "asyncpg": with_asyncpg,
    "asyncpg-pool": with_asyncpg_pool,
    "sqlalchemy-session-psycopg": with_sqlalchemy("psycopg", session=True),
    "sqlalchemy-connection-psycopg": with_sqlalchemy("psycopg", session=False),
    "sqlalchemy-async-session-asyncpg": with_async_sqlalchemy("asyncpg", session=True),
    "sqlalchemy-async-connection-asyncpg": with_async_sqlalchemy("asyncpg", session=False),
    "sqlalchemy-async-session-psycopg": with_async_sqlalchemy("psycopg", session=True),
}
