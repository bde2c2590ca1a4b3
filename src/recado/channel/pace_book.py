"""The pace book: all that is remembered of what was sent, and what the store is told of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from recado.channel.keeping import Everything, Keeping
from recado.channel.pace_state import KeyState, Line, Route
from recado.channel.strain import Strain
from recado.clock import Clock
from recado.domain.pace import Operation, Profile
from recado.domain.pause import Pause, PauseKind
from recado.domain.scope import Scope, Stamp

#: How often what is idle is dropped from memory, in seconds.
_GENERATION: Final = 30.0

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PaceBook:
    """What is known of scopes and pace keys, by the clock.

    If the clock is set back, what was stamped later counts as now. If it is set forward by a
    second, windows seem older by a second: nobody can know.
    """

    def __init__(
        self, clock: Clock, profiles: Mapping[str, Profile], keeping: Keeping | None = None
    ) -> None:
        self._clock = clock
        self.keeping = keeping or Everything()
        self._profiles = {name: each for name, each in profiles.items() if not each.unlimited}
        self._lines: dict[tuple[str, str], Line] = {}
        self._routes: dict[Scope, Route] = {}
        self._unrecorded: list[Stamp] = []
        self._recorded_at = -math.inf
        self._forget_at = -math.inf
        self._latest = -math.inf

    # -- for others -----------------------------------------------------------------------

    def free(self, bot: str, channel: str) -> bool:
        """Whether nothing limits a bot on a base channel now."""
        line = self._lines.get((bot, channel))
        return channel not in self._profiles if line is None else line.free

    def unrecorded(self) -> list[Stamp]:
        """Answers since the last call, of channels with figures. What it returns is recorded.

        Each has its pace key; whoever records them counts them for the scope as well.
        """
        stamps, self._unrecorded = self._unrecorded, []
        self._recorded_at = self._now()
        if self._latest >= self._forget_at:
            self._forget(self._latest)
        return stamps

    @property
    def limited(self) -> Collection[str]:
        """The base channels that limits are known of."""
        return self._profiles.keys()

    def pending(self) -> list[Stamp]:
        """What :meth:`unrecorded` would hand out now."""
        return list(self._unrecorded)

    def knows(self, scope: Scope, key: str) -> bool:
        """Whether all that was recorded of a pace key ("" for the scope itself) is here.

        Of a channel without figures nothing is recorded. What is known from before its scope was
        kept does not count: others may have sent since.
        """
        route = self._route(scope)
        line = route.line
        if line.profile is None:
            return True
        since = self._since(scope)
        if key:
            return line.keys.knows(key, since)
        return route.known_at >= since or (since == -math.inf and not line.profile.tenant)

    def recall(
        self,
        stamps: Iterable[Stamp],
        keys: Iterable[tuple[Scope, str]] = (),
        pending: Iterable[Stamp] | None = None,
    ) -> None:
        """Take what was recorded of pace keys and scopes that are not known.

        It takes the place of what was known of them before.

        Args:
            stamps: answers. A key of "" stands for the windows of the scope; stamps with a key
                count for that key only. One later than now counts as now; those of what is known
                are left away.
            keys: what was asked for: known from now on, stamps or not.
            pending: answers of this process that may not have been recorded when that was read;
                those of :meth:`pending` when left out.
        """
        now = self._now()
        given = list(stamps)
        named = {(stamp.scope, stamp.key) for stamp in given}
        asked = {each for each in named.union(keys) if not self.knows(*each)}
        for scope, key in asked:
            self._clear(scope, key, now)
        for scope, key, operation, at, many in given:
            if (scope, key) in asked:
                self._count(scope, key, operation, min(at.timestamp(), now), many)
        for scope, key, operation, at, many in self._unrecorded if pending is None else pending:
            for name in {key, ""}:
                if (scope, name) in asked:
                    self._count(scope, name, operation, min(at.timestamp(), now), many)

    def note(self, stamps: Iterable[Stamp]) -> None:
        """Count requests that nobody here made: those a dead process may have made last.

        Unlike what is recalled they count for their pace key and for its scope, known or not, and
        have to be recorded.
        """
        now = self._now()
        for stamp in stamps:
            if self._route(stamp.scope).line.profile is None:
                continue
            answered = min(stamp.at.timestamp(), now)
            for key in {stamp.key, ""}:
                self._count(stamp.scope, key, stamp.operation, answered, stamp.many)
            self._unrecorded.append(stamp)

    def pauses(self) -> list[Pause]:
        """What is paused now because of 429s."""
        now = self._now()
        found: list[Pause] = []
        for line in self._lines.values():
            for key, (scope, _, strain) in line.strained_keys.items():
                if strain.until > now:
                    found.append(_pause(PauseKind.PACE_KEY, scope, key, strain))
            for scope, (_, strain) in line.strained_routes.items():
                if strain.until > now:
                    found.append(_pause(PauseKind.TENANT, scope, "", strain))
        return found

    def recall_pauses(self, pauses: Iterable[Pause]) -> None:
        """Take pauses of tenants and pace keys from before this process began.

        Those of other kinds, and those that are over, are left away.
        """
        now = self._now()
        for pause in pauses:
            if pause.until is None or (until := pause.until.timestamp()) <= now:
                continue
            scope = Scope(pause.bot, pause.channel, pause.tenant)
            if pause.kind is PauseKind.PACE_KEY:
                route = self._route(scope)
                strain = self._strain_key(scope, pause.name, route.line.keys.open(pause.name))
            elif pause.kind is PauseKind.TENANT:
                strain = self._strain_route(scope, self._route(scope))
            else:
                continue
            strain.restore(min(pause.since.timestamp(), now), until, pause.reason)

    # -- within ------------------------------------------------------------------------------

    def _since(self, scope: Scope) -> float:
        """What is known from before this may be out of date."""
        since = self.keeping.since(scope)
        return -math.inf if since is None else since.timestamp()

    def _clear(self, scope: Scope, key: str, now: float) -> None:
        """Forget what was answered before *now*, when everything about it is known again."""
        route = self._route(scope)
        if key:
            state = route.line.keys.open(key)
            state.known_at = now
            gates = list(state.gates.values())
        else:
            route.known_at = now
            gates = [route.gate]
        for gate in gates:
            del gate.stamps[:]

    def _count(
        self, scope: Scope, key: str, operation: Operation, answered: float, many: int
    ) -> None:
        """Count answers of a channel with a profile, as far as its windows reach back."""
        route = self._route(scope)
        profile = route.line.profile
        assert profile is not None  # noqa: S101 - nothing is recorded of the others
        windows = profile.all_windows(operation) if key else profile.tenant
        if not windows or answered < self._latest - max(each.seconds for each in windows) - 1:
            return
        gate = route.line.keys.open(key).gate(operation) if key else route.gate
        for _ in range(min(many, max(each.limit for each in windows))):
            gate.stamp(answered, windows)

    def _route(self, scope: Scope) -> Route:
        route = self._routes.get(scope)
        if route is None:
            name = (scope.bot, scope.channel)
            line = self._lines.get(name)
            if line is None:
                line = self._lines[name] = Line(self._profiles.get(scope.channel))
            route = self._routes[scope] = Route(line)
        return route

    def _strain_key(self, scope: Scope, key: str, state: KeyState) -> Strain:
        if state.strain is None:
            state.strain = Strain()
            line = self._route(scope).line
            line.strained_keys[key] = (scope, state, state.strain)
            line.free = False
        return state.strain

    def _strain_route(self, scope: Scope, route: Route) -> Strain:
        if route.strain is None:
            route.strain = Strain()
            route.line.strained_routes[scope] = (route, route.strain)
            route.line.free = False
        return route.strain

    def _now(self) -> float:
        return self._read(self._clock.now())

    def _read(self, moment: datetime) -> float:
        now = moment.timestamp()
        if now < self._latest:
            self._turn_back(now)
        self._latest = now
        return now

    def _turn_back(self, now: float) -> None:
        """The clock was set back: what it stamped later has happened, so it is now."""
        for line in self._lines.values():
            line.keys.turn_back(now)
        for route in self._routes.values():
            route.gate.turn_back(now)
            route.ahead.clear()
            route.slot, route.next_reply = min(route.slot, now), min(route.next_reply, now)
            route.known_at = min(route.known_at, now)
            if route.strain is not None:
                route.strain.turn_back(now)
                route.slot = max(route.slot, route.strain.until)
        self.keeping.turn_back(instant(now))
        self._recorded_at = min(self._recorded_at, now)
        self._forget_at = min(self._forget_at, now)

    def _forget(self, now: float) -> None:
        """Drop what is idle, or over."""
        self._forget_at = now + _GENERATION
        for line in self._lines.values():
            for key, (_, state, strain) in list(line.strained_keys.items()):
                if strain.over(now):
                    del line.strained_keys[key]
                    state.strain = None
            for scope, (route, strain) in list(line.strained_routes.items()):
                if strain.over(now):
                    del line.strained_routes[scope]
                    route.strain = None
            line.keys.forget(math.inf if line.profile is None else self._recorded_at)
            strained = line.strained_keys or line.strained_routes
            line.free = line.profile is None and not strained
        for scope, route in list(self._routes.items()):
            if route.idle(now):
                del self._routes[scope]


def _pause(kind: PauseKind, scope: Scope, key: str, strain: Strain) -> Pause:
    return Pause(
        kind=kind,
        reason=strain.reason,
        since=instant(strain.since),
        until=instant(strain.until),
        bot=scope.bot,
        channel=scope.channel,
        tenant=scope.tenant,
        name=key,
    )


def instant(seconds: float) -> datetime:
    """An instant of the book as others know it; never an earlier one, so nobody comes too soon."""
    micro = round(seconds * 1e6)
    return _EPOCH + timedelta(microseconds=micro if micro / 1e6 >= seconds else micro + 1)
