"""The server of ``recado demo`` and ``recado serve``, from the first line to the last.

Imported only by these two: it brings the whole of Recado and the web server with it.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import socket
import sys
from pathlib import Path

from fastapi import FastAPI
from uvicorn import Config

from recado.app import Recado, create_server, load_agent
from recado.cli.invocation import Invocation, database_option
from recado.cli.logs import set_up_logs
from recado.cli.ports import listening, url_of
from recado.cli.process import GRACE, Listener, ending, readiness, try_database
from recado.config import Settings, check_exposure
from recado.database_url import SqliteFile


def run(invocation: Invocation, settings: Settings) -> None:
    """Serve until a signal comes.

    Raises:
        ConfigurationError: the server would be exposed, cannot listen, or the bot is none.
        StoreError: the database cannot be used.
    """
    set_up_logs(settings, verbose=invocation.verbose, quiet=settings.demo)
    check_exposure(settings)
    try_database(settings)
    with listening(settings.host, settings.port) as bound:
        recado = Recado(settings)
        agent = load_agent(settings.app, recado) if settings.app is not None else None
        app = create_server(recado, agent)
        config = Config(
            app,
            lifespan="off",  # it is entered below: what it raises is an error, not a line in a log
            log_config=None,
            access_log=invocation.verbose,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            try:
                runner.run(_serve(invocation, recado, app, config, bound))
            except KeyboardInterrupt:
                return  # Ctrl-C before anybody listened for it: nothing had begun
    if settings.demo:
        invocation.out.say("Stopped. Started again, it goes on from here.")


async def _serve(
    invocation: Invocation, recado: Recado, app: FastAPI, config: Config, bound: socket.socket
) -> None:
    elsewhere = False

    def announce() -> None:
        _announce(invocation, recado.settings, url_of(bound), served_elsewhere=elsewhere)

    server = Listener(config, announce)
    with ending(server.handle_exit):
        await recado.open()
        await recado.store.check()
        in_memory = recado.settings.database == SqliteFile(None)
        elsewhere = not in_memory and await recado.store.served()
        async with app.router.lifespan_context(app):
            await server.serve(sockets=[bound])


# -- telling ---------------------------------------------------------------------------------


def _announce(
    invocation: Invocation, settings: Settings, url: str, *, served_elsewhere: bool
) -> None:
    if invocation.as_json:
        invocation.out.document(readiness(settings, url, served_elsewhere=served_elsewhere))
        return
    lines = _demo_lines(settings, url) if settings.demo else _serve_lines(settings, url)
    if served_elsewhere:
        lines.append(beside_others(settings))
    for line in lines:
        invocation.out.say(line)


def beside_others(settings: Settings) -> str:
    """What it means that another process delivers from the same database."""
    if isinstance(settings.database, SqliteFile):
        return "Another process delivers from this database; this one takes over after it."
    return "Other processes deliver from this database as well, and share the work with this one."


def _demo_lines(settings: Settings, url: str) -> list[str]:
    jobs = [
        "`run` in Ana's window, twice: two jobs are started.",
        "`show` in Ben's: the job log.",
        "`done 1` in Ben's: Ana is told in her window, without having asked.",
    ]
    own = [f"Anything in either window: the bot {settings.app} answers."]
    steps = [
        *(jobs if settings.app is None else own),
        f"Load {url}/api/notify: everybody gets a message nobody asked for.",
        f"kill -9 {os.getpid()}, then start it again: nothing is lost.",
    ]
    return [
        f"Recado is ready: open {url}/",
        "",
        "The page has two windows, one for Ana and one for Ben. Try:",
        *(f"  {number}. {step}" for number, step in enumerate(steps, 1)),
        "",
        f"The API is described at {url}/docs. From another terminal:",
        f"  {_program()} deliveries list {_database_option(settings)}",
        "",
        "Ctrl-C stops it.",
    ]


def _database_option(settings: Settings) -> str:
    database = settings.database
    if isinstance(database, SqliteFile):
        return database_option(database.shown)
    # The password and the options of a URL are not shown.
    return "--database-url postgresql://… (the URL of this one)"


def _program() -> str:
    """What to type for `recado` here: a virtual environment's may not be on the path."""
    here = Path(sys.argv[0])
    if shutil.which("recado") is not None or here.name != "recado":
        return "recado"
    return shlex.quote(os.path.relpath(here))


def _serve_lines(settings: Settings, url: str) -> list[str]:
    what = f"the bot {settings.app}" if settings.app else "as a sidecar, without a bot,"
    return [
        f"Recado is ready: serving {what} at {url}",
        f"The bot's name in the database {settings.database.shown} is {settings.bot}.",
        "Ctrl-C stops it.",
    ]
