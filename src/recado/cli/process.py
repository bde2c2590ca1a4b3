"""What ``serve``, ``demo`` and ``worker`` share: a database that can be used, and a good end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from uvicorn import Config, Server

from recado.app import Recado
from recado.cli.checks import Status, check_database
from recado.cli.invocation import shown_url
from recado.config import Settings
from recado.errors import StoreEmpty, StoreUnavailable
from recado.store.port import Store

#: How long requests may take to end after Ctrl-C, in seconds.
GRACE = 5


def try_database(settings: Settings) -> None:
    """Find out about a database before anything else is begun; none is made for that.

    Raises:
        ConfigurationError: its server is too old.
        StoreError: it cannot be used.
    """
    absent = check_database(settings)
    if absent is None:
        with suppress(StoreEmpty):
            asyncio.run(_try(Recado(settings).store))
    elif absent.status is Status.FAILED:
        raise StoreUnavailable(f"The database {absent.detail}")


async def _try(store: Store) -> None:
    await store.open(make=False)
    try:
        # A file that cannot be written opens all the same.
        await store.check()
    finally:
        await store.close()


def readiness(settings: Settings, url: str | None, *, served_elsewhere: bool) -> dict[str, Any]:
    """What ``--json`` tells once a process is ready.

    Args:
        settings: how it runs.
        url: where it answers; None if nowhere.
        served_elsewhere: whether another process delivers from the same database.
    """
    return {
        "url": url,
        "database_url": shown_url(settings),
        "bot": settings.bot,
        "pid": os.getpid(),
        "served_elsewhere": served_elsewhere,
    }


class Listener(Server):
    """A web server that tells when it is ready, and leaves signals to :func:`ending`.

    Attributes:
        on_ready: called when it answers.
    """

    def __init__(self, config: Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_ready()


@contextmanager
def ending(end: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Have signals call *end*, which lets the block come to its end, and the process end with 0.

    uvicorn raises a signal again when it has stopped, which would look like a failure to make, to
    service managers and to people.
    """
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {each: signal.signal(each, end) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
