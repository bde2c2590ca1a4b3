"""A transaction in PostgreSQL: what is the same on a connection of asyncpg and of psycopg."""

from __future__ import annotations

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from recado.clock import Clock
from recado.errors import (
    InvalidInput,
    RecadoError,
    StoreEmpty,
    StoreError,
    StoreReadOnly,
    StoreUnavailable,
    TransactionConflict,
)
from recado.store.borrowed.transaction import BorrowedStore, Instant, Transaction, Use, saved
from recado.store.postgres.common import CommonSession

T = TypeVar("T")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Another transaction has inserted the same meanwhile: with READ COMMITTED the next try sees it.
_TRIES: Final = 3
_UNIQUE: Final = "23505"
#: Serialization failure, deadlock, and what others hold for longer than the caller would wait.
_MET: Final = ("40001", "40P01")
_LOCKED: Final = ("55P03", "57014")
#: There is no such table, or no such column: it is older than this program.
_NO_TABLE: Final = ("42P01", "3F000")
_NO_COLUMN: Final = "42703"
_NO_RIGHT: Final = "42501"
_READ_ONLY: Final = "25006"
_TEXT: Final = ("22021", "22P05")
_FAILED: Final = "25P02"

#: Said of a connection that is in none.
NOT_BEGUN: Final = (
    "This connection is not in a transaction: begin one first, and commit it afterwards."
)


class PostgresTransaction(Transaction):
    """Uses a transaction in PostgreSQL."""

    @abstractmethod
    def check(self) -> None:
        """Refuse what is no transaction that can be used.

        Raises:
            InvalidInput: why not.
        """

    @abstractmethod
    def session(self) -> CommonSession:
        """The transaction, for the verbs."""

    @abstractmethod
    async def execute(self, statement: str) -> None:
        """Run a statement without parameters and without an answer."""

    async def run(self, use: Use[T], clock: Clock | None) -> T:
        self.check()
        tries = 0
        while True:
            tries += 1
            try:
                return await saved(self.execute, self._use(use, clock))
            except RecadoError:
                raise
            except Exception as error:
                if _state(error) == _UNIQUE and tries < _TRIES:
                    continue
                raise _told(error) from error

    async def _use(self, use: Use[T], clock: Clock | None) -> T:
        session = self.session()
        at = clock or Instant(_EPOCH + timedelta(microseconds=await session.time()))
        result = await use(BorrowedStore(session, at, apart=True))
        await session.ring()
        return result


def _state(error: Exception) -> str | None:
    """The code of PostgreSQL's; both drivers call it so."""
    found = getattr(error, "sqlstate", None)
    return found if isinstance(found, str) else None


def _told(error: Exception) -> Exception:  # noqa: PLR0911 - one for each of ours
    """An error of a driver as one of ours; what is the caller's own matter as it is."""
    state, said = _state(error), _first_line(error)
    if state == _UNIQUE or state in _MET:
        return TransactionConflict(said)
    if state in _LOCKED:
        return StoreUnavailable(
            f"Another transaction holds what is needed ({said}): roll back and try again."
        )
    if state in _NO_TABLE:
        return StoreEmpty("of this transaction")
    if state == _NO_COLUMN:
        return StoreError(
            f"The database is older than this program ({said}): run `recado migrate`."
        )
    if state == _NO_RIGHT:
        return StoreUnavailable(
            f"The user of this transaction lacks a right ({said}): GRANT it "
            "(docs/postgresql.md lists the rights)."
        )
    if state == _READ_ONLY:
        return StoreReadOnly("This transaction is read-only: begin one that is not.")
    if state == _FAILED:
        return InvalidInput("This transaction has failed already: roll it back and run it again.")
    if state in _TEXT or (state is None and isinstance(error, ValueError)) or "NUL" in said:
        return InvalidInput(
            "A text has a character that the database cannot store (NUL, or half of a surrogate "
            "pair): leave it away."
        )
    return error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
