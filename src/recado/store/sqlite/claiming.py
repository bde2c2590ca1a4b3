"""Claiming in SQLite: which lanes are due, in fair turn, and the attempts begun in them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from recado.domain.delivery import OnUnknown, Priority
from recado.domain.notification import Action, Otherwise
from recado.domain.pause import Pause, PauseKind
from recado.store.port import Claim, Cycled, Wanted
from recado.store.queries import load_queries
from recado.store.sqlite import changing, holding, lanes, pauses, rows, waiting

_SQL = load_queries("sqlite", "delivery")

#: Lanes that are let on from waiting in one cycle, at most.
_AWAKENED: Final = 500
#: A route with much to do may take over what others leave of their share, up to so many shares.
_SHARES: Final = 4
#: So many that have expired are replaced by what comes next in one cycle, or a few more.
_REPLACED: Final = 500


class _Head(NamedTuple):
    """What stands first in a lane, as the statement ``heads`` reads it."""

    id: str
    lane: int
    route: int
    #: The number of its notification.
    notification: int
    attempts: int
    priority: int
    expires_at: int | None
    target: str | None
    stopped: int
    conversation_id: str
    pace_key: str
    is_group: int
    address: str
    unmade: int
    remade: int
    tried_since: int | None
    head_since: int | None
    last_status: int | None
    strikes: int
    maybe_sent: int
    host_switched: int


#: The part of a claim that is its notification's, and the part that is its route's.
_Said = tuple[Any, ...]
_Way = tuple[int, str, str, str, str]


def claim(db: sqlite3.Connection, owner: str, now: int, lease_until: int, wanted: Wanted) -> Cycled:
    """Claim what is due; see the port."""
    paused = pauses.stopping(db, now)
    if any(each.kind is PauseKind.ALL for each in paused):
        return Cycled()
    awakened = db.execute(_SQL["awaken"], (now, _AWAKENED)).rowcount
    halts = holding.halts(db)
    choice = _Choice(wanted, paused)
    claims: list[Claim] = []
    token = None
    replaced = 0
    while replaced < _REPLACED:
        chosen = choice.lanes(db, len(claims))
        if not chosen:
            break
        aside = halts.put_aside(db, chosen)
        chosen = [lane for lane in chosen if lane not in aside] if aside else chosen
        found = _heads(db, chosen)
        said = _said(db, {head.notification for head in found})
        expired = [
            head
            for head in found
            if head.stopped or (head.expires_at is not None and head.expires_at <= now)
        ]
        gone = {head.lane for head in expired}
        if halts.notifications:
            held = [
                head
                for head in found
                if said[head.notification][0] in halts.notifications and head.lane not in gone
            ]
            holding.hold(db, [head.id for head in held])
            gone |= {head.lane for head in held}
        alive = [head for head in found if head.lane not in gone] if gone else found
        about = _about(db, alive, now)
        waiting_for_copies = [head for head in alive if head.target and head.id not in about]
        if waiting_for_copies:
            gone |= {head.lane for head in waiting_for_copies}
            alive = [head for head in alive if head.lane not in gone]
        if alive:
            token = token or lanes.take_numbers(db, "token")
            claimed = rows.dumps({head.lane: head.id for head in alive})
            lease = {"owner": owner, "token": token, "until": lease_until, "claimed": claimed}
            db.execute(_SQL["lease"], lease)
            heads = rows.dumps([head.id for head in alive])
            db.execute(_SQL["begin"], {"now": now, "heads": heads})
            claims += _claims_of(alive, token, now, about, said, choice.ways)
        choice.give_back(aside.values())
        replaced += len(gone) + len(aside)
        if not (gone or aside):
            break
        # What stands behind them, or in other lanes, takes their place.
        outlived = [waiting.Outlived(e.id, bool(e.maybe_sent), bool(e.stopped)) for e in expired]
        waiting.outlive(db, outlived, now)
        lanes.free(db, sorted(gone), now)
        choice.give_back(head.route for head in found if head.lane in gone)
    else:
        choice.more = True
    return Cycled(
        claims=claims,
        passed=tuple(choice.passed),
        more=choice.more or awakened == _AWAKENED,
    )


def _heads(db: sqlite3.Connection, chosen: Sequence[int]) -> list[_Head]:
    (found,) = db.execute(_SQL["heads"], {"lanes": rows.dumps(chosen)}).fetchone()
    return [_Head._make(values) for values in json.loads(found)]


def _said(db: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, _Said]:
    """What notifications say, as it stands in claims; each by its number."""
    (found,) = db.execute(_SQL["said"], {"numbers": rows.dumps(list(numbers))}).fetchone()
    return {
        number: (
            said[0],
            rows.instant(said[1]),
            OnUnknown(said[2]),
            Action(said[3]),
            None if said[4] is None else Otherwise(said[4]),
            *said[5:10],
            bool(said[10]),
        )
        for number, *said in json.loads(found)
    }


def _about(db: sqlite3.Connection, heads: Sequence[_Head], now: int) -> dict[str, str | None]:
    """Activities that changes among *heads* are about; a change not named cannot leave now."""
    ids = [head.id for head in heads if head.target]
    return changing.ready(db, ids, now) if ids else {}


def _claims_of(  # noqa: PLR0913, PLR0917 - everything a claim is put together from
    heads: Iterable[_Head],
    token: int,
    now: int,
    about: Mapping[str, str | None],
    said: Mapping[int, _Said],
    ways: Mapping[int, _Way],
) -> Iterator[Claim]:
    """Claims, their fields in order: by name it would take three times as long."""
    started_at = rows.instant(now)
    first_time = (started_at, started_at, None, 0, False, False)
    for head in heads:
        before = head[_BEFORE:]
        yield Claim._make(
            (
                head.id,
                head.lane,
                token,
                head.attempts + 1,
                started_at,
                _PRIORITIES[head.priority],
                rows.maybe_instant(head.expires_at),
                head.target,
                about.get(head.id),
                head.conversation_id,
                head.pace_key,
                bool(head.is_group),
                head.address,
                bool(head.unmade),
                bool(head.remade),
                *(first_time if before == _NOTHING_BEFORE else _came_before(head, now)),
                *said[head.notification],
                *ways[head.route],
            )
        )


#: Looked up, because making one anew for each delivery costs more than the rest of it.
_PRIORITIES: Final = {int(each): each for each in Priority}
#: Where in a head that begins which tells of earlier attempts, and what it is without any.
_BEFORE: Final = _Head._fields.index("tried_since")
_NOTHING_BEFORE: Final = (None, None, None, 0, 0, 0)


def _came_before(head: _Head, now: int) -> tuple[datetime, datetime, int | None, int, bool, bool]:
    return (
        rows.instant(now if head.tried_since is None else head.tried_since),
        rows.instant(now if head.head_since is None else head.head_since),
        head.last_status,
        head.strikes,
        bool(head.maybe_sent),
        bool(head.host_switched),
    )


class _Choice:
    """Chooses lanes to claim: by priority, and among the routes in turn."""

    def __init__(self, wanted: Wanted, paused: Sequence[Pause]) -> None:
        self._wanted = wanted
        self._paused = paused
        self._taken: Counter[int] = Counter()
        #: Routes with due lanes that had no room.
        self.passed: set[int] = set()
        #: Whether due lanes may be left that had room.
        self.more = False
        #: The routes that were met, as they stand in claims.
        self.ways: dict[int, _Way] = {}

    def lanes(self, db: sqlite3.Connection, claimed: int) -> list[int]:
        """As many as are still wanted after *claimed* ones."""
        self.more = False
        chosen: list[int] = []
        for priority in Priority:
            left = self._wanted.limit - claimed - len(chosen)
            if priority is not Priority.URGENT:
                left -= self._wanted.for_urgent
            if left <= 0:
                self.more = True
                break
            chosen += self._of_priority(db, priority, left)
        return chosen

    def give_back(self, routes: Iterable[int]) -> None:
        """Lanes of these routes were not claimed after all."""
        self._taken.subtract(routes)

    def _of_priority(self, db: sqlite3.Connection, priority: Priority, left: int) -> list[int]:
        rooms = self._rooms(db, priority)
        if not rooms:
            return []
        share = _SHARES * -(-left // len(rooms))
        due: list[list[tuple[int, int]]] = []
        for route, room in rooms[:left]:
            cut = min(room, share, left)
            (found,) = db.execute(_SQL["due_lanes"], (int(priority), route, cut)).fetchone()
            ready: list[int] = json.loads(found)
            due.append([(route, lane) for lane in ready])
            if len(ready) == room:
                self.passed.add(route)
            elif len(ready) == cut:
                self.more = True
        in_turn = [each for turn in zip_longest(*due) for each in turn if each is not None]
        self.more = self.more or len(in_turn) >= left
        self._taken.update(route for route, _ in in_turn[:left])
        return [lane for _, lane in in_turn[:left]]

    def _rooms(self, db: sqlite3.Connection, priority: Priority) -> list[tuple[int, int]]:
        """Routes with due lanes, and how many of each may be claimed; whose turn it is first."""
        rooms: list[tuple[int, int]] = []
        for route in db.execute(_SQL["routes"], {"priority": int(priority)}).fetchall():
            number = route["number"]
            self.ways[number] = tuple(route)
            room = self._wanted.room.get(number, self._wanted.elsewhere) - self._taken[number]
            if room <= 0 or any(pauses.stops(each, route) for each in self._paused):
                self.passed.add(number)
            else:
                rooms.append((number, room))
        # The turn goes round, for when there are more routes than can be served.
        return sorted(rooms, key=lambda route: (route[0] <= self._wanted.after, route[0]))
