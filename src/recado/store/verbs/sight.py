"""Where due lanes are, and what was seen of that before.

As long as any snapshot of a PostgreSQL database lasts (a long report, a forgotten transaction, a
backup), nothing that was deleted since can be cleared away: the index of due lanes goes on to
hold an entry for each lane that was claimed meanwhile, and whoever looks from its beginning reads
them all. So a process remembers how far it has come. Once looking from the beginning has become
dear, it goes on from there, and begins at the beginning only so often that this costs one part in
twenty of its time, or when it finds nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from recado.store.session import Row, Session, statements
from recado.store.verbs import rows

_SQL = statements("delivery")

#: Seconds that looking from the beginning may take, and how often in a row it has to take longer:
#: once may be the machine's fault.
_DEAR: Final = 0.008
_IN_A_ROW: Final = 5
#: One part in so many of the time is spent on looking from the beginning.
_PART: Final = 20


class Sight:
    """What one process remembers of where due lanes were.

    Args:
        spares: whether the database may keep what was deleted, so that there is a point in this.
        clock: seconds, for what looking costs.
    """

    def __init__(self, *, spares: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._spares = spares
        self._clock = clock
        #: Routes with due lanes, by priority.
        self._routes: dict[int, Sequence[Row]] = {}
        #: By priority and route: since when the last lane that was seen has been due.
        self._come_to: dict[tuple[int, int], int] = {}
        self._dear = 0
        self._spared_until = 0.0

    @property
    def spared(self) -> bool:
        """Whether it is too early to look from the beginning again."""
        return self._dear >= _IN_A_ROW and self._clock() < self._spared_until

    async def routes(self, db: Session, priority: int, *, anew: bool) -> Sequence[Row]:
        """The routes with due lanes of a priority.

        Args:
            db: the database.
            priority: of the lanes.
            anew: whether to look from the beginning.
        """
        if anew or priority not in self._routes:
            self._routes[priority] = await db.all(_SQL["routes"], {"priority": int(priority)})
        return self._routes[priority]

    async def lanes(
        self, db: Session, priority: int, routes: Sequence[int], most: int, *, anew: bool
    ) -> Mapping[int, Sequence[int]]:
        """The lanes that have been due longest, by route.

        Args:
            db: the database.
            priority: of the lanes.
            routes: which.
            most: lanes of each.
            anew: whether to look from the beginning.
        """
        since = {route: 0 if anew else self._come_to.get((priority, route), 0) for route in routes}
        wanted = {"priority": int(priority), "routes": rows.dumps(since), "most": most}
        found: list[tuple[int, list[int], int | None]] = json.loads(
            await db.value(_SQL["due_lanes"], wanted)
        )
        for route, _, last in found:
            if last is not None:
                self._come_to[priority, route] = last
        nothing = {route for route, lanes, _ in found if not lanes}
        if nothing:
            known = self._routes.get(priority, ())
            self._routes[priority] = [each for each in known if each["number"] not in nothing]
        return {route: lanes for route, lanes, _ in found}

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Note what a look from the beginning costs."""
        begun = self._clock()
        yield
        cost = self._clock() - begun
        self._dear = self._dear + 1 if self._spares and cost > _DEAR else 0
        self._spared_until = begun + (1 + _PART) * cost
