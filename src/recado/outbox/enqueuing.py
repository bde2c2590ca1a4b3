"""Enqueuing: accepting something to be said in a transaction of the caller's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import fields
from typing import Any, Final, Protocol, TypeVar, Unpack, cast, overload

from recado.clock import Clock
from recado.domain.audience import Audience, Single
from recado.domain.roster import RosterRule
from recado.outbox.composing import GivenOptions, Options, Said
from recado.outbox.handle import Handle
from recado.outbox.outbox import Outbox
from recado.references import References
from recado.store.port import Store
from recado.store.session import driven
from recado.telemetry import Telemetry

T = TypeVar("T")

_OPTIONS: Final = frozenset(each.name for each in fields(Options))


class Lent(Protocol):
    """A store in a transaction that its caller commits: what looks and accepts of a store."""

    @property
    def clock(self) -> Clock:
        """The time."""


class Loan(Protocol):
    """A transaction of a caller's."""

    synchronous: bool
    """Whether nothing ever waits in it."""

    async def run(self, use: Callable[[Any], Coroutine[Any, Any, T]], clock: Clock | None) -> T:
        """Use it as a :class:`Lent` store, which leaves it usable."""


class Synchronous(Protocol):
    """What commits at once: connections of sqlite3 and psycopg, sessions of SQLAlchemy."""

    def commit(self) -> None:
        """End the transaction."""


class Asynchronous(Protocol):
    """What has to be awaited: AsyncConnection, AsyncSession and the like."""

    def commit(self) -> Coroutine[Any, Any, None]:
        """End the transaction."""


class OfAsyncpg(Protocol):
    """A connection of asyncpg, whose transactions are objects of their own."""

    def is_in_transaction(self) -> bool:
        """Whether one has been begun."""


class Enqueuing:
    """Accepts what is to be said in transactions of callers.

    Args:
        outbox: what handles are asked with later.
        borrow: recognises a transaction.
        clock: the time; left out, that of the database's machine.
        bot: who speaks.
        roster: whether people who are known only from a roster can be named.
    """

    def __init__(
        self,
        outbox: Outbox,
        borrow: Callable[[object], Loan],
        *,
        clock: Clock | None,
        bot: str,
        roster: RosterRule,
    ) -> None:
        self._outbox = outbox
        self._borrow = borrow
        self._clock = clock
        self._bot = bot
        self._roster = roster

    @overload
    def enqueue(
        self,
        transaction: Synchronous,
        audience: str | Audience | Sequence[str | Single],
        content: Said = None,
        **options: Unpack[GivenOptions],
    ) -> Handle: ...

    @overload
    def enqueue(
        self,
        transaction: Asynchronous | OfAsyncpg,
        audience: str | Audience | Sequence[str | Single],
        content: Said = None,
        **options: Unpack[GivenOptions],
    ) -> Awaitable[Handle]: ...

    def enqueue(
        self,
        transaction: object,
        audience: str | Audience | Sequence[str | Single],
        content: Said = None,
        **options: Unpack[GivenOptions],
    ) -> Handle | Awaitable[Handle]:
        """Accept something to be said, in the caller's own transaction.

        It counts when that is committed, and never was when it is rolled back. Nothing need be
        open or running in this process: whoever delivers from the database finds it.

        Args:
            transaction: a connection of sqlite3, aiosqlite, psycopg or asyncpg, or a session or
                connection of SQLAlchemy on one of these. It is left usable whatever happens here.
                One in a SQLite file has to have begun IMMEDIATE.
            audience: whom it is for, as for :meth:`Outbox.notify`.
            content: what is said, as there.
            options: all of ``notify``'s but ``wait``.

        Returns:
            A handle; where the transaction is asynchronous, an awaitable of one.

        Raises:
            InvalidInput: content, audience or an option cannot be used, or *transaction* is none
                that is under way in Recado's database.
            UnknownRecipient: the audience names somebody who is not known.
            IdempotencyConflict: the key was used for a different request.
            TransactionConflict: another transaction was in the way: roll back, and run the whole
                transaction again.
            StoreError: the database did not do it.
        """
        unknown = sorted(options.keys() - _OPTIONS)
        if unknown:
            raise TypeError(f"enqueue takes no {unknown[0]!r}: choose from {sorted(_OPTIONS)}.")
        loan = self._borrow(transaction)
        chosen = Options(**options)

        async def use(store: Lent) -> Handle:
            return await self._accept(store, audience, content, chosen)

        done = loan.run(use, self._clock)
        return driven(done) if loan.synchronous else done

    async def _accept(
        self,
        lent: Lent,
        audience: str | Audience | Sequence[str | Single],
        content: Said,
        options: Options,
    ) -> Handle:
        # Of a store an outbox needs no more here than what there is.
        store = cast("Store", lent)
        # Nobody is told before it is committed, and that nobody here hears of.
        untold = Telemetry()
        references = References(store, untold, roster=self._roster, bot=self._bot)
        within = Outbox(store, references, lent.clock, untold, bot=self._bot)
        return (await within.accept(audience, content, options)).of(self._outbox)
