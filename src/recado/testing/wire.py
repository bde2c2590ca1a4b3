"""HTTP/1.1 by hand: a server that can do what a good server prevents.

A channel that cuts connections, answers half or never ends is what a sender has to be tested
against, so this reads requests and writes answers itself. Nothing but tests should talk to it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from recado.testing.calls import Asked, read_target
from recado.testing.faults import Wire
from recado.testing.service import Served

#: Bytes of a body that are read; more is cut off.
_BODY_LIMIT = 16 * 1024 * 1024
_HEAD_LIMIT = 64 * 1024
_DROPS = 20


class BadRequest(Exception):  # noqa: N818 - it becomes an answer
    """What came is not HTTP as we read it."""


class Connection:
    """One connection a sender has made."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._headers: dict[bytes, bytes] = {}
        #: Whether there can be another request.
        self.keep = True
        #: The status that was written for the present one.
        self.wrote: int | None = None

    async def read_head(self) -> Asked | None:
        """The next request without its body; None when the sender has gone.

        Raises:
            BadRequest: it cannot be read.
        """
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        except asyncio.LimitOverrunError as error:
            raise BadRequest("The head is too long.") from error
        line, *fields = head[:-4].split(b"\r\n")
        self.wrote = None
        words = line.split(b" ")
        if len(words) != 3:
            raise BadRequest("There is no request line.")
        pairs = (each.partition(b":") for each in fields)
        self._headers = {name.lower(): value.strip() for name, _, value in pairs}
        self.keep = self._headers.get(b"connection", b"").lower() != b"close"
        asked = read_target(words[0].decode("latin-1"), words[1].decode("latin-1"))
        kind, _, token = self._headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        return replace(asked, token=token) if kind.lower() == "bearer" and token else asked

    async def read_body(self, asked: Asked) -> Asked | None:
        """The same request with its body; None when the sender went away in the middle.

        Raises:
            BadRequest: the body is no JSON object.
        """
        if b"100-continue" in self._headers.get(b"expect", b"").lower():
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            if b"chunked" in self._headers.get(b"transfer-encoding", b"").lower():
                data = await self._read_chunks()
            else:
                data = await self._read_exactly(int(self._headers.get(b"content-length", b"0")))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        except ValueError as error:
            raise BadRequest("The length is no number.") from error
        return replace(asked, body=_object(data), size=len(data)) if data else asked

    async def _read_exactly(self, length: int) -> bytes:
        if length > _BODY_LIMIT:
            raise BadRequest("The body is too long.")
        return await self._reader.readexactly(length) if length else b""

    async def _read_chunks(self) -> bytes:
        parts = []
        while True:
            size = int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16)
            parts.append(await self._read_exactly(size))
            await self._reader.readuntil(b"\r\n")
            if not size:
                return b"".join(parts)

    # -- answering ---------------------------------------------------------------------------

    async def answer(self, reply: Served) -> None:
        """Write an answer the way it is to travel."""
        match reply.wire:
            case Wire.HANG:
                self.keep = False
                await self.gone()
            case Wire.CUT_READ | Wire.CUT_UNREAD:
                self.reset()
            case Wire.HALF:
                self._begin(reply, reply.body[: len(reply.body) // 2])
                await self._drain()
                self.reset()
            case Wire.ENDLESS:
                await self._write_for_ever(reply)
            case Wire.SLOW:
                await self._write_slowly(reply)
            case _:
                if reply.seconds and reply.wire is Wire.WHOLE:
                    await asyncio.sleep(reply.seconds)
                self._begin(reply, reply.body)
                await self._drain()

    def _begin(self, reply: Served, body: bytes = b"") -> None:
        """Write the head, and as much of the body as goes with it: one packet for both."""
        self.wrote = reply.status
        self._writer.write(_head(reply, self.keep) + body)

    async def _write_slowly(self, reply: Served) -> None:
        self._begin(reply)
        size = max(1, len(reply.body) // _DROPS)
        drops = [reply.body[begin : begin + size] for begin in range(0, len(reply.body), size)]
        for drop in drops or [b""]:
            await asyncio.sleep(reply.seconds / max(1, len(drops)))
            self._writer.write(drop)
            await self._drain()

    async def _write_for_ever(self, reply: Served) -> None:
        self.keep = False
        endless = replace(reply, headers=(*reply.headers, ("Transfer-Encoding", "chunked")))
        self._begin(endless)
        with suppress(ConnectionError):
            while not self._writer.is_closing():
                self._writer.write(b"1000\r\n" + b" " * 0x1000 + b"\r\n")
                await self._writer.drain()
                await asyncio.sleep(0.001)

    async def _drain(self) -> None:
        with suppress(ConnectionError):
            await self._writer.drain()

    async def gone(self) -> None:
        """Wait until the sender has given up."""
        with suppress(ConnectionError):
            while await self._reader.read(_HEAD_LIMIT):
                pass

    def reset(self) -> None:
        """End with a TCP reset, so that nobody takes it for the end of an answer."""
        self.keep = False
        found = self._writer.get_extra_info("socket")
        if found is not None:
            with suppress(OSError):
                linger = struct.pack("ii", 1, 0)
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()


Handler = Callable[[Connection], Awaitable[None]]


class Listener:
    """Listens on this machine and gives every connection to a handler.

    Args:
        handler: serves one connection until it ends.
        host: the interface.
        port: the port; 0 for any.
    """

    def __init__(self, handler: Handler, host: str = "127.0.0.1", port: int = 0) -> None:
        self._handler = handler
        self._address = (host, port)
        self._server: asyncio.Server | None = None
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def start(self, bound: socket.socket | None = None) -> str:
        """Begin, on a socket that is bound already if one is given; the URL, ending in a slash."""
        host, port = (None, None) if bound is not None else self._address
        self._server = await asyncio.start_server(
            self._connected, host, port, sock=bound, limit=_HEAD_LIMIT, backlog=512
        )
        # Away and back again, it is to be found where it was.
        self._address = self._server.sockets[0].getsockname()[:2]
        host, port = self._address
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    async def stop(self) -> None:
        """Close every connection, and listen no more."""
        if self._server is None:
            return
        self._server.close()
        serving = dict(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        for writer in serving.values():
            writer.transport.abort()
        for writer in serving.values():
            with suppress(ConnectionError):
                await writer.wait_closed()
        self._server = None

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found = writer.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving[task] = writer
        task.add_done_callback(lambda done: self._serving.pop(done, None))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._handler(Connection(reader, writer))
        except ConnectionError:
            pass
        finally:
            writer.close()


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is no JSON.") from error
    if not isinstance(found, dict):
        raise BadRequest("The body is no JSON object.")
    return found


def _head(reply: Served, keep: bool) -> bytes:  # noqa: FBT001 - it is private
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {reply.status} {phrase}"]
    if reply.body:
        lines.append(f"Content-Type: {reply.content_type}")
    if all(name != "Transfer-Encoding" for name, _ in reply.headers):
        lines.append(f"Content-Length: {len(reply.body)}")
    lines += [f"{name}: {value}" for name, value in reply.headers]
    if not keep:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
