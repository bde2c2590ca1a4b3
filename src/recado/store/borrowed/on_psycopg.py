"""A transaction of a connection of psycopg, synchronous or not."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from recado.errors import InvalidInput
from recado.store.borrowed.on_postgres import NOT_BEGUN, PostgresTransaction
from recado.store.postgres.common import CommonSession
from recado.store.postgres.dialect import formatted
from recado.store.queries import load_dialect
from recado.store.session import Parameters, Row, Statement

_STATEMENTS: Final = {name: formatted(text) for name, text in load_dialect("postgres").items()}

#: What libpq calls the states of a connection that is in no transaction, and in one that failed.
_IDLE: Final = 0
_IN_ERROR: Final = 3


class _Named:
    """A row: by column name, by position, or unpacked."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: Mapping[str, int], values: Sequence[Any]) -> None:
        self._places = places
        self._values = values

    def __getitem__(self, key: Any) -> Any:
        return self._values[self._places[key] if isinstance(key, str) else key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> Iterable[str]:
        """The names of the columns."""
        return self._places.keys()


def _row_maker(cursor: Any) -> Callable[[Sequence[Any]], _Named]:
    places = {column.name: place for place, column in enumerate(cursor.description or ())}
    return lambda values: _Named(places, values)


class _Answer(NamedTuple):
    rows: Sequence[Row]
    written: int


class _Session(CommonSession):
    """Implements :class:`recado.store.session.Session`, but for how a statement is run."""

    def __init__(self, connection: Any) -> None:
        super().__init__()
        self._connection = connection

    @abstractmethod
    async def _ask(self, text: str, parameters: Parameters) -> _Answer: ...

    @abstractmethod
    async def _ask_many(self, text: str, many: list[Parameters]) -> None: ...

    async def all(self, statement: Statement, parameters: Parameters = ()) -> Sequence[Row]:
        return (await self._ask(_STATEMENTS[statement], parameters)).rows

    async def first(self, statement: Statement, parameters: Parameters = ()) -> Row | None:
        return next(iter(await self.all(statement, parameters)), None)

    async def one(self, statement: Statement, parameters: Parameters = ()) -> Row:
        return (await self.all(statement, parameters))[0]

    async def value(self, statement: Statement, parameters: Parameters = ()) -> Any:
        found = await self.first(statement, parameters)
        return None if found is None else found[0]

    async def run(self, statement: Statement, parameters: Parameters = ()) -> int:
        return (await self._ask(_STATEMENTS[statement], parameters)).written

    async def run_many(self, statement: Statement, many: Iterable[Parameters]) -> None:
        rows = list(many)
        if rows:
            await self._ask_many(_STATEMENTS[statement], rows)

    def _cursor(self, kind: str) -> Any:
        # Ours, whatever cursors and rows the caller has chosen. That there is a connection means
        # that there is psycopg.
        made: Any = getattr(sys.modules["psycopg"], kind)
        return made(self._connection, row_factory=_row_maker)


class _SyncSession(_Session):
    async def _ask(self, text: str, parameters: Parameters) -> _Answer:
        with self._cursor("Cursor") as cursor:
            cursor.execute(text, parameters)
            return _Answer(cursor.fetchall() if cursor.description else (), cursor.rowcount)

    async def _ask_many(self, text: str, many: list[Parameters]) -> None:
        with self._cursor("Cursor") as cursor:
            cursor.executemany(text, many)


class _AsyncSession(_Session):
    async def _ask(self, text: str, parameters: Parameters) -> _Answer:
        async with self._cursor("AsyncCursor") as cursor:
            await cursor.execute(text, parameters)
            rows = await cursor.fetchall() if cursor.description else ()
            return _Answer(rows, cursor.rowcount)

    async def _ask_many(self, text: str, many: list[Parameters]) -> None:
        async with self._cursor("AsyncCursor") as cursor:
            await cursor.executemany(text, many)


class _PsycopgTransaction(PostgresTransaction):
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def check(self) -> None:
        status = int(self._connection.info.transaction_status)
        # Without autocommit psycopg begins one with the first statement.
        if status == _IDLE and self._connection.autocommit:
            raise InvalidInput(NOT_BEGUN)
        if status == _IN_ERROR:
            raise InvalidInput(
                "This transaction has failed already: roll it back and run it again."
            )


class PsycopgTransaction(_PsycopgTransaction):
    """A transaction of a ``psycopg.Connection``."""

    synchronous = True

    def session(self) -> _Session:
        return _SyncSession(self._connection)

    async def execute(self, statement: str) -> None:
        self._connection.execute(statement)


class AsyncPsycopgTransaction(_PsycopgTransaction):
    """A transaction of a ``psycopg.AsyncConnection``."""

    synchronous = False

    def session(self) -> _Session:
        return _AsyncSession(self._connection)

    async def execute(self, statement: str) -> None:
        await self._connection.execute(statement)
