"""The pacer: who may send when, so that a channel is never spoken to faster than it allows.

It keeps in memory what was sent of late, and waits for nobody: the dispatcher asks how much room
there is, reserves, and hands back how it went; only a bot's reply is let wait for its turn.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Final

from recado.channel.gate import Gate
from recado.channel.keeping import Keeping
from recado.channel.pace_book import PaceBook, instant
from recado.channel.pace_state import KeyState, Line, Route
from recado.channel.permits import Later, Permit
from recado.channel.strain import observed
from recado.clock import Clock
from recado.domain.pace import MARGIN, Operation, Profile, Windows
from recado.domain.policy import Answer, Failure
from recado.domain.scope import Scope, Stamp

__all__ = ["HORIZON", "Later", "Pacer", "Permit", "Scope", "Stamp"]

#: Seconds ahead of its time that a request may be reserved, so that the work before it (claim,
#: commit) does not cost pace.
HORIZON: Final = 0.1
#: Seconds ahead of the next free slot that the dispatcher is asked back. Less than the horizon, so
#: that it finds several slots each time.
_EARLY: Final = 0.05
#: Slots for deliveries follow each other a little faster than the limit, and up to this many
#: seconds of them can be made up for: so it is the windows that limit, and the slots only spread.
_HASTE: Final = 0.98
_SLACK: Final = 0.05
#: Deliveries with leave that are remembered, for replies to take their places.
_NEXT: Final = 32
#: Seconds that rounding may take away: less than the margin of the windows.
_ROUNDING: Final = 1e-5

#: 429s in so many pace keys of a scope within so many seconds pause the scope (DESIGN promise 4).
_KEYS: Final = 3
_WITHIN: Final = 2.0

#: Seconds a channel may ask for.
_LONGEST_PAUSE: Final = 86400.0

#: The request was never written, so the channel has not counted it.
_UNSENT: Final = (Failure.NOT_SENT, Failure.FORBIDDEN, Failure.NO_TOKEN)


class Pacer(PaceBook):
    """Keeps every window of every channel it knows figures of."""

    def __init__(
        self,
        clock: Clock,
        profiles: Mapping[str, Profile],
        *,
        keeping: Keeping | None = None,
        rng: random.Random | None = None,
        on_room: Callable[[], None] = lambda: None,
    ) -> None:
        """Make one.

        Args:
            clock: the time.
            profiles: what channels allow, by base channel; the others are unlimited until they
                answer 429.
            keeping: the scopes whose pace is decided here; all when left out.
            rng: source of jitter.
            on_room: called when there may be room earlier than :meth:`free_at` had said.
        """
        super().__init__(clock, profiles, keeping)
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not cryptography
        self._on_room = on_room
        self._never = asyncio.Event()
        #: Replies that were admitted because their patience ended.
        self.impatient = 0

    # -- for the dispatcher ------------------------------------------------------------------

    def room(self, scope: Scope) -> int | None:
        """How many deliveries of a scope could begin within :data:`HORIZON`.

        Returns:
            0 while the scope is paused or full; None when it has no limit.
        """
        route = self._route(scope)
        if route.line.free:
            return None
        now = self._now()
        if route.strain is not None and route.strain.until > now:
            return 0
        windows = route.windows(now)
        if not windows:
            return None
        until = now + HORIZON
        spread = until + _ROUNDING - max(route.slot, now - _SLACK)
        slots = math.floor(spread / _interval(windows)) + 1
        return max(0, min(slots, route.gate.room(windows, until, len(route.gate.waiting))))

    def free_at(self, scope: Scope) -> datetime | None:
        """When to ask for room again; None if there is some now.

        There is room at that instant unless others have taken it before.
        """
        if self.room(scope) != 0:
            return None
        now, route = self._latest, self._routes[scope]
        if route.strain is not None and route.strain.until > now:
            return instant(route.strain.until)
        windows = route.windows(now)
        return instant(_ask_again(_opens(route, windows, now), windows, now))

    def reserve(
        self,
        scope: Scope,
        key: str,
        operation: Operation = Operation.SEND,
        *,
        group: bool = False,
        urgent: bool = False,
    ) -> Permit | Later:
        """Leave to make a request within :data:`HORIZON`, or when to ask again. It never waits.

        Args:
            scope: bot, channel and tenant.
            key: the pace key.
            operation: what the request does.
            group: whether the conversation is a group.
            urgent: whether it goes before those that have leave and have not begun.
        """
        route = self._routes.get(scope) or self._route(scope)
        line = route.line
        if line.free:
            permit = Permit(self._clock.now(), scope, key, operation, group, None, None)
            line.recent.append(permit)
            return permit
        moment = self._clock.now()
        now = self._read(moment)
        if (closed := self._closed_until(scope, route, moment)) is not None:
            return Later(closed, whole=True)
        latest = now + HORIZON + _ROUNDING
        of_scope = route.windows(now)
        scope_at = _opens(route, of_scope, now)
        if scope_at > latest:
            return Later(instant(_ask_again(scope_at, of_scope, now)), whole=True)
        state = line.state(key, operation, group=group)
        key_at = -math.inf
        if state is not None:
            if state.strain is not None and state.strain.until > now:
                return Later(instant(state.strain.until), whole=False)
            of_key = line.windows(state, operation, now, group=group)
            gate = state.gate(operation)
            key_at = max(gate.opens(of_key, len(gate.waiting)), state.next_at)
            if key_at > latest:
                return Later(instant(_ask_again(key_at, of_key, now)), whole=False)
            gate.begin()
        route.gate.begin()
        at = max(now, scope_at, key_at)
        if urgent and key_at <= now:
            at = _overtake(route, at, now)
        permit = self._permit(at, scope, key, operation, group, route, state)
        if at > now and not urgent:
            _queue(route.ahead, permit, now)
        return permit

    def ended(self, permit: Permit, answer: Answer) -> None:
        """A permitted request came to its end, however it did.

        Its windows begin to count from now: this is called when the answer is there, at once.
        """
        route, state = permit.route, permit.state
        if route is None and answer.status != 429:
            return  # the line was free, and still is as far as this answer can tell
        if answer.failure in _UNSENT:
            self.give_back(permit)
            return
        moment = self._clock.now()
        now = self._read(moment)
        line = self._lines[permit.scope[:2]]
        if route is not None:
            route.gate.end(now, route.base())
            if state is not None:
                gate = state.gate(permit.operation)
                gate.end(now, line.base(state, permit.operation, group=permit.group))
            if line.profile is not None:
                self._unrecorded.append(Stamp(permit.scope, permit.key, permit.operation, moment))
        if answer.status == 429:
            self._refused(line, permit, _believable(answer.retry_after), now)
        elif answer.ok:
            self._taken(permit)
        self._call(permit, now)
        if state is not None:
            line.keys.settle(state, self._since(permit.scope))
        if now >= self._forget_at:
            self._forget(now)

    def adopt(
        self, scope: Scope, key: str, operation: Operation = Operation.SEND, *, group: bool = False
    ) -> Permit:
        """Count a request that another process gave leave for and that may be under way."""
        route = self._route(scope)
        state = route.line.state(key, operation, group=group)
        route.gate.begin()
        if state is not None:
            state.gate(operation).begin()
        return Permit(self._clock.now(), scope, key, operation, group, route, state)

    def give_back(self, permit: Permit) -> None:
        """A permitted request was not sent."""
        if permit.route is None:
            return
        permit.route.gate.give_back()
        if permit.state is not None:
            permit.state.gate(permit.operation).give_back()
        self._call(permit, self._now())
        self._on_room()

    def is_busy(self, scope: Scope) -> bool:
        """Whether something is under way in a scope, waits for leave, or is not recorded yet."""
        gate = self._route(scope).gate
        return bool(
            gate.under_way or gate.waiting or any(each.scope == scope for each in self._unrecorded)
        )

    # -- for the bot's own requests ----------------------------------------------------------

    async def admit(
        self,
        scope: Scope,
        key: str,
        operation: Operation = Operation.SEND,
        *,
        group: bool = False,
        patience: float = 15.0,
    ) -> Permit:
        """Wait until a request may begin; it goes before what is reserved from now on.

        Args:
            scope: bot, channel and tenant.
            key: the pace key.
            operation: what the request does.
            group: whether the conversation is a group.
            patience: seconds to wait at most. Then it begins all the same, because a person is
                waiting for the answer, and :attr:`impatient` counts it.
        """
        route = self._routes.get(scope) or self._route(scope)
        line = route.line
        if line.free:
            permit = Permit(self._clock.now(), scope, key, operation, group, None, None)
            line.recent.append(permit)
            return permit
        state = line.state(key, operation, group=group)

        def of_key() -> Windows:
            assert state is not None  # noqa: S101 - asked for its own gate only
            return line.windows(state, operation, self._now(), group=group)

        def of_scope() -> Windows:
            return route.windows(self._now())

        left = patience
        # First the key, then the scope: who waits half a minute for a conversation must not keep
        # a slot of the tenant from others.
        if state is not None:
            left = await self._stand(state.gate(operation), of_key, state, left)
        try:
            left = await self._stand(route.gate, of_scope, route, left)
        except BaseException:
            if state is not None:
                state.gate(operation).release(of_key())
            raise
        self.impatient += left < 0
        permit = self._permit(self._now(), scope, key, operation, group, route, state)
        if route.strain is not None and (windows := route.windows(self._latest)):
            # Replies that waited for the end of a pause do not all come at once.
            route.next_reply = self._latest + _interval(windows)
        return permit

    async def admit_if_room(
        self,
        scope: Scope,
        key: str,
        operation: Operation = Operation.SEND,
        *,
        group: bool = False,
    ) -> Permit | None:
        """Leave for a request that nobody misses; None if it could not begin at once."""
        permit = self.reserve(scope, key, operation, group=group)
        if isinstance(permit, Later):
            return None
        if permit.at > self._clock.now():
            self.give_back(permit)
            return None
        return permit

    async def _stand(
        self, gate: Gate, windows: Callable[[], Windows], of: KeyState | Route, left: float
    ) -> float:
        """Wait for a turn and take it.

        Returns:
            Seconds of patience that are left; less than 0 if the turn had not come.
        """
        place = gate.line_up(windows())
        if isinstance(of, Route) and place.at < math.inf:
            place.at = _overtake(of, place.at, self._latest)
        try:
            while (at := max(place.at, of.paused_until())) > (
                now := self._now()
            ) + _ROUNDING and left > 0:
                pause = min(at - now, left)
                called = place.called if place.at == math.inf else self._never
                early = await self._clock.wait(called, pause)
                # Counted by what was waited for: the clock may be set back meanwhile.
                left -= min(pause, max(0.0, self._now() - now)) if early else pause
        except BaseException:
            gate.leave(place, windows())
            self._on_room()
            raise
        if at <= now + _ROUNDING:
            return left
        gate.jump(place)
        return -1.0

    # -- after a 429 -------------------------------------------------------------------------

    def _refused(self, line: Line, permit: Permit, retry_after: float | None, now: float) -> None:
        """A 429 pauses its pace key; several of them pause the scope."""
        scope, key = permit.scope, permit.key
        route = self._route(scope)
        began = permit.at.timestamp()
        state = permit.state or line.keys.open(key)
        strain = self._strain_key(scope, key, state)
        if strain.strike(now, began, retry_after, self._rng):
            if not line.base(state, permit.operation, group=permit.group):
                strain.learn(_seen([each for each in line.recent if each.key == key], line, now))
            state.next_at = strain.until
        route.refused = {
            each: at for each, at in route.refused.items() if now - _WITHIN <= at <= now
        } | {key: now}
        if len(route.refused) < _KEYS:
            return
        whole = self._strain_route(scope, route)
        if whole.strike(now, began, retry_after, self._rng) and not route.base():
            whole.learn(_seen([each for each in line.recent if each.scope == scope], line, now))
        # From here on one by one: whoever waited is not let go at once.
        route.slot = max(route.slot, whole.until)

    def _taken(self, permit: Permit) -> None:
        """The channel took a request: 429s before it are not in a row with those after it."""
        began = permit.at.timestamp()
        for strained in (permit.state, permit.route):
            if strained is not None and strained.strain is not None:
                strained.strain.relax(began)

    # -- within ------------------------------------------------------------------------------

    def _closed_until(self, scope: Scope, route: Route, now: datetime) -> datetime | None:
        """When to ask again for a scope in which nothing may be sent; None if it may."""
        if route.line.profile is not None and not self.keeping.keeps(scope, now):
            return now  # another process decides it by now
        if route.strain is not None and route.strain.until > self._latest:
            return instant(route.strain.until)
        return None

    def _permit(  # noqa: PLR0913, PLR0917 - the fields of a permit
        self,
        at: float,
        scope: Scope,
        key: str,
        operation: Operation,
        group: bool,  # noqa: FBT001 - as in a permit
        route: Route,
        state: KeyState | None,
    ) -> Permit:
        now = self._latest
        permit = Permit(instant(at), scope, key, operation, group, route, state)
        windows = route.windows(now)
        if windows:
            route.slot = max(route.slot, now - _SLACK) + _interval(windows)
        if state is not None and state.strain is not None:
            # While it recovers, the requests of a key come one by one, too.
            of_key = route.line.windows(state, operation, now, group=group)
            state.next_at = at + (of_key[0].seconds / of_key[0].limit if of_key else 0.0)
        if state is None or not windows:
            route.line.recent.append(permit)
        return permit

    def _call(self, permit: Permit, now: float) -> None:
        """Tell replies that wait when they may begin."""
        route, state = permit.route, permit.state
        if route is not None and route.gate.waiting:
            route.gate.call(route.windows(now))
        if route is not None and state is not None:
            gate = state.gate(permit.operation)
            if gate.waiting:
                windows = route.line.windows(state, permit.operation, now, group=permit.group)
                gate.call(windows)


def _opens(route: Route, windows: Windows, now: float) -> float:
    """When the next delivery of a scope may begin."""
    if not windows:
        return now
    return max(route.gate.opens(windows, len(route.gate.waiting)), route.slot)


def _queue(ahead: deque[Permit], permit: Permit, now: float) -> None:
    """Remember a delivery that has leave to begin later, if it is among the next ones."""
    while ahead and ahead[0].at.timestamp() <= now:
        ahead.popleft()
    if len(ahead) < _NEXT:
        ahead.append(permit)


def _overtake(route: Route, at: float, now: float) -> float:
    """Change places with the first delivery that has leave and has not begun.

    Both were allowed for, and to the scope it is all one which of them comes first; its key may
    always begin later.

    Returns:
        When to begin: *at*, or earlier.
    """
    places = ((each.at.timestamp(), each) for each in route.ahead)
    # Whose time has all but come may have begun: clocks are read in steps.
    waiting = (place for place in places if place[0] > now + MARGIN)
    first, other = min(waiting, key=itemgetter(0), default=(at, None))
    if other is None or first >= at:
        return at
    other.at = instant(at)
    return first


def _interval(windows: Windows) -> float:
    """Seconds between slots, so that a load of the shortest window is spread over it."""
    return _HASTE * windows[0].seconds / windows[0].limit


def _ask_again(at: float, windows: Windows, now: float) -> float:
    """When a slot that is free at *at* can be reserved.

    If that takes an answer first, the answer's stamp takes one of the windows to leave.
    """
    if at == math.inf:
        at = now + min(window.seconds for window in windows)
    return max(at - _EARLY, now + 0.001)


def _seen(permits: list[Permit], line: Line, now: float) -> Windows:
    """Windows that would just have allowed these requests, of all that are remembered."""
    full = len(line.recent) == line.recent.maxlen
    since = line.recent[0].at.timestamp() if full else -math.inf
    return observed([each.at.timestamp() for each in permits], since, now)


def _believable(seconds: float | None) -> float | None:
    """A ``Retry-After`` to be kept to; None for one that no channel can mean."""
    return seconds if seconds is not None and 0 <= seconds <= _LONGEST_PAUSE else None
