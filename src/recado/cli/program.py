"""The program ``recado``: its commands, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Any, cast

import typer

from recado.cli import (
    answers,
    changing,
    consent,
    deliveries,
    doctor,
    events,
    fake_channel,
    jobs,
    migrating,
    moving,
    notifications,
    recipients,
    references,
    running,
    schedules,
    sending,
    steering,
    topics,
    watches,
)
from recado.cli.exits import MEANINGS, ExitCode, report, tell
from recado.cli.invocation import (
    MARKUP,
    AsJson,
    DatabaseUrl,
    Debug,
    EnvFile,
    Invocation,
    Verbose,
    examples_block,
)

_VARIABLES = (
    ("RECADO_DATABASE_URL", "where the database is"),
    ("RECADO_DATABASE_PASSWORD", "password for a URL of PostgreSQL without one"),
    ("RECADO_HOST, RECADO_PORT, PORT", "where the server listens"),
    ("RECADO_APP", "the bot that `recado serve` hosts, and whose turns `recado worker` runs"),
    ("RECADO_API_KEYS", "keys of the HTTP API"),
    ("RECADO_PUBLIC_URL", "the server's address behind a proxy"),
    ("RECADO_LOG_LEVEL, RECADO_LOG_JSON", "how much is logged, and how"),
    ("MicrosoftAppId, MicrosoftAppPassword", "who the bot is; none for local testing"),
    ("RECADO_DEBUG, NO_COLOR", "show where errors come from; no colour"),
)


def _epilog() -> str | None:
    exits = [f"{int(code):>4}  {told}" for code, told in MEANINGS.items()]
    width = max(len(names) for names, _ in _VARIABLES)
    variables = [f"{names:<{width}}  {told}" for names, told in _VARIABLES]
    blocks = (
        examples_block(
            ("recado demo", 'recado send user:ana@example.com "Done."', "recado doctor"),
            "Start here:",
        ),
        examples_block(
            variables,
            "Environment (settings are read from .env as well, see docs/configuration.md):",
        ),
        examples_block(exits, "Exit codes:"),
    )
    return "\n\n".join(block for block in blocks if block)


app = typer.Typer(
    name="recado",
    no_args_is_help=True,
    rich_markup_mode=MARKUP,
    pretty_exceptions_enable=False,
    epilog=_epilog(),
)
for commands in (
    running,
    fake_channel,
    sending,
    events,
    changing,
    schedules,
    jobs,
    answers,
    watches,
    notifications,
    deliveries,
    steering,
    references,
    consent,
    recipients,
    topics,
    migrating,
    moving,
    doctor,
):
    commands.register(app)


def _version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        number = metadata.version("recado")
    except metadata.PackageNotFoundError:
        number = "(not installed)"
    python = ".".join(map(str, sys.version_info[:3]))
    sys.stdout.write(f"recado {number}, Python {python}, SQLite {sqlite3.sqlite_version}\n")
    raise typer.Exit


@app.callback()
def recado(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    *,
    _shown: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say the version."),
    ] = False,
    database_url: DatabaseUrl = None,
    env_file: EnvFile = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Let a bot speak first: durable, ordered, polite proactive messages."""
    context.obj = Invocation(
        database_url=database_url,
        env_file=env_file,
        as_json=as_json,
        verbose=verbose,
        debug=debug,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code.

    Args:
        arguments: what was typed after ``recado``; this process's own when left out.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # An error may come before the line has been understood, so these two are looked for in it.
    as_json = "--json" in words
    debug = "--debug" in words or os.environ.get("RECADO_DEBUG", "") not in ("", "0")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        ended = app(args=words, prog_name="recado", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        return _misused(error, as_json=as_json)
    except BrokenPipeError:
        # Whoever read our output has had enough; what is buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - this is where every error ends
        return report(error, as_json=as_json, debug=debug)
    code = ended if isinstance(ended, int) else ExitCode.OK
    if code == ExitCode.INTERRUPTED and not as_json:
        sys.stderr.write("Interrupted.\n")
    return code


def _misused(error: typer.TyperException, *, as_json: bool) -> int:
    """Tell what is wrong with the command line."""
    context = cast("Any", getattr(error, "ctx", None))
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{error.format_message()}\n")
        return ExitCode.USAGE
    said = error.format_message().rstrip(".")
    path = context.command_path if context is not None else "recado"
    tell("usage", f"{said}: see `{path} --help`.", ExitCode.USAGE, as_json=as_json)
    return ExitCode.USAGE
