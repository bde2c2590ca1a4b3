"""A channel service on loopback, over HTTP, that a bot and its Recado take for a real one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from recado.clock import Clock, SystemClock
from recado.testing import faults
from recado.testing.faults import Wire
from recado.testing.people import Receive
from recado.testing.record import Request
from recado.testing.scene import Scene
from recado.testing.service import ChannelService, Latency, Served
from recado.testing.windows import UNLIMITED, RateLimits
from recado.testing.wire import BadRequest, Connection, Listener


class FakeConnector(Scene):
    """The Connector REST API v3 on a port of this machine.

    It has every route of the protocol, records every request, enforces rate windows, can be
    scripted to fail in every documented way, and speaks to the bot as a channel does::

        async with FakeConnector(limits=TEAMS) as channel:
            ana = channel.person("ana")
            await channel.introduce(ana, bot="http://127.0.0.1:3978")
            channel.fail(faults.throttled(2), times=3)
            ...
            await channel.until(1)
            assert channel.texts[ana.id] == ["Your report is ready."]

    Args:
        channel: the channel it is; on ``msteams`` Teams' own rules hold.
        limits: the windows it enforces, such as ``TEAMS``.
        latency: how long requests and answers travel, in real time.
        strict: whether conversations nobody told it of are unknown.
        sessions: whether each new private chat is a session of its own (``supportsSessions``).
        seed: of everything that is drawn.
        keep: whether every request is kept. Without, only counts, texts and the newest
            activities of each conversation are, so that a long run needs little memory.
        clock: the time everything is noted at and windows are counted in.
        bot: where the bot is, for what people say: its URL, or a function.
        host: the interface.
        port: the port; 0 for any.

    Attributes:
        url: its service URL, once it is started.
        service: what is behind the wire.
    """

    def __init__(  # noqa: PLR0913 - one fact each
        self,
        *,
        channel: str = "msteams",
        limits: RateLimits = UNLIMITED,
        latency: Latency | None = None,
        strict: bool = False,
        sessions: bool = False,
        seed: int = 0,
        keep: bool = True,
        clock: Clock | None = None,
        bot: str | Receive | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        service = ChannelService(
            clock or SystemClock(),
            channel=channel,
            limits=limits,
            latency=latency or Latency(),
            strict=strict,
            sessions=sessions,
            seed=seed,
            keep=keep,
        )
        super().__init__(service, bot)
        self._listener = Listener(self._serve, host, port)

    # -- lifecycle ---------------------------------------------------------------------------

    async def start(self, bound: socket.socket | None = None) -> None:
        """Begin to listen, on a socket that is bound already if one is given."""
        self.url = await self._listener.start(bound)

    async def stop(self) -> None:
        """Close every connection, and listen no more."""
        await self._listener.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Refuse every connection for the length of the block; what was begun is cut off."""
        await self._listener.stop()
        try:
            yield
        finally:
            await self._listener.start()

    # -- serving -----------------------------------------------------------------------------

    async def _serve(self, connection: Connection) -> None:
        while connection.keep:
            try:
                if not await self._serve_one(connection):
                    return
            except BadRequest as error:
                told = faults.error(400, "BadSyntax", str(error))
                connection.keep = False
                await connection.answer(Served(status=400, body=told.body or b""))

    async def _serve_one(self, connection: Connection) -> bool:
        """Serve one request; whether there can be another one."""
        service = self.service
        head = await connection.read_head()
        if head is None:
            return False
        if service.cuts(head):
            connection.reset()
            return False
        asked = await connection.read_body(head)
        if asked is None:
            return False
        await self._travel()
        request = service.arrive(asked)
        try:
            reply = service.decide(request)
            if reply is None:
                await self._let_overtake(request)
                reply = service.take(request)
            await self._travel()
            await connection.answer(reply)
        finally:
            service.ended(request, connection.wrote)
        return True

    async def _travel(self) -> None:
        seconds = self.service.one_way()
        if seconds:
            await asyncio.sleep(seconds)

    async def _let_overtake(self, request: Request) -> None:
        """Wait for the next request to be taken, if that is this one's fate."""
        fault = request.fault
        if fault is None or fault.wire is not Wire.OVERTAKEN:
            return
        taken = self.record.taken
        try:
            async with asyncio.timeout(fault.seconds):
                await self.record.until_true(lambda: self.record.taken > taken)
        except TimeoutError:
            return
