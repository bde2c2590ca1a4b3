"""A simulated world for the pacer: senders, a network, and a channel that counts arrivals.

The channel is an independent judge: it knows windows and arrivals, and nothing of the pacer.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from recado.channel.pacing import Later, Pacer, Permit
from recado.channel.profiles import profiles
from recado.domain.policy import Answer
from recado.domain.scope import Scope
from recado.testing import START, HandClock

#: Limit and seconds.
Rule = tuple[int, float]

TEAMS_KEY: Sequence[Rule] = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
TEAMS_TENANT: Sequence[Rule] = ((50, 1.0),)
TENANT = Scope("bot", "msteams", "tenant-1")
TAKEN = Answer(status=200, activity_id="1")
FREE = Scope("bot", "emulator", "tenant-1")


def refusal(retry_after: float | None = None) -> Answer:
    """A 429."""
    return Answer(status=429, code="Throttled", retry_after=retry_after)


class Judge:
    """Counts arrivals in sliding windows; says which are too many."""

    def __init__(self, *rules: Rule) -> None:
        self.rules = rules
        self.arrivals: list[float] = []
        self.violations = 0

    def counts(self, at: float) -> bool:
        """Count an arrival; whether it is within every window. Arrivals come in order."""
        within = all(
            len(self.arrivals) < limit or at - self.arrivals[-limit] >= seconds
            for limit, seconds in self.rules
        )
        self.arrivals.append(at)
        self.violations += not within
        return within


class World:
    """Time, a network and a channel. Seconds count from the start of the clock.

    Args:
        pacer: makes the pacer from the clock.
        trip: seconds a request takes to the channel, and its answer back.
        enforce: whether the channel refuses what is too many.
    """

    def __init__(
        self,
        pacer: Callable[[HandClock], Pacer],
        trip: Callable[[], tuple[float, float]],
        *,
        enforce: bool = False,
        key_rules: Sequence[Rule] = TEAMS_KEY,
        tenant_rules: Sequence[Rule] = TEAMS_TENANT,
        retry_after: float | None = 2.0,
    ) -> None:
        self.clock = HandClock()
        self.pacer = pacer(self.clock)
        self.trip = trip
        self.enforce = enforce
        self.retry_after = retry_after
        self.tenant = Judge(*tenant_rules)
        self.keys: dict[str, Judge] = {}
        self.key_rules = key_rules
        self.statuses: Counter[int] = Counter()
        #: When each request arrived, and which status it got.
        self.log: list[tuple[float, str, int]] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    @property
    def now(self) -> float:
        return (self.clock.now() - START).total_seconds()

    @property
    def violations(self) -> int:
        return self.tenant.violations + sum(judge.violations for judge in self.keys.values())

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Have something happen."""
        heapq.heappush(self._events, (when, next(self._numbers), what))

    def run(self, until: float) -> None:
        """Let happen what happens before *until*."""
        while self._events and self._events[0][0] < until:
            when, _, what = heapq.heappop(self._events)
            self.clock.set(START + timedelta(seconds=max(when, self.now)))
            what()
        self.clock.set(START + timedelta(seconds=until))

    def send(self, permit: Permit, ended: Callable[[Answer], None]) -> None:
        """Make a permitted request at its time."""
        there, back = self.trip()
        begin = max(seconds(permit.at), self.now)

        def arrive() -> None:
            answer = self.arrive(permit.key)
            self.at(self.now + back, lambda: end(answer))

        def end(answer: Answer) -> None:
            self.pacer.ended(permit, answer)
            ended(answer)

        self.at(begin + there, arrive)

    def arrive(self, key: str) -> Answer:
        """A request arrives, of ours or of somebody else who shares the budget."""
        key = key.partition(";messageid=")[0]
        judge = self.keys.get(key) or self.keys.setdefault(key, Judge(*self.key_rules))
        within = self.tenant.counts(self.now) & judge.counts(self.now)
        answer = TAKEN if within or not self.enforce else refusal(self.retry_after)
        self.statuses[answer.status or 0] += 1
        self.log.append((self.now, key, answer.status or 0))
        return answer


class Sender:
    """What a dispatcher does: one delivery per lane at a time, as many as there is room for.

    Args:
        lanes: pace keys; each has deliveries without end, or *each* of them.
    """

    def __init__(
        self, world: World, lanes: Sequence[str], *, scope: Scope = TENANT, each: int = 10**9
    ) -> None:
        self.world = world
        self.scope = scope
        self.due = deque((lane, each) for lane in lanes)
        #: Permits that turned out not to be there although there was room.
        self.disappointed = 0
        self._asleep_until: float | None = None
        self.wake()

    def wake(self) -> None:
        """Begin what may begin, and come back when more may."""
        pacer = self.world.pacer
        room = pacer.room(self.scope)
        room = len(self.due) if room is None else room
        for _ in range(min(room, len(self.due))):
            key, left = self.due.popleft()
            leave = pacer.reserve(self.scope, key)
            if isinstance(leave, Permit):
                self._send(leave, left)
            elif leave.whole:
                self.disappointed += 1
                self.due.appendleft((key, left))
                break
            else:
                self._wait(leave, key, left)
        free_at = pacer.free_at(self.scope) if self.due else None
        if free_at is not None:
            self._sleep(seconds(free_at))

    def _send(self, permit: Permit, left: int) -> None:
        def ended(answer: Answer) -> None:
            again = left - answer.ok
            if again:
                self.due.append((permit.key, again))
                self.wake()

        self.world.send(permit, ended)

    def _wait(self, leave: Later, key: str, left: int) -> None:
        def back() -> None:
            self.due.append((key, left))
            self.wake()

        self.world.at(seconds(leave.until), back)

    def _sleep(self, until: float) -> None:
        if self._asleep_until is not None and self.world.now < self._asleep_until <= until:
            return
        self._asleep_until = until
        self.world.at(until, self.wake)


def seconds(at: datetime) -> float:
    """Seconds since the start of the clock; never before the instant it means."""
    return (at - START).total_seconds()


def trips(
    rng: random.Random, middle: float, spread: float = 0.0
) -> Callable[[], tuple[float, float]]:
    """Round trips of *middle* ± *spread* seconds, divided anyhow between there and back."""

    def trip() -> tuple[float, float]:
        whole = rng.uniform(middle - spread, middle + spread)
        there = whole * rng.random()
        return there, whole - there

    return trip


def make_pacer(clock: HandClock | None = None, **parts: str | None) -> Pacer:
    """A pacer of Teams' pace, but for what is said of its parts."""
    return Pacer(clock or HandClock(), profiles({"msteams": parts}), rng=random.Random(7))  # noqa: S311 - jitter


def permit_of(leave: Permit | Later) -> Permit:
    """The permit that there has to be."""
    assert isinstance(leave, Permit), leave
    return leave


def later_of(leave: Permit | Later) -> Later:
    """The refusal that there has to be."""
    assert isinstance(leave, Later)
    return leave


def make_request(
    pacer: Pacer, key: str = "a:1", answer: Answer = TAKEN, *, scope: Scope = TENANT
) -> None:
    """One request that is answered at once."""
    pacer.ended(permit_of(pacer.reserve(scope, key)), answer)


def count_second(pacer: Pacer, clock: HandClock, scope: Scope, key: str | None = None) -> int:
    """How many requests can begin in the next second, in one conversation or in new ones."""
    until, sent = clock.now() + timedelta(seconds=1), 0
    while True:
        leave = pacer.reserve(scope, key or f"{clock.now()}:{sent}")
        clock.set(max(clock.now(), leave.at if isinstance(leave, Permit) else leave.until))
        if clock.now() >= until:
            return sent
        if isinstance(leave, Permit):
            pacer.ended(leave, TAKEN)
            sent += 1
