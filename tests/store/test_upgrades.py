"""A database that a newer program has upgraded: what an older one does with it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import asyncpg
import pytest

from recado.errors import StoreTooNew
from recado.store.postgres import PostgresStore
from recado.store.queries import load_migrations
from recado.store.sqlite import SqliteStore
from recado.testing import HandClock
from tests.store.kit import Desk, postgres_address

_UPGRADE = "INSERT INTO recado_schema (version, oldest) VALUES (1000, {})"
_KNOWN = load_migrations("sqlite")[-1].number


async def upgraded_file(path: Path, oldest: int) -> SqliteStore:
    """A SQLite file of a version to come, which programs from *oldest* on work with."""
    store = SqliteStore(path / "recado.db")
    await store.open()
    await store.close()
    with sqlite3.connect(path / "recado.db") as db:
        db.execute(_UPGRADE.format(oldest))
    db.close()
    return store


async def upgraded_server(url: str, oldest: int) -> PostgresStore:
    """A PostgreSQL database of a version to come."""
    store = PostgresStore(postgres_address(url))
    await store.open()
    await store.close()
    connection = await asyncpg.connect(url)
    await connection.execute(_UPGRADE.format(oldest))
    await connection.close()
    return store


async def test_both_dialects_have_one_version() -> None:
    """So that a version says what a database has, whichever it is."""
    assert load_migrations("postgres")[-1].number == _KNOWN


async def test_a_file_that_was_expanded_goes_on_working(tmp_path: Path) -> None:
    """What was added does not concern the older program."""
    store = await upgraded_file(tmp_path, _KNOWN)
    await store.open()
    desk = Desk(store, HandClock())
    await desk.say("hello", await desk.meet())
    assert await desk.drain() == ["hello"]
    assert await store.schema_version() == 1000
    await store.close()


async def test_a_database_that_was_expanded_goes_on_working(postgres_url: str) -> None:
    """As above."""
    store = await upgraded_server(postgres_url, _KNOWN)
    await store.open()
    desk = Desk(store, HandClock())
    await desk.say("hello", await desk.meet())
    assert await desk.drain() == ["hello"]
    await store.close()


async def test_a_file_that_was_contracted_is_refused(tmp_path: Path) -> None:
    """What the older program would look for is gone."""
    store = await upgraded_file(tmp_path, _KNOWN + 1)
    with pytest.raises(StoreTooNew, match="1000"):
        await store.open()


async def test_a_database_that_was_contracted_is_refused(postgres_url: str) -> None:
    """As above."""
    store = await upgraded_server(postgres_url, _KNOWN + 1)
    with pytest.raises(StoreTooNew, match="1000"):
        await store.open()


async def test_ten_processes_that_start_together_migrate_once(postgres_url: str) -> None:
    """One does it, and the others wait until it is done."""
    stores = [PostgresStore(postgres_address(postgres_url), connections=2) for _ in range(10)]
    await asyncio.gather(*(store.open() for store in stores))
    connection = await asyncpg.connect(postgres_url)
    found = await connection.fetch("SELECT version FROM recado_schema ORDER BY version")
    assert [row["version"] for row in found] == [
        each.number for each in load_migrations("postgres")
    ]
    await connection.close()
    for store in stores:
        await store.close()
