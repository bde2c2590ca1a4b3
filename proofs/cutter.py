"""A way to a database that is cut, jammed or closed."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Final

#: Bytes that are passed on at once.
_PIECE: Final = 65536


class Cutter:
    """Passes connections on to a port of this machine, as long as it is let.

    Args:
        port: where to.
        rng: where connections are cut.

    Attributes:
        port: where it listens.
        cuts: how many connections were cut.
    """

    def __init__(self, port: int, rng: random.Random) -> None:
        self._to = port
        self._rng = rng
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._refusing = False
        #: Bytes of an answer after which a connection is cut; None for never.
        self._within: int | None = None
        self.port = 0
        self.cuts = 0

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cut everything, and listen no more."""
        assert self._server is not None
        self._server.close()
        self.cut()

    # -- trouble

    def cut(self) -> None:
        """Cut every connection there is."""
        for writer in self._writers:
            if not writer.is_closing():
                writer.transport.abort()
                self.cuts += 1

    def cut_within(self, most: int | None) -> None:
        """From now on cut each connection in the middle of an answer of the server's."""
        self._within = most

    def jam(self, *, jammed: bool) -> None:
        """Let nothing through and close nothing, or let it through again."""
        if jammed:
            self._open.clear()
        else:
            self._open.set()

    def refuse(self, *, refusing: bool) -> None:
        """Close new connections at once, as a pooler without a server does."""
        self._refusing = refusing

    # -- passing on

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.close()
            return
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        both = {writer, forth}
        self._writers |= both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, forth, both, cut=False))
                group.create_task(self._pass(back, writer, both, cut=True))
        finally:
            self._writers -= both

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        both: set[asyncio.StreamWriter],
        *,
        cut: bool,
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_PIECE):
                await self._open.wait()
                if cut and self._within is not None and self._rng.random() < 0.1:
                    writer.write(data[: self._rng.randrange(min(len(data), self._within) + 1)])
                    await writer.drain()
                    self.cuts += 1
                    break
                writer.write(data)
                await writer.drain()
        for each in both:
            each.transport.abort() if cut else each.close()
