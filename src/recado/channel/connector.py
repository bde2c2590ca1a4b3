"""The channel over the Connector REST API: one pooled HTTP client, one answer per request.

pyreqwest (Rust's reqwest under asyncio) was chosen by measuring. Messages of 350 bytes with a token
of 1,200 per CPU-second of the sender, 64 at a time, to a loopback server in another process
(Python 3.11 on 2 shared cores, medians of three processes each; the ratios are what matters):

===============================  ======  ======  =============  ==============
sender                             http   https  http, asyncio  https, asyncio
===============================  ======  ======  =============  ==============
ry 0.0.105                       36,000  31,000
wreq 0.13                        33,000  26,000
pyreqwest 0.15                   31,700  28,500         14,000          18,500
``ConnectorChannel.send``        25,000  24,000         10,800          12,800
impit 0.15                       13,400  10,900
aiohttp 3.14                     12,000  11,000          9,700           9,100
pyqwest 0.12                     10,200   9,200
curl_cffi 0.16                    5,000   4,400
niquests 3.21                     1,600   1,400
httpx 0.28                          340     480
===============================  ======  ======  =============  ==============

The last two columns are without uvloop. ry and wreq (for which, as for impit, the server's
certificate was not checked) cost about the same and give less: ry calls itself work in progress
and has no release that promises to keep its interface; wreq is made to resemble browsers.

What is above the bare client, 5 µs of 36, is the frozen values, the path, the place and the
answer; it was 13. Every microsecond of Python counts for more than itself while a core is free:
the client's thread then waits for the interpreter instead of running when it is idle. On one core
alone (``taskset``) the same work is cheaper. pyreqwest's multithreaded runtime, copied requests,
prepared URLs and headers, and leaving out the end of ``async with`` save nothing worth having;
reading an answer only after its head has arrived, instead of buffered, costs a sixth.
"""

from __future__ import annotations

from typing import Final

from pyreqwest.exceptions import PyreqwestError
from pyreqwest.response import Response, ResponseBodyReader

from recado.channel.answers import read_answer, read_json, read_success
from recado.channel.client import ConnectorSettings, failed, make_client
from recado.channel.hosts import HostRules
from recado.channel.paths import activities_path, path_of
from recado.channel.port import Call, Post, Reply
from recado.channel.slots import Slots
from recado.channel.tokens import TokenError, Tokens
from recado.clock import Clock
from recado.domain.policy import Answer, Failure
from recado.errors import ForbiddenServiceUrl

__all__ = ["ConnectorChannel", "ConnectorSettings"]

_REMEMBERED: Final = 4_096  # service URLs; there are few, one per region and tenant
_SHORT: Final = 128  # bytes; an answer with the id of an activity has some 40


class ConnectorChannel:
    """Sends activities to the Connector REST API of the channel service.

    Cancelling a send, or closing the channel, does not take back a request that was begun:
    pyreqwest (0.15) writes it all the same and only nobody reads the answer. What still waited
    for a free connection is not written.

    Args:
        settings: how requests are made.
        rules: which hosts may be given a token.
        tokens: the bots' tokens.
        clock: the time ``Retry-After`` dates are relative to.

    Raises:
        ConfigurationError: the certificate authority or the environment's proxy cannot be used.
    """

    def __init__(
        self, settings: ConnectorSettings, rules: HostRules, tokens: Tokens, clock: Clock
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._tokens = tokens
        self._clock = clock
        # pyreqwest's own limit would let a request that was cancelled while it waited go out.
        self._slots = Slots(settings.connections)
        self._reserve = Slots(settings.reserve)
        #: Service URLs that passed the rules: what paths are appended to, and the host.
        self._places: dict[str, tuple[str, str]] = {}
        self._client = make_client(settings)

    async def send(self, post: Post) -> Answer:
        """Make one request; once more with a new token when the first was answered 401."""
        try:
            root, host = self._places.get(post.service_url) or self._place(post.service_url)
            url = root + activities_path(post.conversation_id, post.activity_id)
            status, body, response = await self._ask(post, url, host, self._settings.answer_limit)
        except (ForbiddenServiceUrl, TokenError, _Unanswered) as error:
            return _unanswered(error)
        if 200 <= status < 300:
            return read_success(status, body)
        return read_answer(status, _Headers(response), body, self._clock.now())

    async def call(self, call: Call) -> Reply:
        """As :meth:`send`, and the JSON of a success besides."""
        limit = self._settings.call_limit
        try:
            root, host = self._places.get(call.service_url) or self._place(call.service_url)
            url = root + path_of(call.path, call.query)
            status, body, response = await self._ask(call, url, host, limit)
        except (ForbiddenServiceUrl, TokenError, _Unanswered) as error:
            return Reply(answer=_unanswered(error))
        if not 200 <= status < 300:
            return Reply(answer=read_answer(status, _Headers(response), body, self._clock.now()))
        if len(body) >= limit:
            told = f"The answer has {limit:,} bytes or more, which is not read."
            return Reply(answer=Answer(status=status, message=told))
        # An id in it is not an activity's.
        return Reply(answer=Answer(status=status), body=read_json(body))

    async def close(self) -> None:
        """Close connections. Requests under way end as ambiguous."""
        await self._client.close()

    def _place(self, service_url: str) -> tuple[str, str]:
        """Check a service URL, and remember what requests need of it."""
        self._rules.check(service_url)
        if len(self._places) >= _REMEMBERED:
            self._places.clear()
        host = service_url.partition("://")[2].partition("/")[0].lower()
        place = self._places[service_url] = (service_url.rstrip("/") + "/", host)
        return place

    async def _ask(
        self, asked: Post | Call, url: str, host: str, limit: int
    ) -> tuple[int, bytes, Response]:
        """Status, body and head of the answer, the second one if the first refused the token."""
        token = await self._tokens.token(asked.bot)
        answered = await self._exchange(asked, url, host, limit, token)
        if answered[0] == 401 and token is not None:
            try:
                fresh = await self._tokens.token(asked.bot, refresh=True)
            except TokenError:
                return answered
            if fresh is not None and fresh != token:
                return await self._exchange(asked, url, host, limit, fresh)
        return answered

    async def _exchange(
        self, asked: Post | Call, url: str, host: str, limit: int, token: str | None
    ) -> tuple[int, bytes, Response]:
        slots = self._slots
        if not slots.take(host):
            slots = await self._wait(host, urgent=asked.urgent)
        try:
            request = self._client.request(asked.method, url)
            if token is not None:
                request.header("Authorization", f"Bearer {token}", is_sensitive=True)
            if asked.body is not None:
                request.header("Content-Type", "application/json").body_bytes(asked.body)
            # A short answer is there with its head, and costs no more than one that is read whole.
            request.streamed_read_buffer_limit(_SHORT)
            async with request.build_streamed() as response:
                return response.status, await _read(response.body_reader, limit), response
        except (PyreqwestError, ValueError) as error:
            raise _Unanswered(failed(error)) from error
        finally:
            slots.give(host)

    async def _wait(self, host: str, *, urgent: bool) -> Slots:
        """Wait for a connection; what is urgent has a few that nothing else gets."""
        slots = self._slots
        if urgent:
            slots = self._reserve
            if slots.take(host):
                return slots
        patience = self._settings.pool_timeout
        if await slots.wait(host, patience):
            return slots
        told = f"No connection was free within {patience:g} seconds."
        raise _Unanswered(Answer(failure=Failure.NOT_SENT, message=told))


async def _read(reader: ResponseBodyReader, limit: int) -> bytes:
    """What is answered, up to a limit.

    What comes in drops is copied drop by drop: the client keeps some 8 KiB for each of them, so
    that an answer of 64 KiB could take half a gigabyte.
    """
    drop = await reader.read(_SHORT)
    if drop is None or len(drop) < _SHORT:
        return b"" if drop is None else drop.to_bytes()
    body = bytearray(drop)
    while len(body) < limit and (drop := await reader.read_chunk()) is not None:
        body += drop
    return bytes(body[:limit])


class _Unanswered(Exception):  # noqa: N818 - it says what happened, and leaves this module never
    """A request had no answer."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(answer)


class _Headers:
    """An answer's headers; one that is not text is as good as none."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def get(self, name: str, /) -> str | None:
        try:
            return self._response.get_header(name)
        except ValueError:
            return None


def _unanswered(error: ForbiddenServiceUrl | TokenError | _Unanswered) -> Answer:
    if isinstance(error, _Unanswered):
        return error.answer
    forbidden = isinstance(error, ForbiddenServiceUrl)
    return Answer(failure=Failure.FORBIDDEN if forbidden else Failure.NO_TOKEN, message=str(error))
