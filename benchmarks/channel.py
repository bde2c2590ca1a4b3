"""The loopback channel: takes everything, and remembers what arrived when.

A process of its own, so that nothing it does counts as a sender's work. It understands as much
HTTP/1.1 as is needed to cost less than any client: keep-alive, and bodies with a length.

Run as ``python -m benchmarks.channel <delay> [<certificate>]``: how many seconds an answer takes,
and a file with certificate and key when it is to speak TLS. It writes its port to standard output
and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import sys
import time
from typing import Final, cast

import uvloop

_TAKEN: Final = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"id":"1"}'
)
_REFUSED: Final = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Arrivals:
    """What has arrived since the last report."""

    def __init__(self) -> None:
        self.requests = 0
        #: Per request target, when it was posted to first, on the machine's monotonic clock.
        self.first: dict[bytes, int] = {}

    def note(self, target: bytes) -> None:
        """Count a request."""
        self.requests += 1
        self.first.setdefault(target, time.monotonic_ns())

    def report(self) -> bytes:
        """Everything noted, as JSON; then begin anew."""
        first = {target.decode("ascii"): at for target, at in self.first.items()}
        told = json.dumps({"requests": self.requests, "first": first}).encode()
        self.requests, self.first = 0, {}
        return told


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, arrivals: Arrivals, delay: float) -> None:
        self._arrivals = arrivals
        self._delay = delay
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        assert self._transport is not None
        buffer = self._buffer + data if self._buffer else data
        while (head := buffer.find(b"\r\n\r\n")) >= 0:
            length = _content_length(buffer[:head])
            if length is None:
                self._transport.write(_REFUSED)
                self._transport.close()
                return
            end = head + 4 + length
            if len(buffer) < end:
                break
            method, target, _ = buffer.split(b" ", 2)
            buffer = buffer[end:]
            if method == b"POST":
                self._arrivals.note(target)
                self._answer(_TAKEN)
            else:
                told = self._arrivals.report()
                self._transport.write(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(told), told)
                )
        self._buffer = buffer

    def _answer(self, answer: bytes) -> None:
        assert self._transport is not None
        if self._delay:
            # Spread, as answers of many conversations are.
            delay = self._delay * random.uniform(0.5, 1.5)
            asyncio.get_running_loop().call_later(delay, self._transport.write, answer)
        else:
            self._transport.write(answer)


def _content_length(head: bytes) -> int | None:
    """The length of the body; None for a chunked one."""
    lower = head.lower()
    start = lower.find(b"\r\ncontent-length:")
    if start < 0:
        return None if b"\r\ntransfer-encoding:" in lower else 0
    end = lower.find(b"\r\n", start + 2)
    return int(lower[start + 17 : end if end >= 0 else None])


async def serve(delay: float, certificate: str | None) -> None:
    """Listen until standard input ends, and answer after about *delay* seconds."""
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    arrivals = Arrivals()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(arrivals, delay), "127.0.0.1", 0, backlog=1024, ssl=tls
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
