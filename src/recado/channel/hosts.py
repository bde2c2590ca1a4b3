"""Where a token may be sent: the outbound host allow-list.

A service URL arrives in an activity. Whoever could make Recado send to a URL of their choice
would be handed the bot's token, so only the channel service's own hosts pass. The hosts are
those of the Agents SDKs' ``OutboundHostValidator`` that serve the Connector API, and the Bot
Service's own domain in Microsoft's sovereign clouds.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from pyreqwest.http import Url

from recado.errors import ConfigurationError, ForbiddenServiceUrl

#: Domains whose subdomains all belong to the channel service.
_SUFFIXES = (
    "botframework.com",
    "botframework.azure.us",
    "botframework.azure.cn",
    "teams.microsoft.com",
    "teams.microsoft.us",
)
#: Exactly this host: anyone can register a name under trafficmanager.net.
_PUBLIC_TEAMS = "smba.trafficmanager.net"
_GCC_TEAMS = "smba.infra.gcc.teams.microsoft.com"

_DEFAULT = frozenset(f".{suffix}" for suffix in _SUFFIXES) | frozenset(_SUFFIXES)

_REMEMBERED = 4_096  # URLs; service URLs are few, one per region and tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRules:
    """Which service URLs may be used.

    Attributes:
        extra_hosts: further hosts, on any port: those of the configuration, and the host
            reserved for the local channel. ``.example.com`` is every host below it.
        allow_loopback: whether this machine itself may be addressed, also by plain http and on
            any port. For demo mode and local testing only.

    Raises:
        ConfigurationError: an extra host is not a host name.
    """

    extra_hosts: frozenset[str] = frozenset()
    allow_loopback: bool = False
    _passed: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "extra_hosts", frozenset(map(_normal, self.extra_hosts)))

    def check(self, service_url: str) -> None:
        """Refuse a service URL that a token must not be sent to.

        A URL that passed is remembered, so checking it again costs one look-up.

        Raises:
            ForbiddenServiceUrl: with what is wrong and what would make it right.
        """
        if service_url in self._passed:
            return
        problem = self._problem(service_url)
        if problem:
            raise ForbiddenServiceUrl(f"The service URL {service_url[:200]!r} {problem}.")
        if len(self._passed) >= _REMEMBERED:
            self._passed.clear()
        self._passed.add(service_url)

    def _problem(self, service_url: str) -> str | None:  # noqa: PLR0911 - one return a rule
        # A path is appended to it as text, and what URL parsers drop or turn around (white space,
        # control characters, backslashes) must not make another host of it.
        if any(character <= " " or character in "\\?#" for character in service_url):
            return "contains a space, a backslash, a query or a fragment: give only its base"
        try:
            url = Url(service_url)  # the parser that will be used to send
        except ValueError:
            return "is not a URL: it has the form https://<host>/<path>"
        host = url.host_str or ""
        if url.scheme not in ("https", "http") or not host:
            return "is not a web address: it has the form https://<host>/<path>"
        if url.username or url.password is not None:
            return "contains a user name or password: remove it"
        if _is_loopback(host):
            if self.allow_loopback:
                return None
            return "points to this machine, which is allowed only in demo mode"
        if url.scheme != "https":
            return "is not encrypted: a token is sent by https only"
        if _is_among(host, self.extra_hosts):
            return None
        if host != _PUBLIC_TEAMS and not _is_among(host, _DEFAULT):
            return (
                "belongs to no known channel service, and a token sent there could be stolen: "
                f"if you trust {host}, add it to RECADO_EXTRA_HOSTS"
            )
        return None if url.port is None else "names a port, which no channel service uses"


def other_cloud(service_url: str) -> str | None:
    """The service URL to switch to when Teams answers ``InvalidBotApiHost``.

    The bot is in a Government Community Cloud tenant and must use that cloud's host ("Send
    proactive messages", global service URLs; "Status codes from bot conversational APIs").

    Returns:
        The other URL, or None when there is none: the URL is that cloud's already, or no
        public Teams URL.
    """
    try:
        host = Url(service_url).host_str
    except ValueError:
        return None
    return f"https://{_GCC_TEAMS}/teams" if host == _PUBLIC_TEAMS else None


def _is_among(host: str, allowed: frozenset[str]) -> bool:
    """Whether *host* is one of *allowed*, or below one of those that begin with a dot."""
    if host in allowed:
        return True
    _, dot, rest = host.partition(".")
    while dot:
        if f".{rest}" in allowed:
            return True
        _, dot, rest = rest.partition(".")
    return False


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 §6.3
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    # Only newer Pythons see for themselves that ::ffff:127.0.0.1 is this machine.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _normal(host: str) -> str:
    """A configured host as URLs have it: lower case, in ASCII, with its leading dot if any."""
    dot = "." if host.startswith(".") else ""
    name = host.removeprefix(".")
    try:
        url = Url(f"https://{name}")
    except ValueError:
        url = None
    if url is None or url.domain is None or url.path != "/" or "@" in name or url.port:
        raise ConfigurationError(
            f"{host!r} is not a host name: write for example bots.example.com, or "
            ".example.com for every host below it."
        )
    return dot + url.domain
