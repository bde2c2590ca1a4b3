"""The channel over the Connector REST API: one pooled HTTP client, one answer per request.

pyreqwest (Rust's reqwest under asyncio) was chosen over aiohttp by measuring. Messages of 350
bytes with a token of 1,200 per CPU-second of the sender, 64 at a time, to a loopback server in
another process (Python 3.11 on 2 shared cores; the ratios are what matters):

===================================  ======  ======  =============  ==============
sender                                 http   https  http, asyncio  https, asyncio
===================================  ======  ======  =============  ==============
aiohttp 3.14 ``ClientSession.post``  13,600  12,200         10,600          10,200
pyreqwest 0.15 ``Client.post``       24,900  28,400         12,400          14,100
``ConnectorChannel.send``            21,700  22,600         11,200          12,000
===================================  ======  ======  =============  ==============

The last two columns are without uvloop. pyreqwest's multithreaded runtime costs a quarter more,
prepared URLs and default headers save nothing, and reading an answer only after its head has
arrived, instead of buffered, costs a sixth.
"""

from __future__ import annotations

import asyncio
import atexit
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Final
from urllib.parse import quote

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, PyreqwestError, RequestError
from pyreqwest.proxy import ProxyBuilder
from pyreqwest.response import Response

from recado.channel.answers import read_answer, shorten
from recado.channel.hosts import HostRules
from recado.channel.port import Post
from recado.channel.tokens import TokenError, Tokens
from recado.clock import Clock
from recado.domain.policy import Answer, Failure
from recado.errors import ConfigurationError, ForbiddenServiceUrl

#: URL parsers resolve these as path segments even when they are percent-encoded (WHATWG URL,
#: "double-dot URL path segment"), so the request would go somewhere else.
_NO_SEGMENT: Final = frozenset({"", ".", ".."})

#: ``quote(safe="")`` for ASCII, at half its price.
_ENCODED: Final = {code: quote(chr(code), safe="") for code in range(128)}

#: How hyper says that nothing was written: no connection, or one that was found closed.
_NOT_WRITTEN: Final = frozenset({"client error (Connect)", "client error (Canceled)"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSettings:
    """How requests are made."""

    #: Requests under way at once, hence connections.
    connections: int = 64
    #: Seconds to wait for one of them to be free.
    pool_timeout: float = 10.0
    #: Seconds for name look-up, TCP and TLS.
    connect_timeout: float = 5.0
    #: Seconds from the request to the last byte of the answer.
    total_timeout: float = 30.0
    #: Seconds a connection is kept without use; less than what load balancers allow.
    idle_timeout: float = 60.0
    #: Bytes of an answer that are read.
    answer_limit: int = 65_536
    #: A certificate authority trusted besides the system's, as PEM.
    ca_pem: bytes | None = field(default=None, repr=False)
    #: Whether HTTPS_PROXY and NO_PROXY are honoured.
    proxy_from_environment: bool = True
    user_agent: str = "recado"


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
        self._limit = settings.answer_limit
        self._rules = rules
        self._tokens = tokens
        self._clock = clock
        # pyreqwest's own limit would let a request that was cancelled while it waited go out.
        self._free = asyncio.Semaphore(settings.connections)
        self._patience = settings.pool_timeout
        self._client = _client(settings)
        _end_gently()

    async def send(self, post: Post) -> Answer:
        """Make one request; once more with a new token when the first was answered 401."""
        try:
            self._rules.check(post.service_url)
            url = _url(post)
            token = await self._tokens.token(post.bot)
        except ForbiddenServiceUrl as error:
            return Answer(failure=Failure.FORBIDDEN, message=str(error))
        except TokenError as error:
            return Answer(failure=Failure.NO_TOKEN, message=str(error))
        answer = await self._exchange(post, url, token)
        if answer.status == 401 and token is not None:
            try:
                fresh = await self._tokens.token(post.bot, refresh=True)
            except TokenError:
                return answer
            if fresh is not None and fresh != token:
                return await self._exchange(post, url, fresh)
        return answer

    async def _exchange(self, post: Post, url: str, token: str | None) -> Answer:
        if self._free.locked():
            try:
                async with asyncio.timeout(self._patience):
                    await self._free.acquire()
            except TimeoutError:
                told = f"No connection was free within {self._patience:g} seconds."
                return Answer(failure=Failure.NOT_SENT, message=told)
        else:
            await self._free.acquire()
        try:
            request = self._client.request(post.method, url)
            if token is not None:
                request.header("Authorization", f"Bearer {token}", is_sensitive=True)
            if post.body is not None:
                request.header("Content-Type", "application/json").body_bytes(post.body)
            # Buffered up to the limit, an answer costs no more than one that is read whole,
            # and one without end costs no more memory than the limit.
            request.streamed_read_buffer_limit(self._limit)
            async with request.build_streamed() as response:
                body = await response.body_reader.read(self._limit)
                return read_answer(
                    response.status,
                    _Headers(response),
                    b"" if body is None else body.to_bytes(),
                    self._clock.now(),
                )
        except (PyreqwestError, ValueError) as error:
            return _failed(error)
        finally:
            self._free.release()

    async def close(self) -> None:
        """Close connections. Requests under way end as ambiguous."""
        await self._client.close()


class _Headers:
    """An answer's headers; one that is not text is as good as none."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def get(self, name: str, /) -> str | None:
        try:
            return self._response.get_header(name)
        except ValueError:
            return None


def _url(post: Post) -> str:
    """Where *post* goes. Every character of an id is encoded: ids contain ``: ; @ | = / % ?``.

    Raises:
        ForbiddenServiceUrl: an id cannot be written in a URL.
    """
    ids = (post.conversation_id, post.activity_id)
    if not _NO_SEGMENT.isdisjoint(ids):
        raise ForbiddenServiceUrl(f"No request can name the ids {ids!r}: correct the reference.")
    try:
        conversation = _encoded(post.conversation_id)
        activity = "" if post.activity_id is None else "/" + _encoded(post.activity_id)
    except UnicodeEncodeError as error:
        raise ForbiddenServiceUrl(
            f"The ids {ids!r} are not text: correct the reference."
        ) from error
    return f"{post.service_url.rstrip('/')}/v3/conversations/{conversation}/activities{activity}"


def _encoded(name: str) -> str:
    return name.translate(_ENCODED) if name.isascii() else quote(name, safe="")


def _failed(error: PyreqwestError | ValueError) -> Answer:
    """What a failed request means for the delivery.

    The exception's class does not tell: pyreqwest calls a connection that was reset after the
    request was written ``ConnectError`` too, and every time-out before the answer
    ``ConnectTimeoutError``. Only the causes, hyper's own words, say how far it came; what they
    do not call unwritten is ambiguous.
    """
    details = error.details["causes"] if isinstance(error, RequestError) else None
    causes = [cause["message"] for cause in details or ()]
    unsent = (
        not isinstance(error, RequestError)  # about building it
        or not _NOT_WRITTEN.isdisjoint(causes)
    )
    told = ": ".join(cause for cause in causes if " for url (" not in cause)
    return Answer(
        failure=Failure.NOT_SENT if unsent else Failure.AMBIGUOUS,
        message=shorten(told or str(error.args[0])),
    )


@cache
def _end_gently() -> None:
    """Keep the process from being aborted when it ends right after a send.

    pyreqwest's thread holds on to the interpreter for a moment after it has handed over an
    answer (0.15.1); of processes that ended within it, one in twenty died of "PyGILState_Release:
    thread state must be current".
    """
    atexit.register(time.sleep, 0.05)


def _client(settings: ConnectorSettings) -> Client:
    builder = (
        ClientBuilder()
        .http1_only()
        .follow_redirects(enable=False)  # a token must not follow one
        .pool_max_idle_per_host(settings.connections)
        .pool_idle_timeout(timedelta(seconds=settings.idle_timeout))
        .connect_timeout(timedelta(seconds=settings.connect_timeout))
        .timeout(timedelta(seconds=settings.total_timeout))
        .user_agent(settings.user_agent)
        # Answers are small, and a broken compression would hide that the message was taken.
        .gzip(enable=False)
        .brotli(enable=False)
        .zstd(enable=False)
        .deflate(enable=False)
        .default_headers({"Accept-Encoding": "identity"})
        .no_proxy()
    )
    if settings.ca_pem is not None:
        builder = builder.add_root_certificate_pem(settings.ca_pem)
    proxies = urllib.request.getproxies() if settings.proxy_from_environment else {}
    if proxy := proxies.get("https") or proxies.get("all"):
        # Plain http is spoken to this machine only, which no proxy reaches.
        except_for = ",".join(filter(None, (proxies.get("no"), "localhost,127.0.0.0/8,::1")))
        try:
            builder = builder.proxy(ProxyBuilder.https(proxy).no_proxy(except_for))
        except ValueError as error:  # its value is not shown: it may contain a password
            raise ConfigurationError(
                f"HTTPS_PROXY is not the URL of a proxy ({error}): correct or unset it."
            ) from None
    try:
        return builder.build()
    except BuilderError as error:
        raise ConfigurationError(
            "The additional certificate authority cannot be used: give certificates as PEM."
        ) from error
