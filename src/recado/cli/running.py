"""``recado demo``, ``serve`` and ``worker``: Recado as a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from recado.cli.invocation import Invocation, command, demo_database

if TYPE_CHECKING:
    from recado.config import Settings

#: A sidecar stands beside a bot, which has the usual port.
SIDECAR_PORT = 3979

App = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:ATTRIBUTE",
        help="The bot: an AgentApplication, an ActivityHandler, or a function that takes the "
        "Recado and returns one (RECADO_APP).",
    ),
]
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
Level = Annotated[
    Literal["debug", "info", "warning", "error"] | None,
    typer.Option(help="How much is logged, info if not set (RECADO_LOG_LEVEL)."),
]
AsLines = Annotated[
    bool, typer.Option("--log-json", help="Log one JSON object a line (RECADO_LOG_JSON).")
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
    command(
        app,
        "worker",
        examples=(
            "recado worker --app my_bot.app:agent",
            "recado worker --database-url postgresql://recado@db.example.com/recado",
            "recado worker --host 0.0.0.0 --port 9090",
        ),
        panel="Run",
        any_setting=True,
    )(worker)


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
    app: App = None,
    host: Host = None,
    port: Port = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Address the server has behind a proxy or tunnel (RECADO_PUBLIC_URL).",
        ),
    ] = None,
    log_level: Level = None,
    log_json: AsLines = False,
) -> None:
    """Serve a bot, and deliver what is to be said.

    With --app it hosts the bot on port 3978. Without, it is a sidecar on port 3979: it accepts
    notifications over HTTP and delivers them for bots that run elsewhere.

    One process at a time delivers from a SQLite database; a second one serves requests and takes
    over when the first ends. From PostgreSQL any number of processes deliver together, on as many
    machines as you like.

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


def worker(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    app: App = None,
    host: Host = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="NUMBER",
            help="Answer /healthz, /readyz and /metrics on this port; left out, on none.",
        ),
    ] = None,
    log_level: Level = None,
    log_json: AsLines = False,
) -> None:
    """Deliver what is to be said, beside the processes that serve.

    With --app it runs turns in the bot, too. Without, it sends plain deliveries and leaves turns
    to processes that have their handlers.

    From PostgreSQL any number of processes deliver together. From a SQLite database it is one at
    a time: a worker beside another process waits, and takes over when that ends, so give it the
    same --app.

    Every setting of docs/configuration.md is a flag here, such as --connections.
    """
    settings = invocation.settings(
        app=app, host=host, port=port, log_level=log_level, log_json=log_json or None
    )
    # Imported here: it brings the whole of Recado and the web server with it.
    from recado.cli.worker import run

    run(invocation, settings, probes=port is not None)


def _run(invocation: Invocation, settings: Settings) -> None:
    # Imported here: it brings the whole of Recado and the web server with it.
    from recado.cli.server import run

    run(invocation, settings)
