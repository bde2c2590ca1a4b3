"""The outer door: which Host names are answered, whose pages may ask, and how much they may send.

Without credentials the server listens on loopback, where every page open in a browser on the same
machine could reach it. So a request must name this server as its Host (or DNS rebinding would let
any page read answers), and a browser's request must come from a page of this server (or an image
tag could notify everyone). Programs send none of these headers and are not affected.

The same server must not be reached from elsewhere by accident: because somebody else bound it to
another interface than its settings say, or because a tunnel or proxy stands in front of it.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recado.config import Settings, is_loopback
from recado.web.problems import HttpProblem, ProblemResponse

#: Largest body that is read. Teams' own limit for an activity is a tenth of it.
BODY_LIMIT = 1 << 20

#: Direct Line answers pages of other origins; its router checks which (web/directline.py).
_OWN_ORIGIN_RULE = "/v3/directline"

#: The local channel's routes read streams, and refuse in their protocol's own form.
_OWN_BODY_RULE = "/v3"

#: Asked by orchestrators, which put an address they chose into Host.
_PROBES = frozenset({"/healthz", "/readyz"})

#: What tunnels and proxies add, in the case headers are looked up in.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host")

_EXPOSE = (
    "set RECADO_PUBLIC_URL to the address it is reached at, with RECADO_API_KEYS and the bot's "
    "credentials."
)

_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """What the guard needs to know.

    Attributes:
        public: ``host[:port]`` the server is known by outside, if it is.
        any_host: every Host is answered, because other machines reach the server by names Recado
            cannot know, and keys and JWT validation protect it.
        local: only this machine is answered, because nothing says that others may reach the
            server, and so nothing makes sure that it is protected from them.
        body_limit: largest body, in bytes.
    """

    public: str | None = None
    any_host: bool = False
    local: bool = False
    body_limit: int = BODY_LIMIT

    @classmethod
    def of(cls, settings: Settings) -> GuardRules:
        """The rules that follow from the settings."""
        public = urlsplit(settings.public_url).netloc.lower() if settings.public_url else None
        return cls(
            public=public,
            any_host=public is None and not is_loopback(settings.host),
            local=not settings.exposed,
        )


class Guard:
    """ASGI middleware; refuses HTTP requests and WebSockets alike, before any route is chosen."""

    def __init__(self, app: ASGIApp, rules: GuardRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            headers = Headers(scope=scope)
            if self._rules.local:
                self._check_peer(scope, headers)
            host = self._check_host(scope["path"], headers)
            if not _under(scope["path"], _OWN_ORIGIN_RULE):
                self._check_origin(host, headers)
            if scope["type"] == "http" and not _under(scope["path"], _OWN_BODY_RULE):
                receive = await self._limited(headers, receive)
        except HttpProblem as problem:
            await _refuse(problem, scope, receive, send)
            return
        await self._app(scope, receive, _secured(send))

    def _check_peer(self, scope: Scope, headers: Headers) -> None:
        # A public address on this machine is that of a proxy on this machine. The web server puts
        # the address such a proxy names into the scope, so what it forwards from others is refused.
        through = next((name for name in _FORWARDED if name in headers), None)
        if through is not None and self._rules.public is None:
            raise HttpProblem(
                403,
                "not_exposed",
                f"The request came through a tunnel or proxy ({through}), but this server is set "
                f"up for this machine only: {_EXPOSE}",
            )
        peer = scope.get("client")  # a Unix socket has none
        if peer is not None and not _this_machine(peer[0]):
            raise HttpProblem(
                403,
                "not_exposed",
                "The request came from another machine, but this server is set up for this "
                f"machine only: {_EXPOSE}",
            )

    def _check_host(self, path: str, headers: Headers) -> str:
        named = headers.getlist("host")
        if len(named) != 1 or not named[0]:
            raise HttpProblem(400, "bad_host", "A request names its Host exactly once.")
        host = named[0].lower()
        if self._rules.any_host or path in _PROBES or _loopback(host):
            return host
        if self._rules.public is not None and _name(host) == _name(self._rules.public):
            return host
        raise HttpProblem(
            421,
            "unknown_host",
            f"This server is not known as {host!r}: use localhost, or set RECADO_PUBLIC_URL to "
            "the address it is reached at.",
        )

    def _check_origin(self, host: str, headers: Headers) -> None:
        ours = {_plain(host), _plain(self._rules.public or host)}
        origin = headers.get("origin")
        if origin is not None and _netloc(origin) not in ours:
            raise _cross_site(f"a page of {origin}")
        site = headers.get("sec-fetch-site")
        if site is not None and site.lower() not in ("none", "same-origin"):
            raise _cross_site(f"another page ({site})")
        # Browsers that send neither still tell the page in most cases.
        referer = headers.get("referer")
        if origin is None and site is None and referer and _netloc(referer) not in ours:
            raise _cross_site("a page of another site")

    async def _limited(self, headers: Headers, receive: Receive) -> Receive:
        """Receive, after making sure that no more than the limit can come."""
        limit = self._rules.body_limit
        declared = headers.get("content-length")
        if declared is not None and "transfer-encoding" not in headers:
            if not (declared.isascii() and declared.isdigit()):
                raise HttpProblem(400, "bad_content_length", "Content-Length is not a number.")
            if len(declared) > 18 or int(declared) > limit:
                raise _too_large(limit)
            return receive  # the server holds the client to what it declared
        if "transfer-encoding" not in headers:
            return receive
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limit:
                raise _too_large(limit)
        whole: Message | None = {"type": "http.request", "body": bytes(body), "more_body": False}

        async def replay() -> Message:
            nonlocal whole
            if whole is None:
                return await receive()
            message, whole = whole, None
            return message

        return replay


async def _refuse(problem: HttpProblem, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await ProblemResponse(problem, scope["path"])(scope, receive, _secured(send))
    else:
        # Before the handshake is accepted this is a 403; no browser shows a page more than that.
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": problem.code})


def _secured(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", ())}
            message["headers"] = [
                *message.get("headers", ()),
                *(header for header in _SECURITY_HEADERS if header[0] not in present),
            ]
        await send(message)

    return sending


def _cross_site(who: str) -> HttpProblem:
    return HttpProblem(
        403,
        "cross_site",
        f"This request was made by {who}, which may not use this server. Open the address by "
        "typing it, or call it from a program; behind a proxy, set RECADO_PUBLIC_URL.",
    )


def _too_large(limit: int) -> HttpProblem:
    return HttpProblem(
        413,
        "request_too_large",
        f"The body is over {limit:,} bytes: send less.",
        headers={"connection": "close"},
    )


def _under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def _netloc(url: str) -> str | None:
    """Host and port of an origin or URL, comparable to a Host header."""
    try:
        parts = urlsplit(url)
        return _plain(parts.netloc) if parts.scheme in ("http", "https") else None
    except ValueError:
        return None


def _plain(netloc: str) -> str:
    """A Host without the port that goes without saying."""
    return netloc.lower().removesuffix(":80").removesuffix(":443")


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _this_machine(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)  # IPv4 on a socket for both
    return (mapped or found).is_loopback


def _loopback(host: str) -> bool:
    """Whether a Host header names this machine. An address cannot be rebound as a name can."""
    return "@" not in host and is_loopback(_name(host))
