"""``recado demo`` and ``recado serve``: Recado as a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from recado.cli.invocation import Invocation, command, demo_database

if TYPE_CHECKING:
    from recado.config import Settings

#: A sidecar stands beside a bot, which has the usual port.
SIDECAR_PORT = 3979

Host = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Interface to listen on, 127.0.0.1 if not set (RECADO_HOST)."
    ),
]
Port = Annotated[
    int | None,
    typer.Option(min=0, max=65535, metavar="NUMBER", help="Port to listen on (RECADO_PORT, PORT)."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    command(
        app,
        "demo",
        examples=("recado demo", "recado demo --port 4000"),
        panel="Run",
        any_setting=True,
    )(demo)
    command(
        app,
        "serve",
        examples=(
            "recado serve --app my_bot.app:agent",
            "recado serve --database-url sqlite:////var/lib/bot/recado.db",
            "recado serve --app my_bot.app:agent --lease-seconds 60 --connections 32",
        ),
        panel="Run",
        any_setting=True,
    )(serve)


def demo(invocation: Invocation, host: Host = None, port: Port = None) -> None:
    """Try Recado: a bot, a chat page with two windows and a notify page, without credentials.

    It listens on this machine only, on port 3978, and keeps everything in a database of its own,
    so it goes on where it was when it is stopped, or killed, and started again.
    """
    settings = invocation.settings(demo=True, app_id="", host=host, port=port)
    if "database_url" not in settings.model_fields_set:
        settings = settings.model_copy(update={"database_url": f"sqlite:///{demo_database()}"})
    _run(invocation, settings)


def serve(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    app: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:ATTRIBUTE",
            help="The bot: an AgentApplication, an ActivityHandler, or a function that takes the "
            "Recado and returns one (RECADO_APP).",
        ),
    ] = None,
    host: Host = None,
    port: Port = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Address the server has behind a proxy or tunnel (RECADO_PUBLIC_URL).",
        ),
    ] = None,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"] | None,
        typer.Option(help="How much is logged, info if not set (RECADO_LOG_LEVEL)."),
    ] = None,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Log one JSON object a line (RECADO_LOG_JSON).")
    ] = False,
) -> None:
    """Serve a bot, and deliver what is to be said.

    With --app it hosts the bot on port 3978. Without, it is a sidecar on port 3979: it accepts
    notifications over HTTP and delivers them for bots that run elsewhere.

    One process at a time delivers from a SQLite database; a second one serves requests and takes
    over when the first ends.

    Every setting of docs/configuration.md is a flag here, such as --lease-seconds.
    """
    settings = invocation.settings(
        app=app,
        host=host,
        port=port,
        public_url=public_url,
        log_level=log_level,
        log_json=log_json or None,
    )
    if settings.app is None and "port" not in settings.model_fields_set:
        settings = settings.model_copy(update={"port": SIDECAR_PORT})
    _run(invocation, settings)


def _run(invocation: Invocation, settings: Settings) -> None:
    # Imported here: it brings the whole of Recado and the web server with it.
    from recado.cli.server import run

    run(invocation, settings)
