"""How a server stands towards this process, for people who look for what is wrong."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from recado.store.port import ServerFacts
from recado.store.postgres.failures import translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from recado.store.postgres.database import Database

#: Seconds that a ring may take to be heard.
_PATIENCE: Final = 2.0

#: What a client gets without asking for more; what it asked for is not told here.
_HASTY: Final = "SELECT reset_val = 'off' FROM pg_settings WHERE name = 'synchronous_commit'"

#: Whatever limits them: the server, the database or the user. Some are kept for administrators.
_LEFT: Final = """
SELECT least(
    CAST(current_setting('max_connections') AS int)
        - CAST(current_setting('superuser_reserved_connections') AS int)
        - CAST(coalesce(current_setting('reserved_connections', true), '0') AS int)
        - (SELECT sum(numbackends) FROM pg_stat_database),
    (SELECT datconnlimit - numbackends FROM pg_database JOIN pg_stat_database USING (datname)
        WHERE datname = current_database() AND datconnlimit >= 0),
    (SELECT rolconnlimit - (SELECT count(*) FROM pg_stat_activity WHERE usename = current_user)
        FROM pg_roles WHERE rolname = current_user AND rolconnlimit >= 0)
)
"""

_MAY_CREATE: Final = "SELECT has_schema_privilege(current_schema(), 'CREATE')"


async def facts(database: Database) -> ServerFacts:
    """Ask the server; with connections of its own, so the store need not be open.

    Raises:
        ConfigurationError: the server is too old.
        StoreError: it cannot be reached, or does not let us in.
    """
    try:
        async with _connected(database) as connection, _connected(database) as other:
            version = connection.get_server_version()
            return ServerFacts(
                version=f"{version.major}.{version.minor}",
                hasty=bool(await connection.fetchval(_HASTY)),
                connections_left=int(await connection.fetchval(_LEFT)) + 2,
                private=private(connection),
                may_create=bool(await connection.fetchval(_MAY_CREATE)),
                pooler=database.address.pooler,
                heard=await _hears(connection, other),
            )
    except Exception as error:
        raise translated(error, database.address.shown) from error


@asynccontextmanager
async def _connected(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await database.connect()
    try:
        yield connection
    finally:
        connection.terminate()


async def _hears(connection: asyncpg.Connection, other: asyncpg.Connection) -> bool:
    """Whether *connection* hears what *other* rings."""
    heard = asyncio.Event()
    channel = f"recado_{secrets.token_hex(8)}"
    await connection.add_listener(channel, lambda *_: heard.set())
    await other.execute(f"NOTIFY {channel}")
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await heard.wait()
    return heard.is_set()


def private(connection: asyncpg.Connection) -> bool:
    """Whether it is encrypted, or does not leave this machine."""
    # What the server says would be about the connection between a pooler and itself.
    ours: Any = connection
    transport = ours._transport  # noqa: SLF001 - asyncpg tells nobody
    if transport.get_extra_info("ssl_object") is not None:
        return True
    peer = transport.get_extra_info("peername")
    # That of a Unix socket is a path.
    return isinstance(peer, str) or ipaddress.ip_address(peer[0].partition("%")[0]).is_loopback
