"""Traffic: which deliveries may leave now, and how many more could.

It stands between what is due and what is sent: channels' pace, breakers before services and
credentials that do not work, and fair use of the connections.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from recado.channel.pacing import Later, Pacer, Permit
from recado.clock import Clock
from recado.domain.delivery import Priority
from recado.domain.pace import Operation
from recado.domain.pause import Pause, PauseKind
from recado.domain.policy import Answer
from recado.domain.scope import Scope, Stamp
from recado.engine.breakers import Breakers
from recado.engine.making import makes
from recado.engine.sharing import Sharing
from recado.store.port import Claim, Observed, Wanted

#: A share of the connections only urgent deliveries may take: one in so many.
_URGENT_SHARE: Final = 8
#: A request that takes longer than this makes its host a slow one, which gets half of the
#: connections at most.
_SLOW: Final = timedelta(seconds=1)
#: What is claimed of a route that nothing is known of, or that had room enough when it was last
#: served; and what is not enough to leave unasked.
_AT_FIRST: Final = 8
_LITTLE: Final = 4
#: A route that had nothing to do for this long is forgotten.
_IDLE: Final = timedelta(seconds=2)
#: When a turn is looked at again that could not run because others do.
_TURN_AGAIN: Final = timedelta(seconds=1)
#: By how much lanes that wait for the same moment come after each other, and how many such steps
#: there are: together less than the pacer is asked ahead of time.
_TURN: Final = timedelta(milliseconds=2)
_TURNS: Final = 10
#: Lanes whose refusals are remembered, at most.
_REFUSALS: Final = 10_000


@dataclass(slots=True)
class _Route:
    """What is known of a route that is in use."""

    scope: Scope
    service_url: str
    used_at: datetime


@dataclass(frozen=True, slots=True)
class Admitted:
    """What may leave, and what has to wait."""

    #: Each with its permit; turns have none, because each of their sends gets its own.
    granted: Sequence[tuple[Claim, Permit | None]]
    refused: Sequence[Claim]
    #: When those refused are to be claimed again, by delivery id; at once where not named.
    until: Mapping[str, datetime]


@dataclass(slots=True)
class _Teachings:
    """What was observed and is not written down yet."""

    stamps: list[Stamp] = field(default_factory=list)
    paused: dict[tuple[object, ...], Pause] = field(default_factory=dict)
    resumed: dict[tuple[object, ...], Pause] = field(default_factory=dict)


class Traffic:
    """Decides what may leave.

    Args:
        clock: the time.
        pacer: the channels' pace.
        connections: requests in flight at once.
        turns: turns running at once.
        credential_pause: how long a bot rests at first whose credential was refused.
        sharing: this process's part among those who share the channels' pace; None without any.
    """

    def __init__(  # noqa: PLR0913 - everything it decides by
        self,
        clock: Clock,
        pacer: Pacer,
        *,
        connections: int,
        turns: int,
        credential_pause: timedelta,
        sharing: Sharing | None = None,
    ) -> None:
        self._clock = clock
        self._pacer = pacer
        self._sharing = sharing
        self._connections = connections
        self._turns = turns
        self._routes: dict[int, _Route] = {}
        #: Of these, those without any limit, and those with little room.
        self._open: set[int] = set()
        self._tight: set[int] = set()
        self._last_route = 0
        self._under_way: dict[str, tuple[Claim, datetime]] = {}
        self._running_turns = 0
        self._per_host: Counter[str] = Counter()
        self._breakers = Breakers(credential_pause)
        #: How often lanes were refused since something of theirs last left.
        self._refusals: Counter[int] = Counter()
        self._teachings = _Teachings()
        #: What 429s have paused, as it was last observed.
        self._lasting: dict[tuple[PauseKind, str, str, str, str], Pause] = {}
        self._swept_at = clock.now()
        if sharing is not None:
            sharing.learner.unwritten = lambda: self._teachings.stamps

    # -- before ------------------------------------------------------------------------------

    @property
    def free(self) -> int:
        """How many deliveries that are not urgent could begin, as far as connections go."""
        plain = len(self._under_way) - self._running_turns
        return self._connections - self._connections // _URGENT_SHARE - plain

    def wanted(self) -> Wanted:
        """How much may be claimed now."""
        now = self._clock.now()
        kept = self._connections // _URGENT_SHARE
        self._sweep(now)
        limit = self.free + kept
        return Wanted(
            limit=limit,
            for_urgent=kept,
            room=self._rooms(now, limit),
            elsewhere=_AT_FIRST,
            after=self._last_route,
            paced=None if self._sharing is None else self._sharing.paced(),
        )

    def _rooms(self, now: datetime, limit: int) -> dict[int, int]:
        """Room of the routes that have more or less than others get unasked.

        With a thousand tenants nearly all have a little room at any moment: only those that had
        none to spare when they were last served are asked again.
        """
        slow = self._slow_hosts(now)
        asked = self._tight if self._breakers.none and not slow else set(self._routes)
        room = dict.fromkeys(self._open, limit)
        for number in asked:
            free = self._room(self._routes[number], now, slow)
            room[number] = limit if free is None else free
        return room

    def has_room(self, passed: Iterable[int]) -> bool:
        """Whether one of these routes, which were passed over, may have room now."""
        now = self._clock.now()
        slow = self._slow_hosts(now)
        known = [self._routes.get(number) for number in passed]
        return any(route is None or self._room(route, now, slow) != 0 for route in known)

    def room_at(self, passed: Iterable[int]) -> datetime | None:
        """When one of these routes can be served again, as far as that is known."""
        known = [self._routes[number] for number in passed if number in self._routes]
        times = [self._pacer.free_at(route.scope) for route in known]
        return min((each for each in times if each is not None), default=None)

    def unknown(self, claims: Sequence[Claim]) -> list[tuple[Scope, str]]:
        """Scopes and pace keys whose windows only the store knows."""
        asked: dict[tuple[Scope, str], None] = {}
        for claim in claims:
            if _runs(claim) or self._pacer.free(claim.bot, claim.channel):
                continue
            scope = _scope(claim)
            for key in ("", claim.pace_key):
                if not self._pacer.knows(scope, key):
                    asked[scope, key] = None
        return list(asked)

    def recall_pauses(self, pauses: Sequence[Pause]) -> None:
        """Take up what was paused before this process began."""
        self._pacer.recall_pauses(pauses)
        self._breakers.recall(pauses)

    def admit(self, claims: Sequence[Claim]) -> Admitted:
        """Say which of these may leave now, in their order."""
        now = self._clock.now()
        granted: list[tuple[Claim, Permit | None]] = []
        refused: list[Claim] = []
        until: dict[str, datetime] = {}
        for claim in claims:
            self._last_route = claim.route
            answer = self._may_go(claim, self._know(claim, now), now)
            if isinstance(answer, Later):
                refused.append(claim)
                # What the whole route has no room for is not claimed again before it has.
                if not answer.whole:
                    until[claim.delivery_id] = answer.until + self._behind(claim.lane)
            else:
                self._refusals.pop(claim.lane, None)
                self._begin(claim, now)
                granted.append((claim, answer))
        self._note_rooms({claim.route for claim in claims}, now)
        return Admitted(granted, refused, until)

    def _note_rooms(self, served: Iterable[int], now: datetime) -> None:
        """Remember which of the routes just served have no limit, and which little room."""
        slow = self._slow_hosts(now)
        for number in served:
            free = self._room(self._routes[number], now, slow)
            (self._open.add if free is None else self._open.discard)(number)
            tight = free is not None and free < _LITTLE
            (self._tight.add if tight else self._tight.discard)(number)

    def _behind(self, lane: int) -> timedelta:
        """How much later a lane is claimed than others that wait for the same moment.

        Lanes may share a pace key, as threads of a Teams channel do. Who has been refused most
        often is next, so that they take turns.
        """
        if len(self._refusals) > _REFUSALS:
            self._refusals.clear()
        self._refusals[lane] += 1
        return max(0, _TURNS - self._refusals[lane]) * _TURN

    def _may_go(self, claim: Claim, route: _Route, now: datetime) -> Permit | Later | None:
        """A permit, None for a turn that may run, or when to ask again."""
        if self._breakers.room(claim.service_url, claim.bot, now) == 0:
            return Later(now, whole=True)
        if not _runs(claim):
            operation = Operation.CREATE if makes(claim) else Operation.SEND
            return self._pacer.reserve(
                route.scope,
                claim.pace_key,
                operation,
                group=claim.is_group,
                urgent=claim.priority is Priority.URGENT,
            )
        if self._running_turns >= self._turns:
            return Later(now + _TURN_AGAIN, whole=False)
        return None

    # -- after -------------------------------------------------------------------------------

    def ended(self, claim: Claim, permit: Permit | None, answer: Answer | None) -> None:
        """A request is over: without an answer nothing was asked of the channel."""
        if permit is not None:
            if answer is None:
                self._pacer.give_back(permit)
            else:
                self._pacer.ended(permit, answer)
        if answer is None:
            self._breakers.unanswered(claim)
            return
        if answer.ok and self._breakers.none:
            return  # as nearly always
        began, ended = self._breakers.learn(claim, answer, self._clock.now())
        for pause in began:
            self._paused(pause)
        for pause in ended:
            self._teachings.paused.pop(pause.what, None)
            self._teachings.resumed[pause.what] = pause

    def finished(self, claim: Claim) -> None:
        """An attempt is over, and its connection free."""
        if self._under_way.pop(claim.delivery_id, None) is None:
            return
        if claim.handler is not None:
            self._running_turns -= 1
            return
        self._per_host[claim.service_url] -= 1
        if not self._per_host[claim.service_url]:
            del self._per_host[claim.service_url]

    def observed(self) -> Observed:
        """What is to be written down: the same again until :meth:`written`."""
        taught = self._teachings
        taught.stamps += self._pacer.unrecorded()
        lasting = {pause.what: pause for pause in self._pacer.pauses()}
        for what, pause in lasting.items():
            if self._lasting.get(what) != pause:  # one that lasts is written down once
                self._paused(pause)
        self._lasting = lasting
        return Observed(
            stamps=tuple(taught.stamps),
            paused=tuple(taught.paused.values()),
            resumed=tuple(taught.resumed.values()),
            handed_in=() if self._sharing is None else self._sharing.granter.over,
        )

    def written(self, observed: Observed) -> None:
        """It has been committed."""
        taught = self._teachings
        del taught.stamps[: len(observed.stamps)]
        if self._sharing is not None:
            self._sharing.granter.forgotten(observed.handed_in)
        for written, kept in ((observed.paused, taught.paused), (observed.resumed, taught.resumed)):
            for pause in written:
                if kept.get(pause.what) == pause:
                    del kept[pause.what]

    # -- within ------------------------------------------------------------------------------

    def _know(self, claim: Claim, now: datetime) -> _Route:
        route = self._routes.get(claim.route)
        if route is None:
            route = _Route(_scope(claim), claim.service_url, now)
            self._routes[claim.route] = route
        route.used_at = now
        return route

    def _sweep(self, now: datetime) -> None:
        if self._swept_at <= now < self._swept_at + _IDLE:
            return
        self._swept_at = now
        for number, route in list(self._routes.items()):
            if not now < route.used_at + _IDLE:
                del self._routes[number]
                self._open.discard(number)
                self._tight.discard(number)
        self._breakers.sweep()

    def _room(self, route: _Route, now: datetime, slow: set[str]) -> int | None:
        """How many of a route may be claimed; None without a limit."""
        limits = [
            self._pacer.room(route.scope),
            self._breakers.room(route.service_url, route.scope.bot, now),
        ]
        if route.service_url in slow:
            limits.append(max(0, self._connections // 2 - self._per_host[route.service_url]))
        return min((each for each in limits if each is not None), default=None)

    def _slow_hosts(self, now: datetime) -> set[str]:
        """Service URLs with a request that takes long; the oldest are first."""
        slow = set()
        for claim, begun in self._under_way.values():
            if now < begun + _SLOW:
                break
            slow.add(claim.service_url)
        return slow

    def _begin(self, claim: Claim, now: datetime) -> None:
        self._under_way[claim.delivery_id] = (claim, now)
        self._breakers.probe(claim.service_url, claim.bot)
        if claim.handler is not None:
            self._running_turns += 1
        else:
            self._per_host[claim.service_url] += 1

    def _paused(self, pause: Pause) -> None:
        self._teachings.resumed.pop(pause.what, None)
        self._teachings.paused[pause.what] = pause


def _runs(claim: Claim) -> bool:
    """Whether a delivery runs code now, whose sends get permits of their own."""
    return claim.handler is not None and not claim.unmade


def _scope(claim: Claim) -> Scope:
    return Scope(claim.bot, claim.channel, claim.tenant)
