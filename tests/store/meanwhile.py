"""Meanwhile: what another process does in one PostgreSQL database before it commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from recado.store.postgres.session import PostgresSession
from recado.store.session import Session


@asynccontextmanager
async def in_the_middle(
    url: str, work: Callable[[Session], Awaitable[object]]
) -> AsyncIterator[None]:
    """Another process has done *work* and commits it when the block ends."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await work(PostgresSession(connection))
            yield
    finally:
        await connection.close()


async def until_it_waits(looker: asyncpg.Connection, doing: asyncio.Task[Any]) -> None:
    """Until what is done waits for somebody's lock, or is done."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while not doing.done() and not await looker.fetchval(waiting):  # noqa: ASYNC110 - no event
        await asyncio.sleep(0)
