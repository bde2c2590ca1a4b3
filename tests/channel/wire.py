"""A server of raw bytes for the Connector channel, and the channel to test against it."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from recado.channel.connector import ConnectorChannel, ConnectorSettings
from recado.channel.hosts import HostRules
from recado.channel.port import Post
from recado.channel.tokens import NoTokens, TokenError, Tokens
from recado.clock import SystemClock


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it came over the wire."""

    line: bytes
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.line.split(b" ")[1].decode("ascii")


Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def http(status: int = 201, body: bytes = b'{"id":"1"}', *headers: bytes) -> bytes:
    """An answer as it is written."""
    head = [b"HTTP/1.1 %d X" % status, b"Content-Length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(head)


async def accept(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Take it."""
    writer.write(http())


def replies(*answers: bytes) -> Behaviour:
    """The answers in their order, the last one again and again."""
    left = list(answers)

    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return behave


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset instead of an orderly end."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


@dataclass
class Server:
    """A server of raw bytes, and what it was sent."""

    behave: Behaviour
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    most_open: int = 0
    url: str = ""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            while not writer.is_closing():
                request = await _read(reader)
                self.requests.append(request)
                self.asked.set()
                await self.behave(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()
            self.left.set()


async def _read(reader: asyncio.StreamReader) -> Request:
    line, *fields = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
    pairs = (text.decode("latin-1").split(": ", 1) for text in fields)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(line=line, headers=headers, body=body)


@asynccontextmanager
async def serving(
    behave: Behaviour = accept, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """A server for as long as the block lasts."""
    server = Server(behave)
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(server.serve(reader, writer)))
        writers.append(writer)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls, backlog=512)
    port = listener.sockets[0].getsockname()[1]
    server.url = f"{'https://localhost' if tls else 'http://127.0.0.1'}:{port}"
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(w.wait_closed() for w in writers), return_exceptions=True)


class FixedTokens:
    """Tokens given in their order; when there are no more, none can be had."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.asked: list[bool] = []

    async def token(self, bot: str, *, refresh: bool = False) -> str | None:
        self.asked.append(refresh)
        if refresh and len(self.tokens) < 2:
            raise TokenError("The identity provider is away.")
        if refresh:
            self.tokens.pop(0)
        if not self.tokens:
            raise TokenError("There are no tokens.")
        return self.tokens[0]


LOOPBACK = HostRules(allow_loopback=True)


@asynccontextmanager
async def channel(
    settings: ConnectorSettings | None = None,
    *,
    tokens: Tokens | None = None,
    rules: HostRules = LOOPBACK,
) -> AsyncIterator[ConnectorChannel]:
    """A Connector channel for as long as the block lasts; anonymous unless told otherwise."""
    made = ConnectorChannel(
        settings or ConnectorSettings(), rules, tokens or NoTokens(), SystemClock()
    )
    try:
        yield made
    finally:
        await made.close()


def post(server: Server | str, conversation_id: str = "a:1", **more: object) -> Post:
    """A request to *server*; a test says only what is special about it."""
    fields: dict[str, object] = {
        "bot": "bot",
        "channel": "msteams",
        "service_url": server if isinstance(server, str) else server.url,
        "conversation_id": conversation_id,
        "body": b'{"type":"message","text":"\xc2\xa1Hola!"}',
    }
    return Post(**(fields | more))  # type: ignore[arg-type]  # a factory fills in everything


async def silence(_request: Request, _writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def end(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Close the connection in an orderly way."""
    writer.close()


async def abort(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    reset(writer)


def fragment(data: bytes) -> Behaviour:
    """Write *data* and close."""

    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        writer.close()

    return behave


async def drip(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Begin an answer, and go on with it for ever."""
    writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.01)


@contextmanager
def unused_port() -> Iterator[str]:
    """A URL on which nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"


@contextmanager
def full_backlog(accepts: int = 0) -> Iterator[str]:
    """A listener that accepts no connection, or so many in its kernel without ever reading."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(accepts)
        waiting = [socket.socket() for _ in range(0 if accepts else 3)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for one in waiting:
            one.close()


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A certificate authority of the test's own."""

    pem: bytes
    server: ssl.SSLContext


def told(body: object, status: int = 200) -> bytes:
    """An answer with a JSON body."""
    return http(status, json.dumps(body, ensure_ascii=False).encode())
