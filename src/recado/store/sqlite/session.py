"""A transaction in SQLite. It answers at once, so verbs in it never wait."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from recado.domain.scope import Scope
from recado.store.queries import load_dialect
from recado.store.session import Parameters, Statement

_TEXTS: Final = load_dialect("sqlite")


class SqliteSession:
    """Implements :class:`recado.store.session.Session` on a connection in a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    async def all(self, statement: Statement, parameters: Parameters = ()) -> Sequence[sqlite3.Row]:
        return self.connection.execute(_TEXTS[statement], parameters).fetchall()

    async def first(self, statement: Statement, parameters: Parameters = ()) -> sqlite3.Row | None:
        found: sqlite3.Row | None
        found = self.connection.execute(_TEXTS[statement], parameters).fetchone()
        return found

    async def one(self, statement: Statement, parameters: Parameters = ()) -> sqlite3.Row:
        found: sqlite3.Row = self.connection.execute(_TEXTS[statement], parameters).fetchone()
        return found

    async def value(self, statement: Statement, parameters: Parameters = ()) -> Any:
        found = self.connection.execute(_TEXTS[statement], parameters).fetchone()
        return None if found is None else found[0]

    async def stream(
        self, statement: Statement, parameters: Parameters = (), *, size: int
    ) -> AsyncIterator[Sequence[sqlite3.Row]]:
        cursor = self.connection.execute(_TEXTS[statement], parameters)
        while found := cursor.fetchmany(size):
            yield found

    async def run(self, statement: Statement, parameters: Parameters = ()) -> int:
        cursor = self.connection.execute(_TEXTS[statement], parameters)
        written = cursor.rowcount
        cursor.close()
        return written

    async def run_many(self, statement: Statement, many: Iterable[Parameters]) -> None:
        self.connection.executemany(_TEXTS[statement], many)

    async def hold_free(self, numbers: Iterable[int]) -> set[int]:
        """All of them: see :meth:`hold`."""
        return set(numbers)

    async def hold(self, numbers: Iterable[int]) -> bool:  # noqa: ARG002 - see below
        """Nothing is to be done: SQLite has one writer at a time, and this is it."""
        return False

    async def leave(self, lanes: Mapping[int, str]) -> Collection[int]:  # noqa: ARG002 - see below
        """There is nobody to leave them to: one process at a time delivers from a file."""
        return ()

    async def fetch(
        self,
        handlers: Collection[str],  # noqa: ARG002 - as above
        most: int,  # noqa: ARG002 - as above
    ) -> Collection[int]:
        """Nobody has left any."""
        return ()

    async def take(
        self,
        owner: str,  # noqa: ARG002 - as above
        scopes: Collection[Scope],
        now: int,  # noqa: ARG002 - as above
    ) -> Collection[Scope]:
        """All of them: whoever delivers keeps every scope."""
        return scopes
