"""A whole Recado in this process, wired to a fake channel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from recado.testing.clock import HandClock, held
from recado.testing.connector import FakeConnector
from recado.testing.simulated import SimulatedChannel

if TYPE_CHECKING:
    from recado.app import Recado

_MEMORY = "sqlite:///:memory:"


@asynccontextmanager
async def wired(
    channel: FakeConnector | SimulatedChannel, **settings: Any
) -> AsyncIterator[Recado]:
    """A started Recado that sends to *channel*, stopped at the end of the block.

    It keeps everything in memory, reads nothing from the environment, and needs no credentials.
    Over a :class:`FakeConnector` its requests are real; a :class:`SimulatedChannel` gives it its
    own clock.

    Args:
        channel: where everything it says goes.
        settings: fields of :class:`recado.Settings`, such as ``connections=8``.

    Raises:
        ConfigurationError: the settings cannot be used.
    """
    # Imported here: it brings the whole of Recado, which most of the kit does without.
    from recado.app import Recado  # noqa: PLC0415 - as said above
    from recado.config import Settings  # noqa: PLC0415 - as said above
    from recado.store.sqlite import SqliteStore  # noqa: PLC0415 - as said above

    told = Settings(**{"database_url": _MEMORY} | settings)
    if isinstance(channel, FakeConnector):
        recado = Recado(told)
    else:
        clock = channel.service.clock
        store = SqliteStore(None, clock)
        if isinstance(clock, HandClock):
            store = held(store, clock)
        recado = Recado(told, clock=clock, store=store, channel=channel)
    async with recado:
        yield recado
