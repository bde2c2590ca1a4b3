"""The HTTP client of the Connector channel: how it is made, and what its failures mean."""

from __future__ import annotations

import atexit
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Final

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, PyreqwestError, RequestError
from pyreqwest.proxy import ProxyBuilder

from recado.channel.answers import shorten
from recado.domain.policy import Answer, Failure
from recado.errors import ConfigurationError

#: How hyper says that nothing was written: no connection, or one that was found closed.
_NOT_WRITTEN: Final = frozenset({"client error (Connect)", "client error (Canceled)"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSettings:
    """How requests are made."""

    #: Requests to one host under way at once, hence connections, while no other host is asked.
    #: Hosts that compete have at most half of it each, and half as many again together.
    connections: int = 64
    #: As many again, on the same terms, for urgent requests alone.
    reserve: int = 16
    #: Seconds to wait for one of them to be free.
    pool_timeout: float = 10.0
    #: Seconds for name look-up, TCP and TLS.
    connect_timeout: float = 5.0
    #: Seconds from the request to the last byte of the answer.
    total_timeout: float = 30.0
    #: Seconds a connection is kept without use; less than what load balancers allow.
    idle_timeout: float = 60.0
    #: Bytes that are read of what is answered to an activity.
    answer_limit: int = 65_536
    #: Bytes that are read of what is answered to other calls: a page of 500 members has some
    #: 200,000.
    call_limit: int = 4_194_304
    #: A certificate authority trusted besides the system's, as PEM.
    ca_pem: bytes | None = field(default=None, repr=False)
    #: Whether HTTPS_PROXY and NO_PROXY are honoured.
    proxy_from_environment: bool = True
    user_agent: str = "recado"


def make_client(settings: ConnectorSettings) -> Client:
    """The client for these settings.

    Raises:
        ConfigurationError: the certificate authority or the environment's proxy cannot be used.
    """
    _end_gently()
    builder = (
        ClientBuilder()
        .http1_only()
        .follow_redirects(enable=False)  # a token must not follow one
        .pool_max_idle_per_host(settings.connections + settings.reserve)
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


def failed(error: PyreqwestError | ValueError) -> Answer:
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
