"""What a transaction is borrowed for, whichever database and driver it is on."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, TypeVar

from recado.clock import Clock, SystemClock
from recado.domain.notification import Notification
from recado.domain.reference import Reference
from recado.errors import StoreError
from recado.store.over_sql import SqlStore
from recado.store.port import Accepted
from recado.store.session import Session, Work
from recado.store.verbs import acceptance

T = TypeVar("T")

#: What is done with a borrowed transaction.
Use = Callable[["BorrowedStore"], Coroutine[Any, Any, T]]

#: Begin, take back and keep what happens between: it leaves the caller's own as it was.
SAVE: Final = "SAVEPOINT recado_enqueue"
UNDO: Final = "ROLLBACK TO SAVEPOINT recado_enqueue"
KEEP: Final = "RELEASE SAVEPOINT recado_enqueue"


class BorrowedStore(SqlStore):
    """The verbs of a store in one transaction that somebody else commits.

    Those for looking and accepting; it is never opened, and nobody delivers from it.

    Args:
        session: the transaction.
        clock: the time.
        apart: whether others may be at work in the database meanwhile, who are not to wait until
            this is committed.
    """

    def __init__(self, session: Session, clock: Clock, *, apart: bool) -> None:
        super().__init__(clock, time.thread_time)
        self._session = session
        self._apart = apart

    async def accept(self, notification: Notification, lanes: Sequence[Reference]) -> Accepted:
        return await acceptance.accept(self._session, notification, lanes, apart=self._apart)

    async def _write(self, work: Work[T]) -> T:
        return await work(self._session)

    async def _read(self, work: Work[T]) -> T:
        return await work(self._session)

    async def _look(self, work: Work[T]) -> T:
        return await work(self._session)

    def _ride(self, work: Work[None]) -> None:  # noqa: ARG002 - the same for whatever it is
        raise StoreError("Nothing is written later in a transaction that somebody else commits.")

    def _soon(self, tell: Callable[[], None]) -> None:
        tell()


class Transaction(ABC):
    """A transaction that its caller has begun, and will commit or roll back.

    Attributes:
        synchronous: whether nothing ever waits in it, so that it can be used without an event
            loop.
    """

    synchronous: bool

    @abstractmethod
    async def run(self, use: Use[T], clock: Clock | None) -> T:
        """Use it; it stays usable whatever comes of that.

        Args:
            use: what for.
            clock: the time; that of the database's machine when left out.

        Raises:
            InvalidInput: it is not under way, or has failed.
            TransactionConflict: another transaction was in the way.
            StoreError: the database did not do what it was asked to.
        """


class Instant(SystemClock):
    """A clock that tells one instant, for what happens at once."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at


async def saved(
    execute: Callable[[str], Coroutine[Any, Any, object]], do: Coroutine[Any, Any, T]
) -> T:
    """Do something behind a savepoint: if it fails, the transaction is as it was before.

    Args:
        execute: runs a statement in the transaction.
        do: what is done.
    """
    try:
        await execute(SAVE)
    except BaseException:
        do.close()
        raise
    try:
        result = await do
    except BaseException:
        # Where it cannot be taken back the connection is gone, and its transaction with it.
        with suppress(Exception):
            await execute(UNDO)
            await execute(KEEP)
        raise
    await execute(KEEP)
    return result
