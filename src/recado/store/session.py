"""A transaction, as the verbs use it: one interface, whichever database and driver is behind it.

The verbs in :mod:`recado.store.verbs` are written once, as coroutines over a :class:`Session`.
Behind a driver that waits for a network they wait with it. Behind one that answers at once, such
as SQLite's, none of their awaits ever waits, so :func:`driven` runs them as if they were plain
functions: in a thread, or in a caller's own synchronous code.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, NewType, Protocol, TypeVar

from recado.domain.scope import Scope
from recado.store.queries import load_queries

T = TypeVar("T")

#: The name of a statement, ``topic.name``; what it says depends on the dialect.
Statement = NewType("Statement", str)
Parameters = Sequence[Any] | Mapping[str, Any]


class Row(Protocol):
    """A row of an answer: by column name, by position, or unpacked."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...
    def keys(self) -> Iterable[str]:
        """The names of the columns."""


class Session(Protocol):
    """What happens in it happens whole or not at all; who opened it commits it.

    Statements take their parameters by name or, where they are written with ``?``, by position.
    """

    async def all(self, statement: Statement, parameters: Parameters = ()) -> Sequence[Row]:
        """Every row."""

    async def first(self, statement: Statement, parameters: Parameters = ()) -> Row | None:
        """The first row, if there is one."""

    async def one(self, statement: Statement, parameters: Parameters = ()) -> Row:
        """The first row of an answer that always has one."""

    async def value(self, statement: Statement, parameters: Parameters = ()) -> Any:
        """What stands first in the first row; None if there is none."""

    async def run(self, statement: Statement, parameters: Parameters = ()) -> int:
        """Run it; how many rows it wrote."""

    async def run_many(self, statement: Statement, many: Iterable[Parameters]) -> None:
        """Run it once for each of *many*."""

    async def hold_free(self, numbers: Iterable[int]) -> set[int]:
        """Hold those of these conversations that nobody else holds now; which these are."""

    async def hold(self, numbers: Iterable[int]) -> bool:
        """Keep everybody else from these conversations until the transaction ends.

        Whoever changes a conversation's deliveries or its lane holds it, and decides only by what
        was read since.

        Args:
            numbers: of their references; those held already cost nothing.

        Returns:
            Whether another process could have changed them until now, so that what was read
            before has to be read again.
        """

    async def leave(self, lanes: Mapping[int, str]) -> Collection[int]:
        """Leave lanes to other processes, so far as one that delivers has the handler.

        Args:
            lanes: each with the name of the handler that what stands first in it needs.

        Returns:
            Those that were left: they are passed over here until that process fetches them.
        """

    async def fetch(self, handlers: Collection[str], most: int) -> Collection[int]:
        """Have lanes that others left to this process due again.

        Args:
            handlers: those it has.
            most: how many for each of them.

        Returns:
            Which they were.
        """

    async def take(self, owner: str, scopes: Collection[Scope], now: int) -> Collection[Scope]:
        """Keep those of *scopes* that no other process alive keeps.

        Args:
            owner: the process that is to keep them; its lease is valid.
            scopes: which.
            now: the time.

        Returns:
            Those it keeps.
        """


class StreamingSession(Session, Protocol):
    """One whose answers need not fit into memory: that of a store itself."""

    def stream(
        self, statement: Statement, parameters: Parameters = (), *, size: int
    ) -> AsyncIterator[Sequence[Row]]:
        """Every row, in portions of *size*."""


#: What is to happen in one transaction.
Work = Callable[[Session], Coroutine[Any, Any, T]]


def statements(topic: str, dialect: str = "sqlite") -> dict[str, Statement]:
    """The statements of a topic, each by its short name.

    Args:
        topic: the name of their file.
        dialect: one that has them; nearly all are in every dialect.
    """
    return {name: Statement(f"{topic}.{name}") for name in load_queries(dialect, topic)}


async def held(db: Session, statement: Statement, parameters: Parameters = ()) -> Sequence[Row]:
    """What a statement finds, read again until nobody else can change it any more.

    Its rows name their conversation in the column ``reference``.
    """
    found = await db.all(statement, parameters)
    while await db.hold(row["reference"] for row in found):
        found = await db.all(statement, parameters)
    return found


def driven(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine none of whose awaits waits; its result.

    Raises:
        RuntimeError: it waited after all.
    """
    try:
        work.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    work.close()
    raise RuntimeError("A verb waited for something in a session that answers at once.")
