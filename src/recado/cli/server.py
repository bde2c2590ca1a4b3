"""The server of ``recado demo`` and ``recado serve``, from the first line to the last.

Imported only by these two: it brings the whole of Recado and the web server with it.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI
from uvicorn import Config, Server

from recado.app import Recado, create_server, load_agent
from recado.cli.checks import Status, check_database
from recado.cli.invocation import Invocation, database_option
from recado.cli.logs import set_up_logs
from recado.cli.ports import listening, url_of
from recado.config import Settings, check_exposure
from recado.errors import StoreUnavailable
from recado.store.port import Store

#: How long requests may take to end after Ctrl-C, in seconds.
_GRACE = 5


def run(invocation: Invocation, settings: Settings) -> None:
    """Serve until a signal comes.

    Raises:
        ConfigurationError: the server would be exposed, cannot listen, or the bot is none.
        StoreError: the database cannot be used.
    """
    set_up_logs(settings, verbose=invocation.verbose, quiet=settings.demo)
    check_exposure(settings)
    _check_database(settings)
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
            timeout_graceful_shutdown=_GRACE,
        )
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            try:
                runner.run(_serve(invocation, recado, app, config, bound))
            except KeyboardInterrupt:
                return  # Ctrl-C before anybody listened for it: nothing had begun
    if settings.demo:
        invocation.out.say("Stopped. Started again, it goes on from here.")


def _check_database(settings: Settings) -> None:
    """Find out about a database before anything else is begun; none is made for that.

    Raises:
        StoreError: it cannot be used.
    """
    absent = check_database(settings)
    if absent is None:
        asyncio.run(_try(Recado(settings).store))
    elif absent.status is Status.FAILED:
        raise StoreUnavailable(f"The database {absent.detail}")


async def _try(store: Store) -> None:
    await store.open()
    try:
        # A file that cannot be written opens all the same.
        await store.check()
    finally:
        await store.close()


async def _serve(
    invocation: Invocation, recado: Recado, app: FastAPI, config: Config, bound: socket.socket
) -> None:
    server = _Server(config)
    with _ending(server):
        await recado.open()
        await recado.store.check()
        in_memory = recado.settings.sqlite_path == ":memory:"
        elsewhere = not in_memory and await recado.store.served()
        server.on_ready = lambda: _announce(
            invocation, recado.settings, url_of(bound), served_elsewhere=elsewhere
        )
        async with app.router.lifespan_context(app):
            await server.serve(sockets=[bound])


class _Server(Server):
    """Tells when it is ready; leaves signals to :func:`_ending`.

    Attributes:
        on_ready: called when it answers.
    """

    on_ready: Callable[[], None]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_ready()


@contextmanager
def _ending(server: Server) -> Iterator[None]:
    """Let signals end *server* in good order, and the process with 0.

    uvicorn raises the signal again when it has stopped, which would look like a failure to make,
    to service managers and to people.
    """
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {each: signal.signal(each, server.handle_exit) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


# -- telling ---------------------------------------------------------------------------------


def _announce(
    invocation: Invocation, settings: Settings, url: str, *, served_elsewhere: bool
) -> None:
    if invocation.as_json:
        invocation.out.document(
            {
                "url": url,
                "database_url": settings.database_url,
                "bot": settings.bot,
                "pid": os.getpid(),
                "served_elsewhere": served_elsewhere,
            }
        )
        return
    lines = _demo_lines(settings, url) if settings.demo else _serve_lines(settings, url)
    if served_elsewhere:
        lines.append("Another process delivers from this database; this one takes over after it.")
    for line in lines:
        invocation.out.say(line)


def _demo_lines(settings: Settings, url: str) -> list[str]:
    return [
        f"Recado is ready: open {url}/",
        "",
        "The page has two windows, one for Ana and one for Ben. Try:",
        "  1. `run` in Ana's window, twice: two jobs are started.",
        "  2. `show` in Ben's: the job log.",
        "  3. `done 1` in Ben's: Ana is told in her window, without having asked.",
        f"  4. Load {url}/api/notify: everybody gets a message nobody asked for.",
        f"  5. kill -9 {os.getpid()}, then start it again: nothing is lost.",
        "",
        f"The API is described at {url}/docs. From another terminal:",
        f"  {_program()} deliveries list {database_option(settings.sqlite_path)}",
        "",
        "Ctrl-C stops it.",
    ]


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
        f"The bot's name in the database {settings.sqlite_path} is {settings.bot}.",
        "Ctrl-C stops it.",
    ]
