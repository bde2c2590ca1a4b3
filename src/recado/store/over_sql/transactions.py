"""What every part of the storage port over SQL stands on: transactions, and who is told of them."""

from __future__ import annotations

import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final, TypeVar

from recado.clock import Clock, SystemClock
from recado.errors import StoreFull
from recado.store.session import Session, Work, statements
from recado.store.sparing import Sparing
from recado.store.verbs.sight import Sight

T = TypeVar("T")

_SQL = statements("odds")

#: Seconds that a store is called full after something found no room, if nothing else has since.
_FULL_SECONDS: Final = 10.0


class Transactions(ABC):
    """A database that runs transactions. A subclass says how it is opened, written and read."""

    #: Whether history is kept by months, which go as a whole.
    _by_months: ClassVar[bool] = False

    def __init__(
        self,
        clock: Clock | None,
        cost: Callable[[], float],
        *,
        remembers: bool = False,
    ) -> None:
        """Begin without a connection.

        Args:
            clock: the time for releases that carry none of their own.
            cost: seconds that whoever looks has been busy, so that long looks are spared.
            remembers: whether the database may keep what was deleted, see :class:`Sight`.
        """
        self._clock = clock or SystemClock()
        self._wake: Callable[[], None] = lambda: None
        self._later: Callable[[], None] = lambda: None
        self._lost: Callable[[], None] = lambda: None
        #: Why nothing could be accepted the last time, and when that was.
        self._full: StoreFull | None = None
        self._full_at = 0.0
        self._spare = Sparing(cost)
        self._sight = Sight(spares=remembers)

    @abstractmethod
    async def _write(self, work: Work[T]) -> T:
        """Run *work* in a transaction; its result once that is committed.

        It may be run more than once, so it must not change anything but the database.
        """

    @abstractmethod
    async def _read(self, work: Work[T]) -> T:
        """Run *work*, which reads little, and each statement of it what is committed by then."""

    @abstractmethod
    async def _look(self, work: Work[T]) -> T:
        """Run *work*, which only reads, over one state of the database.

        It may take long: whoever reads little does not wait for it.
        """

    @abstractmethod
    def _ride(self, work: Work[None]) -> None:
        """Run *work* with some transaction soon; nobody is told."""

    def _ring(self) -> None:  # noqa: B027 - where nobody else listens, nobody is told
        """Tell other processes that there may be something to do."""

    @abstractmethod
    def _soon(self, tell: Callable[[], None]) -> None:
        """Call *tell* on the event loop; asked from wherever a transaction runs."""

    @property
    def clock(self) -> Clock:
        return self._clock

    def on_lost(self, tell: Callable[[], None]) -> None:
        self._lost = tell

    def on_work(self, wake: Callable[[], None], later: Callable[[], None] = lambda: None) -> None:
        self._wake, self._later = wake, later

    async def schema_version(self) -> int:
        return int(await self._read(lambda db: db.value(_SQL["version"])))

    async def check(self) -> None:
        await self._write(lambda db: db.run(_SQL["writable"]))
        # That is so little that it finds room where nothing else does.
        if self._full is not None and time.monotonic() < self._full_at + _FULL_SECONDS:
            raise self._full

    async def secret(self, name: str) -> str:
        fresh = secrets.token_hex(32)

        async def work(db: Session) -> str:
            await db.run(_SQL["keep_secret"], (name, fresh))
            return str(await db.value(_SQL["secret"], (name,)))

        return await self._write(work)

    async def _releasing(self, work: Work[int]) -> int:
        """A write that made something due if its result is not 0."""
        released = await self._write(work)
        if released:
            self._tell()
        return released

    async def _ringing(self, work: Work[int]) -> int:
        """A write whose caller knows that it made something due, and others do not."""
        moved = await self._write(work)
        if moved:
            self._ring()
        return moved

    async def _working(self, work: Work[T]) -> T:
        """A write that may have made something due."""
        result = await self._write(work)
        self._tell()
        return result

    def _tell(self) -> None:
        self._wake()
        self._later()
        self._ring()
