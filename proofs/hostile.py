"""A server that answers as no server should: never, in drops, half, or without end."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET
from typing import Final

#: Bytes of a piece of what never ends.
_PIECE: Final = b" " * 65536
_HEAD: Final = b"HTTP/1.1 201 Created\r\n"
_ID: Final = b'{"id":"1"}'

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def _hang(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        await asyncio.sleep(0.1)


async def _reset(writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, linger)
    writer.transport.abort()


async def _half(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD + b"Content-Length: 10\r\n\r\n" + _ID[:5])


async def _drip_head(writer: asyncio.StreamWriter) -> None:
    await _drip(writer, _HEAD + b"X-Long: " + b"x" * 10_000)


async def _drip_body(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD + b"Content-Length: 10000\r\n\r\n")
    await _drip(writer, _ID + b" " * 9_990)


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    for each in data:
        writer.write(bytes((each,)))
        await writer.drain()
        await asyncio.sleep(0.01)


async def _endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD)
    while True:
        writer.write(b"X-Endless: " + _PIECE + b"\r\n")
        await writer.drain()


async def _many_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD)
    number = 0
    while True:
        number += 1
        writer.write(b"X-%d: y\r\n" % number)
        await writer.drain()


async def _interim(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()


async def _endless_body(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD + b"\r\n" + _ID)
    while True:
        writer.write(_PIECE)
        await writer.drain()


async def _endless_chunks(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + _PIECE + b"\r\n")
        await writer.drain()


async def _huge_length(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD + b"Content-Length: 999999999999\r\n\r\n" + _ID)
    while True:
        writer.write(_PIECE)
        await writer.drain()


async def _endless_refusal(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + _PIECE + b"\r\n")
        await writer.drain()


#: By name, how a request is answered.
ANSWERS: Final[Mapping[str, Answer]] = {
    "hang": _hang,
    "reset after the request": _reset,
    "half an answer": _half,
    "head in drops": _drip_head,
    "body in drops": _drip_body,
    "endless header": _endless_head,
    "endless headers": _many_headers,
    "endless interim answers": _interim,
    "endless body": _endless_body,
    "endless chunks": _endless_chunks,
    "huge length": _huge_length,
    "endless refusal": _endless_refusal,
}


class Hostile:
    """The server; the first part of a path names how it answers.

    Attributes:
        url: where it listens.
        requests: how many it has been sent, by the name.
    """

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self.url = ""
        self.requests: dict[str, int] = {}

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Listen no more."""
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            name = head.split(b" ")[1].split(b"/")[1].decode().replace("_", " ")
            self.requests[name] = self.requests.get(name, 0) + 1
            await ANSWERS[name](writer)
        writer.close()
