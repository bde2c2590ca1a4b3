"""``recado doctor``: what is wrong, and what to do about it."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

import typer

from recado.cli.checks import (
    Check,
    Status,
    check_backlog,
    check_credentials,
    check_database,
    check_exposed,
    check_port,
    check_references,
    check_runtime,
    check_served,
    check_token,
)
from recado.cli.exits import ExitCode
from recado.cli.invocation import Invocation, command
from recado.cli.logs import set_up_logs
from recado.cli.server_checks import check_clocks, check_server
from recado.clock import SystemClock
from recado.database_url import SqliteFile
from recado.errors import ConfigurationError, StoreEmpty, StoreError

if TYPE_CHECKING:
    from recado.config import Settings

_MARKS = {Status.OK: "✓", Status.FAILED: "✗", Status.NOTE: "!", Status.SKIPPED: "-"}
_COLOURS = {Status.OK: "32", Status.FAILED: "31", Status.NOTE: "33", Status.SKIPPED: "2"}


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    command(
        app,
        "doctor",
        examples=(
            "recado doctor",
            "recado doctor --json | jq '.checks[] | select(.status!=\"ok\")'",
        ),
        panel="Look after it",
    )(doctor)


async def doctor(
    invocation: Invocation,
    *,
    timeout: Annotated[  # noqa: ASYNC109 - a limit on one check, given by a person
        float, typer.Option(metavar="SECONDS", min=0.1, max=300, help="Limit for getting a token.")
    ] = 15,
) -> None:
    """Check everything Recado needs, and say what to do about what is wrong.

    It looks at Python and SQLite, the settings, the database and who serves it, the port, the
    bot's credentials (a token is fetched), what is exposed, the clock, the references and the
    backlog; on PostgreSQL also at the server, its connections and clock, and whether processes
    hear each other. It ends with 1 if a check fails. Nothing is sent.
    """
    checks = []
    async for check in _examine(invocation, timeout):
        checks.append(check)
        _tell(invocation, check)
    failed = any(check.status is Status.FAILED for check in checks)
    if invocation.as_json:
        told = [
            {"name": each.name, "status": str(each.status), "detail": each.detail}
            for each in checks
        ]
        invocation.out.document({"ok": not failed, "checks": told})
    if failed:
        raise typer.Exit(ExitCode.FAILED)


def _tell(invocation: Invocation, check: Check) -> None:
    mark = _MARKS[check.status]
    encoding = sys.stdout.encoding or "ascii"
    if mark.encode(encoding, "replace").decode(encoding) != mark:
        mark = "ok" if check.status is Status.OK else "no"
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ and not invocation.as_json:
        sys.stdout.write(f"\033[{_COLOURS[check.status]}m{mark}\033[0m ")
        invocation.out.say(f"{check.name}: {check.detail}")
    else:
        invocation.out.say(f"{mark} {check.name}: {check.detail}")


async def _examine(invocation: Invocation, seconds: float) -> AsyncIterator[Check]:
    """Every check, in an order in which the first failure explains the later ones."""
    yield check_runtime()
    try:
        settings = invocation.settings()
    except ConfigurationError as error:
        yield Check("settings", Status.FAILED, str(error))
        return
    set_up_logs(settings, verbose=invocation.verbose, quiet=True)
    yield Check("settings", Status.OK, f"The bot is {settings.bot}.")
    yield check_exposed(settings)
    yield check_credentials(settings)
    yield await check_token(settings, seconds)
    async for check in _examine_database(invocation, settings):
        yield check


async def _examine_database(invocation: Invocation, settings: Settings) -> AsyncIterator[Check]:
    absent = check_database(settings)
    if absent is not None:
        yield absent
        yield await check_port(settings, served=False)
        return
    try:
        async for check in _examine_server(settings):
            yield check
        async for check in _examine_tables(invocation, settings):
            yield check
    except StoreEmpty as error:
        yield Check("database", Status.NOTE, str(error))
        yield await check_port(settings, served=False)
    except (StoreError, ConfigurationError) as error:
        yield Check("database", Status.FAILED, str(error))


async def _examine_server(settings: Settings) -> AsyncIterator[Check]:
    """What can be found out of a server without our tables; nothing where there is no server."""
    from recado.app import Recado

    facts = await Recado(settings).store.server()
    if facts is None:
        return
    for check in check_server(facts, settings.database_connections):
        yield check
    if not facts.may_create:
        yield Check(
            "rights",
            Status.NOTE,
            "This user may not make tables: another one has to run `recado migrate` before a new "
            "version starts.",
        )


async def _examine_tables(invocation: Invocation, settings: Settings) -> AsyncIterator[Check]:
    async with invocation.opened() as recado:
        await recado.store.check()
        version = await recado.store.schema_version()
        shown = settings.database.shown
        yield Check(
            "database", Status.OK, f"{shown} can be written and has schema version {version}."
        )
        if not isinstance(settings.database, SqliteFile):
            yield check_clocks(recado.clock.now(), SystemClock().now())
        served = await recado.store.served()
        yield check_served(served=served)
        yield await check_port(settings, served=served)
        async for check in check_references(recado, invocation.out):
            yield check
        yield check_backlog(await recado.store.backlog(), recado.clock.now(), served=served)
