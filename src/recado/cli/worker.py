"""The process of ``recado worker``: it delivers, and listens for probes at most.

Imported only by that command: it brings the whole of Recado and the web server with it.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import AbstractContextManager, nullcontext

from fastapi import FastAPI
from uvicorn import Config

from recado.app import Recado, create_worker, load_agent
from recado.cli.invocation import Invocation, check_lasting
from recado.cli.logs import set_up_logs
from recado.cli.ports import listening, url_of
from recado.cli.process import GRACE, Listener, ending, readiness, try_database
from recado.cli.server import beside_others
from recado.config import Settings
from recado.database_url import SqliteFile


def run(invocation: Invocation, settings: Settings, *, probes: bool) -> None:
    """Deliver until a signal comes.

    Args:
        invocation: how it was called.
        settings: of this process.
        probes: whether it answers health probes on its host and port.

    Raises:
        ConfigurationError: it cannot listen, the bot is none, or the database would end with it.
        StoreError: the database cannot be used.
    """
    set_up_logs(settings, verbose=invocation.verbose)
    check_lasting(settings)
    try_database(settings)
    listen: AbstractContextManager[socket.socket | None] = nullcontext()
    if probes:
        listen = listening(settings.host, settings.port)
    with listen as bound:
        recado = Recado(settings)
        agent = load_agent(settings.app, recado) if settings.app is not None else None
        app = create_worker(recado, agent)
        config = Config(
            app,
            lifespan="off",  # it is entered below, as in the server
            log_config=None,
            access_log=invocation.verbose,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            try:
                runner.run(_work(invocation, recado, app, config, bound))
            except KeyboardInterrupt:
                return  # Ctrl-C before anybody listened for it: nothing had begun


async def _work(
    invocation: Invocation,
    recado: Recado,
    app: FastAPI,
    config: Config,
    bound: socket.socket | None,
) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    elsewhere = False

    def announce() -> None:
        url = None if bound is None else url_of(bound)
        _announce(invocation, recado.settings, url, served_elsewhere=elsewhere)

    server = Listener(config, announce)

    def end(number: int, _: object) -> None:
        server.handle_exit(number, None)
        loop.call_soon_threadsafe(over.set)

    with ending(end):
        await recado.open()
        await recado.store.check()
        elsewhere = await recado.store.served()
        async with app.router.lifespan_context(app):
            if bound is not None:
                await server.serve(sockets=[bound])
            else:
                announce()
                await over.wait()


def _announce(
    invocation: Invocation, settings: Settings, url: str | None, *, served_elsewhere: bool
) -> None:
    if invocation.as_json:
        invocation.out.document(readiness(settings, url, served_elsewhere=served_elsewhere))
        return
    for line in _lines(settings, url, served_elsewhere=served_elsewhere):
        invocation.out.say(line)


def _lines(settings: Settings, url: str | None, *, served_elsewhere: bool) -> list[str]:
    shown = settings.database.shown
    lines = [f"Recado is ready: delivering from the database {shown} as the bot {settings.bot}."]
    if settings.app:
        lines.append(f"Turns run in the bot {settings.app}.")
    elif isinstance(settings.database, SqliteFile):
        lines.append("Without --app turns are held until a process with their handler delivers.")
    else:
        lines.append("Without --app turns are left to processes that have their handlers.")
    if url is not None:
        lines.append(f"Probes are answered at {url}/healthz and {url}/readyz.")
    if served_elsewhere:
        lines.append(beside_others(settings))
    return [*lines, "Ctrl-C stops it."]
