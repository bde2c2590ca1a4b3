"""Keeping: which scopes a process may claim in, where several share the channels' pace."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from recado.domain.scope import Scope
from recado.store.port import Paced
from recado.store.session import Row, Session
from recado.store.verbs import rows


class Keeping:
    """What one cycle knows of who keeps what.

    Args:
        paced: what its process knows of it; None where nothing is shared.
        owner: its process.
        now: the time.

    Attributes:
        taken: scopes that this cycle has taken.
        others: scopes that it was found others keep.
        abroad: routes with something due in others' scopes.
    """

    def __init__(self, paced: Paced | None, owner: str, now: int) -> None:
        self._paced = paced
        self._owner = owner
        self._now = now
        self._instant: datetime = rows.instant(now)
        self.taken: set[Scope] = set()
        self.others: set[Scope] = set()
        self.abroad: set[int] = set()

    async def take(self, db: Session, scopes: Iterable[Scope]) -> None:
        """Keep these scopes too, but for what others keep."""
        wanted = {each for each in scopes if self._asks(each)}
        if wanted:
            taken = set(await db.take(self._owner, wanted, self._now))
            self.taken |= taken
            self.others |= wanted - taken

    async def mine(self, db: Session, routes: list[Row], most: int) -> list[Row]:
        """Those of *routes* that may be claimed from.

        Args:
            db: the transaction.
            routes: those with something due; whose turn it is comes first.
            most: so many scopes are taken at most. What one process cannot serve it leaves to
                others, so that they share the work.
        """
        paced = self._paced
        if paced is None or not paced.channels:
            return routes
        free: dict[Scope, None] = {}
        for route in routes:
            if route["channel"] in paced.channels and self._asks(scope := _scope(route)):
                free[scope] = None
        await self.take(db, list(free)[:most])
        mine: list[Row] = []
        for route in routes:
            if route["channel"] not in paced.channels or self._kept(_scope(route)):
                mine.append(route)
            else:
                self.abroad.add(route["number"])
        return mine

    def _kept(self, scope: Scope) -> bool:
        assert self._paced is not None  # noqa: S101 - else nobody asks
        return scope in self._paced.kept or scope in self.taken

    def _asks(self, scope: Scope) -> bool:
        """Whether the database is to be asked for a scope."""
        assert self._paced is not None  # noqa: S101 - else nobody asks
        if self._kept(scope) or scope in self.others:
            return False
        until = self._paced.others.get(scope)
        return until is None or until <= self._instant


def _scope(route: Row) -> Scope:
    return Scope(route["bot"], route["channel"], route["tenant"])
