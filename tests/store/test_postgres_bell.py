"""Processes on PostgreSQL tell each other that there is something to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Self

import asyncpg
import pytest

from recado.store.postgres import PostgresStore
from recado.store.postgres.bell import Bell
from recado.store.postgres.database import Database
from recado.testing import HandClock
from tests.store.kit import Desk, postgres_address


async def nothing(_: object) -> None:
    """Prepare nothing."""


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """An open database without our tables."""
    opened = Database(postgres_address(postgres_url), connections=2)
    await opened.open(nothing)
    yield opened
    await opened.close()


class Listener:
    """A process that listens."""

    def __init__(self, database: Database) -> None:
        self.heard = asyncio.Event()
        self.ready = asyncio.Event()
        self.bell = Bell(database, self.heard.set, self.ready.set)

    async def __aenter__(self) -> Self:
        self.bell.start()
        await self.ready.wait()
        self.ready.clear()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.bell.stop()


async def test_others_hear_and_who_rings_does_not(database: Database) -> None:
    """A process knows itself what it has done."""
    async with Listener(database) as one, Listener(database) as two, Listener(database) as three:
        one.bell.ring()
        await two.heard.wait()
        await three.heard.wait()
        assert not one.heard.is_set()


async def test_what_is_rung_at_once_is_heard_once(database: Database, postgres_url: str) -> None:
    """However much was committed in a moment."""
    heard: list[object] = []
    other = await asyncpg.connect(postgres_url)
    await other.add_listener("recado", lambda *told: heard.append(told))
    async with Listener(database) as one, Listener(database) as two:
        for _ in range(100):
            one.bell.ring()
        await two.heard.wait()
        await other.execute("SELECT 1")
        assert len(heard) == 1
    await other.close()


async def test_it_listens_again_after_its_connection_was_cut(
    database: Database, postgres_url: str
) -> None:
    """And whatever was rung meanwhile is taken for heard."""
    other = await asyncpg.connect(postgres_url)
    async with Listener(database) as one:
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        )
        await one.ready.wait()
        assert one.bell.listening
        await other.execute("NOTIFY recado")
        await one.heard.wait()
    await other.close()


async def test_what_was_rung_last_is_told_at_the_end(database: Database) -> None:
    """A process that ends at once after committing tells the others before."""
    async with Listener(database) as one:
        async with Listener(database) as two:
            two.bell.ring()
        await one.heard.wait()


async def test_acceptance_wakes_another_process(migrated_url: str, clock: HandClock) -> None:
    """Which is woken, and finds that something has changed."""
    address = postgres_address(migrated_url)
    woken = asyncio.Event()
    here, there = PostgresStore(address, clock), PostgresStore(address, clock)
    await here.open()
    await there.open()
    there.on_work(woken.set)
    desk = Desk(here, clock)
    reference = await desk.meet()
    while not woken.is_set():  # it may not listen yet
        await desk.say("hello", reference)
        await asyncio.wait({asyncio.ensure_future(woken.wait())}, timeout=0.2)
    assert await there.changed()
    await here.close()
    await there.close()
