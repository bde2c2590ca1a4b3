"""What is done in a transaction in PostgreSQL, whichever driver it is on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from recado.domain.scope import Scope
from recado.store.session import Parameters, Row, Statement, statements
from recado.store.verbs.rows import dumps

_SQL = statements("session", "postgres")


class CommonSession(ABC):
    """The part of :class:`recado.store.session.Session` that no driver does differently."""

    def __init__(self) -> None:
        self._held: set[int] = set()

    @abstractmethod
    async def all(self, statement: Statement, parameters: Parameters = ()) -> Sequence[Row]: ...

    @abstractmethod
    async def first(self, statement: Statement, parameters: Parameters = ()) -> Row | None: ...

    @abstractmethod
    async def one(self, statement: Statement, parameters: Parameters = ()) -> Row: ...

    @abstractmethod
    async def value(self, statement: Statement, parameters: Parameters = ()) -> Any: ...

    @abstractmethod
    async def run(self, statement: Statement, parameters: Parameters = ()) -> int: ...

    @abstractmethod
    async def run_many(self, statement: Statement, many: Iterable[Parameters]) -> None: ...

    async def hold_free(self, numbers: Iterable[int]) -> set[int]:
        wanted = set(numbers)
        asked = {"numbers": sorted(wanted - self._held)}
        self._held.update(row[0] for row in await self.all(_SQL["hold_free"], asked))
        return wanted & self._held

    async def hold(self, numbers: Iterable[int]) -> bool:
        wanted = sorted(set(numbers) - self._held)
        if not wanted:
            return False
        # In the order of their numbers, so that two who want the same wait for each other in turn.
        await self.run(_SQL["hold"], {"numbers": wanted})
        self._held.update(wanted)
        return True

    async def leave(self, lanes: Mapping[int, str]) -> Collection[int]:
        known = {row["handler"] for row in await self.all(_SQL["handlers"])}
        left = {lane: handler for lane, handler in lanes.items() if handler in known}
        if left:
            await self.run(_SQL["leave"], {"lanes": dumps(left)})
        return left

    async def fetch(self, handlers: Collection[str], most: int) -> Collection[int]:
        if not handlers:
            return ()
        wanted = {"handlers": dumps(sorted(handlers)), "most": most}
        return [row["reference"] for row in await self.all(_SQL["fetch"], wanted)]

    async def take(self, owner: str, scopes: Collection[Scope], now: int) -> Collection[Scope]:
        wanted = {"me": owner, "scopes": dumps(sorted(scopes)), "now": now}
        return [Scope(*row) for row in await self.all(_SQL["take"], wanted)]

    async def time(self) -> int:
        """The server's time, in microseconds since 1970."""
        return int(await self.value(_SQL["time"]))

    async def ring(self) -> None:
        """Have other processes told, once this is committed, that there is something to do."""
        await self.run(_SQL["ring"])
