"""``recado migrate``: make the database, or bring it up to date."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import typer

from recado.cli.invocation import Invocation, command


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    command(app, "migrate", examples=("recado migrate",), panel="Look after it")(migrate)


async def migrate(invocation: Invocation) -> None:
    """Make the database, or bring it up to date, and say its version.

    Every command that opens a database does the same; this one is for doing it at a moment of
    your choosing, before a new version starts.
    """
    path = invocation.settings().sqlite_path
    existed = _exists(path)
    foreign = _foreign_tables(path) if existed else 0
    async with invocation.opened(make=True) as recado:
        # A file that cannot be written opens all the same.
        await recado.store.check()
        version = await recado.store.schema_version()
        path = recado.settings.sqlite_path
    if invocation.as_json:
        invocation.out.document({"database": path, "schema_version": version, "made": not existed})
        return
    made = "" if existed else " It was made now."
    if foreign:
        tables = "1 table" if foreign == 1 else f"{foreign:,} tables"
        made = f" It held {tables} of another program, and Recado's were added beside them."
    invocation.out.say(f"The database {path} has schema version {version}.{made}")


def _exists(path: str) -> bool:
    return Path(path).exists()


def _foreign_tables(path: str) -> int:
    """How many tables a database has that has never been Recado's."""
    try:
        with closing(sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True)) as database:
            names = {
                name
                for (name,) in database.execute(
                    "SELECT name FROM sqlite_schema WHERE type = 'table'"
                )
            }
    except sqlite3.Error:
        return 0  # opening it will say what is wrong
    return 0 if "recado_schema" in names else len(names)
