"""A channel that takes everything, and records who asked for what and when.

It also ends or stops processes whose request has just arrived: only a channel knows that moment.
It is written with sockets alone and shares no code with what it judges.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(slots=True)
class Arrival:
    """A request that has arrived.

    Attributes:
        process: who made it.
        lane: the conversation's id.
        text: what it says; empty for a removal.
        method: of HTTP.
        at: when it had arrived, on the monotonic clock.
        ended: when it was answered; None while it is not.
    """

    process: str
    lane: str
    text: str
    method: str
    at: float
    ended: float | None = None


class Recorder:
    """The channel.

    Args:
        arrived: called with the process when its request has arrived, before it is answered.
        rng: how long answers take.
        slowest: seconds they take at most.
    """

    def __init__(
        self, arrived: Callable[[str], None], rng: random.Random, slowest: float = 0.03
    ) -> None:
        self._arrived = arrived
        self._rng = rng
        self._slowest = slowest
        self._server: asyncio.Server | None = None
        #: Every request, in the order of their arrival.
        self.arrivals: list[Arrival] = []
        self.url = ""

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Listen no more."""
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # It is cancelled when the event loop ends; asyncio would be loud about that.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                await self._serve_one(reader, writer)
        writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        told = {name.lower(): value for name, _, value in (each.partition(":") for each in fields)}
        body = await reader.readexactly(int(told.get("content-length", "0")))
        method, path, _ = line.split(" ")
        _, process, _, _, lane, *_ = path.split("/")
        text = str(json.loads(body).get("text", "")) if body else ""
        arrival = Arrival(process, unquote(lane), text, method, time.monotonic())
        self.arrivals.append(arrival)
        self._arrived(process)
        await asyncio.sleep(self._rng.random() * self._slowest)
        answer = json.dumps({"id": f"m{len(self.arrivals)}"}).encode()
        head = f"HTTP/1.1 201 Created\r\nContent-Length: {len(answer)}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + answer)
        await writer.drain()
        arrival.ended = time.monotonic()


def signalled(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
