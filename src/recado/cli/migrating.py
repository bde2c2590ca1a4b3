"""``recado migrate``: make the database, or bring it up to date."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import typer

from recado.cli.invocation import Invocation, command
from recado.database_url import PostgresAddress, SqliteFile
from recado.errors import StoreEmpty

if TYPE_CHECKING:
    from recado.config import Settings


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    command(
        app,
        "migrate",
        examples=(
            "recado migrate",
            "recado migrate --database-url postgresql://owner@db.example.com/recado",
        ),
        panel="Look after it",
    )(migrate)


async def migrate(invocation: Invocation) -> None:
    """Make the database, or bring it up to date, and say its version.

    Every command that opens a database brings it up to date; this one is for doing it at a moment
    of your choosing, before a new version starts, or as another user of PostgreSQL than the one
    that delivers. On PostgreSQL it makes Recado's tables; the database itself has to be there.
    """
    settings = invocation.settings()
    existed = await _exists(invocation, settings)
    foreign = _foreign_tables(settings.database) if existed else 0
    async with invocation.opened(make=True) as recado:
        # A file that cannot be written opens all the same.
        await recado.store.check()
        version = await recado.store.schema_version()
    shown = settings.database.shown
    if invocation.as_json:
        invocation.out.document({"database": shown, "schema_version": version, "made": not existed})
        return
    made = "" if existed else " It was made now."
    if foreign:
        tables = "1 table" if foreign == 1 else f"{foreign:,} tables"
        made = f" It held {tables} of another program, and Recado's were added beside them."
    invocation.out.say(f"The database {shown} has schema version {version}.{made}")


async def _exists(invocation: Invocation, settings: Settings) -> bool:
    """Whether there is a file, or a database of a server with tables of ours."""
    database = settings.database
    if isinstance(database, SqliteFile):
        return database.path is not None and database.path.exists()
    try:
        async with invocation.opened():
            return True
    except StoreEmpty:
        return False


def _foreign_tables(database: SqliteFile | PostgresAddress) -> int:
    """How many tables a file has that has never been Recado's."""
    if not isinstance(database, SqliteFile) or database.path is None:
        return 0
    try:
        with closing(sqlite3.connect(f"{database.path.as_uri()}?mode=ro", uri=True)) as opened:
            names = {
                name
                for (name,) in opened.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            }
    except sqlite3.Error:
        return 0  # opening it will say what is wrong
    return 0 if "recado_schema" in names else len(names)
