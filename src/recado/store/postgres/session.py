"""A transaction in PostgreSQL, on a connection of asyncpg."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recado.store.postgres.common import CommonSession
from recado.store.postgres.dialect import STATEMENTS, Numbered
from recado.store.session import Parameters, Row, Statement

if TYPE_CHECKING:
    from asyncpg import Connection
    from asyncpg.pool import PoolConnectionProxy

    AnyConnection = Connection | PoolConnectionProxy


class PostgresSession(CommonSession):
    """Implements :class:`recado.store.session.Session` on a connection in a transaction."""

    statements: Mapping[str, Numbered] = STATEMENTS

    def __init__(self, connection: AnyConnection) -> None:
        super().__init__()
        self.connection = connection

    async def all(self, statement: Statement, parameters: Parameters = ()) -> Sequence[Row]:
        text, arguments = self._of(statement, parameters)
        found: Sequence[Row] = await self.connection.fetch(text, *arguments)
        return found

    async def stream(
        self, statement: Statement, parameters: Parameters = (), *, size: int
    ) -> AsyncIterator[Sequence[Row]]:
        text, arguments = self._of(statement, parameters)
        cursor = await self.connection.cursor(text, *arguments)
        while found := await cursor.fetch(size):
            yield found

    async def first(self, statement: Statement, parameters: Parameters = ()) -> Row | None:
        text, arguments = self._of(statement, parameters)
        found: Row | None = await self.connection.fetchrow(text, *arguments)
        return found

    async def one(self, statement: Statement, parameters: Parameters = ()) -> Row:
        text, arguments = self._of(statement, parameters)
        found: Row | None = await self.connection.fetchrow(text, *arguments)
        assert found is not None  # noqa: S101 - the verb says that there always is one
        return found

    async def value(self, statement: Statement, parameters: Parameters = ()) -> Any:
        text, arguments = self._of(statement, parameters)
        return await self.connection.fetchval(text, *arguments)

    async def run(self, statement: Statement, parameters: Parameters = ()) -> int:
        text, arguments = self._of(statement, parameters)
        # Without arguments asyncpg would take the simple protocol, whose answer is the same.
        status: str = await self.connection.execute(text, *arguments)
        return _rows(status)

    async def run_many(self, statement: Statement, many: Iterable[Parameters]) -> None:
        numbered = self.statements[statement]
        rows = [numbered.arguments(each) for each in many]
        if rows:
            await self.connection.executemany(numbered.text, rows)

    def _of(self, statement: Statement, parameters: Parameters) -> tuple[str, tuple[Any, ...]]:
        numbered = self.statements[statement]
        return numbered.text, numbered.arguments(parameters)


def _rows(status: str) -> int:
    """How many rows a command's status tells of, for example ``UPDATE 3``."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
