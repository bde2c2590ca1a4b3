"""Which web pages a browser may let talk to a server on this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def from_loopback(origin: str) -> bool:
    """Whether a page of *origin* was served by this machine.

    ``null`` (a sandboxed frame, a file) is not: any page on the web can make such a frame.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.hostname in _LOOPBACK
