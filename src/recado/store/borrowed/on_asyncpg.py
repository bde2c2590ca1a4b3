"""A transaction of a connection of asyncpg."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from recado.errors import InvalidInput
from recado.store.borrowed.on_postgres import NOT_BEGUN, PostgresTransaction
from recado.store.postgres.dialect import STATEMENTS, Numbered, as_text
from recado.store.postgres.session import PostgresSession

#: Callers, and SQLAlchemy, teach their connections to read and write JSON in other ways.
_STATEMENTS: Final = {name: as_text(each) for name, each in STATEMENTS.items()}


class _Session(PostgresSession):
    statements: Mapping[str, Numbered] = _STATEMENTS


class AsyncpgTransaction(PostgresTransaction):
    """A transaction of an ``asyncpg.Connection``, or of one that a pool has lent."""

    synchronous = False

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def check(self) -> None:
        if not self._connection.is_in_transaction():
            raise InvalidInput(NOT_BEGUN)

    def session(self) -> PostgresSession:
        return _Session(self._connection)

    async def execute(self, statement: str) -> None:
        await self._connection.execute(statement)
