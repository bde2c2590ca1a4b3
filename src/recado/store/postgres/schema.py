"""The schema of a PostgreSQL database: brought up to date by whichever process comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recado.errors import StoreEmpty, StoreTooNew
from recado.store.queries import load_migrations

if TYPE_CHECKING:
    import asyncpg

#: Of our advisory locks; any number that nobody else is likely to use.
_LOCK: Final = 0x7265_6361_646F

_OURS: Final = "SELECT to_regclass('recado_schema')"


async def migrate(connection: asyncpg.Connection, *, make: bool = True, where: str = "") -> None:
    """Apply the migrations this database has not seen, in order.

    It runs in the caller's transaction, so an upgrade happens whole or not at all. Of several
    processes that start together one does it, and the others wait until it is done.

    Args:
        connection: to the database.
        make: whether one with nothing of ours in it is made one of ours.
        where: how people are told which database it is.

    Raises:
        StoreEmpty: nothing of ours is in it, and that is not to be changed.
        StoreTooNew: a newer program has upgraded this database to what this one cannot work with.
    """
    migrations = load_migrations("postgres")
    known = migrations[-1].number
    if not make and await connection.fetchval(_OURS) is None:
        raise StoreEmpty(where)
    if await _up_to_date(connection, known):
        return
    await connection.execute("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
    await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS recado_schema ("
        "version INTEGER PRIMARY KEY, oldest INTEGER NOT NULL)"
    )
    found = await connection.fetchval("SELECT coalesce(max(version), 0) FROM recado_schema")
    for each in migrations:
        if each.number > found:
            await connection.execute(each.script)
            await connection.execute(
                "INSERT INTO recado_schema (version, oldest) VALUES ($1, $2)",
                each.number,
                each.oldest,
            )


async def _up_to_date(connection: asyncpg.Connection, known: int) -> bool:
    """Whether nothing is to be done, which a user may find out who may not change the schema.

    Raises:
        StoreTooNew: the database is too new.
    """
    if await connection.fetchval(_OURS) is None:
        return False
    latest = await connection.fetchrow(
        "SELECT version, oldest FROM recado_schema ORDER BY version DESC LIMIT 1"
    )
    if latest is None or latest["version"] < known:
        return False
    if latest["oldest"] > known:
        raise StoreTooNew(found=latest["version"], known=known)
    return True
