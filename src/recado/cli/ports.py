"""Ports: listening on one, or saying in a sentence why that cannot be."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from recado.errors import ConfigurationError


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound to an interface and port.

    Raises:
        ConfigurationError: it cannot be bound, and what to do.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise ConfigurationError(
            f"The host {host!r} is not known: use 127.0.0.1, or an address of this machine."
        ) from None
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            # A port whose last connections are still winding down is free; not so on Windows,
            # where this option would share a port that is in use.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # Another listener on the same port is noticed only now on some systems.
        bound.listen()
    except OSError as error:
        bound.close()
        raise ConfigurationError(_not_bound(host, port, error)) from None
    with bound:
        yield bound


def _not_bound(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} is in use by another program (or another `recado`): stop that one, "
                "or choose another port with --port."
            )
        case errno.EACCES:
            return f"Port {port} is not allowed for this user: choose one above 1023 with --port."
        case errno.EADDRNOTAVAIL:
            return (
                f"The host {host!r} is no address of this machine: use 127.0.0.1 to listen on "
                "this machine only."
            )
        case _:
            return (
                f"Port {port} on {host!r} cannot be listened on ({error.strerror}): choose others "
                "with --host and --port."
            )


def url_of(bound: socket.socket) -> str:
    """The address a browser on this machine reaches the server at."""
    host, port = bound.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - it is compared, not bound
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
