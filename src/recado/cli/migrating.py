"""``recado migrate``: make the database, or bring it up to date."""

from __future__ import annotations

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
    existed = _exists(invocation.settings().sqlite_path)
    async with invocation.opened(make=True) as recado:
        version = await recado.store.schema_version()
        path = recado.settings.sqlite_path
    if invocation.as_json:
        invocation.out.document({"database": path, "schema_version": version, "made": not existed})
        return
    made = "" if existed else " It was made now."
    invocation.out.say(f"The database {path} has schema version {version}.{made}")


def _exists(path: str) -> bool:
    return Path(path).exists()
