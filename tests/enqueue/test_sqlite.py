"""Transactions in a SQLite file: begun IMMEDIATE, in the file that is Recado's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from recado import Recado, Settings
from recado.errors import InvalidInput, StoreEmpty, StoreUnavailable
from tests.enqueue.kit import file_of, recado_at

ANA = "conversation:a:1"


async def test_a_connection_without_a_transaction_is_refused(sqlite_url: str) -> None:
    """What to execute first is said."""
    connection = sqlite3.connect(file_of(sqlite_url))
    with pytest.raises(InvalidInput, match="execute BEGIN IMMEDIATE first"):
        recado_at(sqlite_url).enqueue(connection, ANA, "hi")
    connection.close()


async def test_the_first_row_written_begins_one_too(sqlite_url: str) -> None:
    """By default Python's sqlite3 begins there; that holds the file as IMMEDIATE does."""
    connection = sqlite3.connect(file_of(sqlite_url))
    connection.execute("CREATE TABLE orders (number INTEGER)")
    connection.execute("INSERT INTO orders VALUES (1)")
    assert recado_at(sqlite_url).enqueue(connection, ANA, "hi").delivery_ids
    connection.commit()
    connection.close()


async def test_a_transaction_that_has_read_what_is_no_more_is_refused(sqlite_url: str) -> None:
    """It was not begun IMMEDIATE, and somebody has written since."""
    connection = sqlite3.connect(file_of(sqlite_url), isolation_level=None)
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM recado_reference").fetchone()
    other = sqlite3.connect(file_of(sqlite_url))
    with other:
        other.execute("CREATE TABLE orders (number INTEGER)")
    other.close()
    with pytest.raises(StoreUnavailable, match="begin with BEGIN IMMEDIATE"):
        recado_at(sqlite_url).enqueue(connection, ANA, "hi")
    connection.close()


async def test_another_file_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    """What was enqueued there nobody would send."""
    connection = sqlite3.connect(tmp_path / "other.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(InvalidInput, match="connect to that file"):
        recado_at(sqlite_url).enqueue(connection, ANA, "hi")
    connection.close()


async def test_a_file_without_our_tables_is_refused(tmp_path: Path) -> None:
    """The remedy is named."""
    connection = sqlite3.connect(tmp_path / "empty.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreEmpty, match="recado migrate"):
        recado_at(f"sqlite:///{tmp_path}/empty.db").enqueue(connection, ANA, "hi")
    connection.execute("COMMIT")
    connection.close()


async def test_a_database_in_memory_is_refused() -> None:
    """No connection of the caller's leads there."""
    recado = Recado(Settings(database_url="sqlite://"))
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(InvalidInput, match="set RECADO_DATABASE_URL to a file"):
        recado.enqueue(connection, ANA, "hi")
    connection.close()


async def test_a_transaction_in_the_other_kind_of_database_is_refused(
    sqlite_url: str, server_url: str
) -> None:
    """Both ways."""
    connection = sqlite3.connect(file_of(sqlite_url))
    with pytest.raises(InvalidInput, match="This transaction is in SQLite"):
        recado_at(server_url).enqueue(connection, ANA, "hi")
    connection.close()
    engine = sqlalchemy.create_engine(server_url.replace("postgresql", "postgresql+psycopg", 1))
    with engine.begin() as alchemy, pytest.raises(InvalidInput, match="is in PostgreSQL"):
        recado_at(sqlite_url).enqueue(alchemy, ANA, "hi")
    engine.dispose()


@pytest.mark.parametrize("thing", [None, "postgresql://", object(), Path()])
def test_what_is_no_transaction_is_refused(thing: object, tmp_path: Path) -> None:
    """With what can be handed over instead."""
    recado = recado_at(f"sqlite:///{tmp_path}/recado.db")
    with pytest.raises(InvalidInput, match="hand over a connection of sqlite3"):
        recado.enqueue(thing, ANA, "hi")  # type: ignore[call-overload]


async def test_an_option_there_is_not_is_refused(sqlite_url: str) -> None:
    """``wait`` among them: nothing leaves before the commit."""
    connection = sqlite3.connect(file_of(sqlite_url), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(TypeError, match="enqueue takes no 'wait'"):
        recado_at(sqlite_url).enqueue(connection, ANA, "hi", wait=True)  # type: ignore[call-overload]
    connection.close()


async def test_a_session_in_a_greenlet_is_refused(sqlite_url: str) -> None:
    """``run_sync`` hands over a synchronous session whose driver is not."""
    engine = create_async_engine(sqlite_url.replace("sqlite", "sqlite+aiosqlite", 1))
    recado = recado_at(sqlite_url)
    async with AsyncSession(engine) as session:
        with pytest.raises(InvalidInput, match="hand over the AsyncSession"):
            await session.run_sync(lambda inner: recado.enqueue(inner, ANA, "hi"))
    await engine.dispose()


async def test_rows_of_the_callers_own_are_left_as_they_are(sqlite_url: str) -> None:
    """Whatever the caller makes of rows and text."""
    connection = sqlite3.connect(file_of(sqlite_url), isolation_level=None)
    connection.row_factory, connection.text_factory = (lambda *_: 7), bytes
    connection.execute("BEGIN IMMEDIATE")
    assert recado_at(sqlite_url).enqueue(connection, ANA, "hi").delivery_ids
    assert connection.execute("SELECT 1").fetchone() == 7
    assert connection.text_factory is bytes
    connection.close()
