"""A transaction of SQLAlchemy's: of a session or a connection, synchronous or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from recado.clock import Clock
from recado.errors import InvalidInput
from recado.store.borrowed.transaction import Transaction, Use

T = TypeVar("T")

#: SQLAlchemy begins what it calls a transaction with the first statement that goes through it.
_ANY: Final = "SELECT 1"

#: Finds the transaction of a driver's connection.
Unwrap = Callable[[Any], Transaction]


class SqlAlchemyTransaction(Transaction):
    """A transaction of a ``Session``, ``scoped_session`` or ``Connection``.

    Args:
        source: which.
        unwrap: recognises the driver's connection.
    """

    synchronous = True

    def __init__(self, source: Any, unwrap: Unwrap) -> None:
        self._source = source
        self._unwrap = unwrap

    async def run(self, use: Use[T], clock: Clock | None) -> T:
        connection = self._source
        if callable(connection.connection):  # a session's is a method, a connection's is not
            connection = connection.connection()
        connection.exec_driver_sql(_ANY)
        inner = self._unwrap(connection.connection.driver_connection)
        if not inner.synchronous:
            raise InvalidInput(
                "This session runs on an asynchronous driver: hand over the AsyncSession or "
                "AsyncConnection itself, and await the result."
            )
        return await inner.run(use, clock)


class AsyncSqlAlchemyTransaction(Transaction):
    """A transaction of an ``AsyncSession``, ``async_scoped_session`` or ``AsyncConnection``.

    Args:
        source: which.
        unwrap: recognises the driver's connection.
    """

    synchronous = False

    def __init__(self, source: Any, unwrap: Unwrap) -> None:
        self._source = source
        self._unwrap = unwrap

    async def run(self, use: Use[T], clock: Clock | None) -> T:
        connection = self._source
        if not hasattr(connection, "get_raw_connection"):
            connection = await connection.connection()
        await connection.exec_driver_sql(_ANY)
        raw = await connection.get_raw_connection()
        return await self._unwrap(raw.driver_connection).run(use, clock)
