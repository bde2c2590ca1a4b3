"""What a server tells of itself, and what lies between it and a process."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import psycopg
import pytest

from recado.errors import StoreEmpty, StoreUnavailable
from recado.store.postgres import PostgresStore, server
from recado.store.postgres.database import Database
from tests.store.kit import postgres_address


class Wire:
    """A connection, so far as it is looked at from outside."""

    def __init__(self, peer: object, *, encrypted: bool = False) -> None:
        self._transport = self
        self._told = {"peername": peer, "ssl_object": object() if encrypted else None}

    def get_extra_info(self, name: str) -> object:
        return self._told[name]


@pytest.mark.parametrize(
    ("peer", "encrypted", "private"),
    [
        ("/run/postgresql/.s.PGSQL.5432", False, True),
        (("127.0.0.1", 5432), False, True),
        (("::1", 5432, 0, 0), False, True),
        (("fe80::1%eth0", 5432, 0, 2), False, False),
        (("10.0.0.7", 5432), False, False),
        (("10.0.0.7", 5432), True, True),
    ],
)
def test_who_may_listen_in_between(peer: object, *, encrypted: bool, private: bool) -> None:
    """Nobody by TLS, and nobody on this machine."""
    wire: Any = Wire(peer, encrypted=encrypted)
    assert server.private(wire) is private


async def test_it_need_not_be_open(postgres_url: str) -> None:
    """Nothing is made, and nothing stays behind."""
    facts = await PostgresStore(postgres_address(postgres_url)).server()
    assert facts.heard
    assert facts.private
    assert facts.may_create
    assert not facts.hasty
    assert facts.connections_left > 0


async def test_what_is_not_rung_is_not_heard(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a pooler, which lends one connection to listen and another one to ring."""
    monkeypatch.setattr(server, "_PATIENCE", 0.01)

    async def nobody(*_: object) -> None: ...

    monkeypatch.setattr(asyncpg.Connection, "add_listener", nobody)
    facts = await PostgresStore(postgres_address(postgres_url)).server()
    assert not facts.heard


async def test_commits_are_on_the_disk_whatever_the_server_is_set_to(postgres_url: str) -> None:
    """Each of them, also after a connection has been lent before."""
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
    assert (await PostgresStore(postgres_address(postgres_url)).server()).hasty

    async def prepare(connection: asyncpg.Connection) -> None: ...

    async def told(db: Any) -> Any:
        return await db.connection.fetchval("SHOW synchronous_commit")

    database = Database(postgres_address(postgres_url))
    await database.open(prepare)
    try:
        assert [await database.write(told) for _ in range(3)] == ["on"] * 3
    finally:
        await database.close()


async def test_nothing_is_made_unless_it_is_to_be(postgres_url: str) -> None:
    """Whoever only looks is told that nothing is there."""
    store = PostgresStore(postgres_address(postgres_url))
    with pytest.raises(StoreEmpty, match="no tables of Recado's yet"):
        await store.open(make=False)
    with pytest.raises(StoreUnavailable, match="is not open"):
        await store.check()
    await store.open()
    await store.close()
    await store.open(make=False)
    await store.close()


async def test_ten_that_start_together_make_it_once(postgres_url: str) -> None:
    """One does it, and the others wait until it is done."""
    stores = [PostgresStore(postgres_address(postgres_url), connections=2) for _ in range(10)]
    await asyncio.gather(*(each.open() for each in stores))
    versions = {await each.schema_version() for each in stores}
    assert len(versions) == 1
    await asyncio.gather(*(each.close() for each in stores))
