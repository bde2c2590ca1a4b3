"""Choosing: which due lanes a process claims, in fair turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest
from typing import Final

from recado.domain.delivery import Priority
from recado.domain.pause import Pause
from recado.store.port import Wanted
from recado.store.session import Row, Session, statements
from recado.store.verbs import pauses, rows
from recado.store.verbs.keeping import Keeping
from recado.store.verbs.sight import Sight

_SQL = statements("delivery")

#: A route with much to do may take over what others leave of their share, up to so many shares.
_SHARES: Final = 4

#: The part of a claim that is its route's.
Way = tuple[int, str, str, str, str]


class Choice:
    """Chooses lanes to claim: by priority, and among the routes in turn."""

    def __init__(
        self,
        wanted: Wanted,
        paused: Sequence[Pause],
        keeping: Keeping,
        fetched: Collection[int],
        sight: Sight,
    ) -> None:
        self._wanted = wanted
        self._paused = paused
        self._keeping = keeping
        #: Lanes that others left to this process just now.
        self._fetched = fetched
        self._sight = sight
        self._taken: Counter[int] = Counter()
        #: Routes with due lanes that had no room.
        self.passed: set[int] = set()
        #: Whether due lanes may be left that had room.
        self.more = False
        #: The routes that were met, as they stand in claims.
        self.ways: dict[int, Way] = {}

    async def lanes(self, db: Session, claimed: int) -> list[int]:
        """As many as are still wanted after *claimed* ones."""
        chosen: list[int] = []
        if self._sight.spared:
            chosen = await self._look(db, claimed, anew=False)
        if not chosen:
            with self._sight.looking():
                chosen = await self._look(db, claimed, anew=True)
        if self._fetched and self._keeping.abroad:
            chosen += await self._abroad(db)
        return chosen

    async def _look(self, db: Session, claimed: int, *, anew: bool) -> list[int]:
        """The lanes of each priority in turn."""
        self.more = False
        chosen: list[int] = []
        for priority in Priority:
            left = self._wanted.limit - claimed - len(chosen)
            if priority is not Priority.URGENT:
                left -= self._wanted.for_urgent
            if left <= 0:
                self.more = True
                break
            chosen += await self._of_priority(db, priority, left, anew=anew)
        return chosen

    def give_back(self, routes: Iterable[int]) -> None:
        """Lanes of these routes were not claimed after all."""
        self._taken.subtract(routes)

    async def _abroad(self, db: Session) -> list[int]:
        """What was fetched in scopes that others keep; no more than is wanted, as it was then."""
        due = await db.all(_SQL["still_due"], (rows.dumps(sorted(self._fetched)),))
        self._fetched = ()
        found = [row for row in due if row["route"] in self._keeping.abroad]
        self._taken.update(row["route"] for row in found)
        return [row["reference"] for row in found]

    async def _of_priority(
        self, db: Session, priority: Priority, left: int, *, anew: bool
    ) -> list[int]:
        rooms = dict((await self._rooms(db, priority, left, anew=anew))[:left])
        if not rooms:
            return []
        share = min(_SHARES * -(-left // len(rooms)), left)
        most = min(share, max(rooms.values()))
        ready = await self._sight.lanes(db, priority, list(rooms), most, anew=anew)
        due: list[list[tuple[int, int]]] = []
        for route, room in rooms.items():
            lanes = ready[route][:room]
            due.append([(route, lane) for lane in lanes])
            if len(lanes) == room:
                self.passed.add(route)
            elif len(lanes) == most:
                self.more = True
        in_turn = [each for turn in zip_longest(*due) for each in turn if each is not None]
        self.more = self.more or len(in_turn) >= left
        self._taken.update(route for route, _ in in_turn[:left])
        return [lane for _, lane in in_turn[:left]]

    async def _rooms(
        self, db: Session, priority: Priority, left: int, *, anew: bool
    ) -> list[tuple[int, int]]:
        """Routes with due lanes, and how many of each may be claimed; whose turn it is first."""
        open_routes: list[Row] = []
        for route in await self._sight.routes(db, priority, anew=anew):
            number = route["number"]
            self.ways[number] = tuple(route)
            if self._room(number) <= 0 or any(pauses.stops(each, route) for each in self._paused):
                self.passed.add(number)
            else:
                open_routes.append(route)
        # The turn goes round, for when there are more routes than can be served.
        open_routes.sort(key=lambda route: (route[0] <= self._wanted.after, route[0]))
        mine = await self._keeping.mine(db, open_routes, left)
        return [(number, self._room(number)) for number, *_ in mine]

    def _room(self, route: int) -> int:
        return self._wanted.room.get(route, self._wanted.elsewhere) - self._taken[route]
