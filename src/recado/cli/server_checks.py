"""The checks of ``recado doctor`` that a database server asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from recado.cli.checks import Check, Status
from recado.domain.explanation import span
from recado.store.port import ServerFacts

#: From here on a difference between the clocks is worth a word.
_APART: Final = timedelta(seconds=2)


def check_server(facts: ServerFacts, connections: int) -> Iterator[Check]:
    """What a server says of itself, and what lies between it and this process.

    Args:
        facts: what it said.
        connections: how many a process takes at most, beside the one that listens.
    """
    yield _server(facts, connections)
    if facts.hasty:
        yield Check(
            "commits",
            Status.NOTE,
            "synchronous_commit is off here; Recado switches it on for what it writes, so that "
            "nothing accepted is lost.",
        )
    else:
        yield Check("commits", Status.OK, "They are on the server's disk when they return.")
    yield _wakeups(facts)
    if facts.private:
        yield Check("privacy", Status.OK, "Nobody can listen on the way to the server.")
    else:
        yield Check(
            "privacy",
            Status.NOTE,
            "The connection to the server is not encrypted: add ?sslmode=verify-full to "
            "RECADO_DATABASE_URL, or require if it has a certificate of its own making.",
        )


def check_clocks(server: datetime, here: datetime) -> Check:
    """Whether this machine's clock agrees with the server's, by which all processes work."""
    apart = abs(server - here)
    if apart < _APART:
        return Check("skew", Status.OK, "This machine's clock agrees with the server's.")
    how = "behind" if server > here else "ahead of"
    return Check(
        "skew",
        Status.NOTE,
        f"This machine's clock is {span(apart)} {how} the server's. Recado goes by the server's; "
        "logs go by this one's, so set it.",
    )


def _server(facts: ServerFacts, connections: int) -> Check:
    left = f"PostgreSQL {facts.version}, {facts.connections_left:,} connections left"
    if facts.connections_left > connections:
        return Check("server", Status.OK, f"{left}.")
    return Check(
        "server",
        Status.NOTE,
        f"{left}, and a process takes up to {connections + 1}: raise its max_connections, or lower "
        "RECADO_DATABASE_CONNECTIONS.",
    )


def _wakeups(facts: ServerFacts) -> Check:
    if facts.pooler:
        return Check(
            "wakeups",
            Status.OK,
            "The URL leads to a pooler, so processes look for each other's work once a second.",
        )
    if facts.heard:
        return Check("wakeups", Status.OK, "Processes hear of each other's work at once.")
    return Check(
        "wakeups",
        Status.FAILED,
        "What one connection rings another does not hear, so a pooler stands in between: add "
        "?pooler=true to RECADO_DATABASE_URL.",
    )
