"""The rate windows a channel enforces, counted from the outside.

This is the judge of Recado's pace, so it shares no code with it: it keeps the time of every
request that was let through and counts those in the last second, minute, hour, exactly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from recado.testing.calls import Operation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_WINDOW = re.compile(r"(\d+)\s*/\s*(\d+(?:\.\d+)?)?\s*(ms|s|min|m|h)")

#: What a window is counted for.
_KINDS: Mapping[Operation, str] = {
    Operation.CREATE: "create",
    Operation.CONVERSATIONS: "roster",
    Operation.MEMBERS: "roster",
    Operation.MEMBER: "roster",
    Operation.PAGED_MEMBERS: "roster",
    Operation.ACTIVITY_MEMBERS: "roster",
}


@dataclass(frozen=True, slots=True)
class RateWindow:
    """At most *limit* requests within any *seconds*."""

    limit: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.limit}/{self.seconds:g}s"

    @property
    def micros(self) -> int:
        """Its length in microseconds, in which everything is counted: floats would drift."""
        return round(self.seconds * 1e6)


def rate_windows(text: str) -> tuple[RateWindow, ...]:
    """Read ``"7/1s, 8/2s, 1800/1h"``.

    Raises:
        ValueError: it is not written like that.
    """
    parts = [part for part in re.split(r"[,;]?\s+|,", text.strip()) if part]
    windows = []
    for part in parts:
        found = _WINDOW.fullmatch(part)
        if found is None or not int(found[1]):
            raise ValueError(f"{part!r} is not a rate window: write for example 7/1s or 1800/1h.")
        windows.append(RateWindow(int(found[1]), float(found[2] or 1) * _UNITS[found[3]]))
    return tuple(windows)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """The windows of a channel; none where it names none."""

    #: Per pace key: messages, replies, edits, removals.
    send: tuple[RateWindow, ...] = ()
    #: Per pace key: new conversations.
    create: tuple[RateWindow, ...] = ()
    #: Per pace key: members, conversations.
    roster: tuple[RateWindow, ...] = ()
    #: Per tenant: all requests together.
    tenant: tuple[RateWindow, ...] = ()

    @classmethod
    def of(cls, *, send: str = "", create: str = "", roster: str = "", tenant: str = "") -> Self:
        """Read them from text, as :func:`rate_windows` does."""
        return cls(
            send=rate_windows(send),
            create=rate_windows(create),
            roster=rate_windows(roster),
            tenant=rate_windows(tenant),
        )


#: What Teams publishes for one bot ("Rate limiting for bots", 2026-10-08; protocol §4.1).
TEAMS = RateLimits.of(
    send="7/1s 8/2s 60/30s 1800/1h",
    create="7/1s 8/2s 60/30s 1800/1h",
    roster="14/1s 16/2s 120/30s 3600/1h",
    tenant="50/1s",
)
#: Nothing is refused.
UNLIMITED = RateLimits()


def permitted(windows: Iterable[RateWindow], seconds: float) -> float:
    """How many requests no sender can exceed in *seconds*, however it spreads them."""
    return min(
        (each.limit * math.ceil(seconds / each.seconds - 1e-9) for each in windows),
        default=math.inf,
    )


@dataclass(frozen=True, slots=True)
class Excess:
    """One request that was over a limit.

    Attributes:
        key: ``send a:1``, or ``tenant <id>``.
        window: the first window it was over.
        at: when.
        retry_after: seconds until one more would have been let through.
    """

    key: str
    window: RateWindow
    at: datetime
    retry_after: float


@dataclass(slots=True)
class _Log:
    """Times of the requests let through, in microseconds, oldest first."""

    times: list[int] = field(default_factory=list)
    #: Requests ever let through.
    count: int = 0
    #: A second sender.
    rival: _Rival | None = None

    def over(self, windows: tuple[RateWindow, ...], now: int) -> tuple[RateWindow, int] | None:
        """The first window that is full, and for how long; None if none is."""
        full = None
        wait = 0
        for each in windows:
            if len(self.times) >= each.limit:
                left = self.times[-each.limit] + each.micros - now
                if left > 0:
                    full = full or each
                    wait = max(wait, left)
        return None if full is None else (full, wait)

    def add(self, windows: tuple[RateWindow, ...], now: int) -> None:
        self.times.append(now)
        self.count += 1
        if len(self.times) > 2 * max(each.limit for each in windows):
            # Half of them are needed by no window any more.
            del self.times[: len(self.times) // 2]


@dataclass(slots=True)
class _Rival:
    """A second sender: every how many microseconds it sends, when next, and until when."""

    every: int
    next: int
    until: float


class RateJudge:
    """Lets requests through or refuses them, by every window at once.

    A refused request is not counted: it costs the sender no budget, only a 429.

    Attributes:
        limits: the windows.
        excesses: every request that was over one.
        refused: how many there were; *excesses* can be emptied.
    """

    def __init__(self, limits: RateLimits = UNLIMITED) -> None:
        self.limits = limits
        self.excesses: list[Excess] = []
        self.refused = 0
        self._logs: dict[str, _Log] = {}

    def judge(self, operation: Operation, key: str, tenant: str, at: datetime) -> Excess | None:
        """Count one request that arrives now; the excess if it is refused.

        Args:
            operation: what it wants.
            key: its pace key.
            tenant: its tenant, empty if it has none.
            at: when it arrived.
        """
        kind = _KINDS.get(operation, "send")
        scopes = (
            (f"{kind} {key}", self._windows(kind)),
            (f"tenant {tenant}", self.limits.tenant),
        )
        now = (at - _EPOCH) // _MICROSECOND
        counted = []
        for name, windows in scopes:
            if not windows:
                continue
            log = self._logs.get(name) or self._logs.setdefault(name, _Log())
            _let_rival(log, windows, now)
            full = log.over(windows, now)
            if full is not None:
                excess = Excess(name, full[0], at, full[1] / 1e6)
                self.excesses.append(excess)
                self.refused += 1
                return excess
            counted.append((log, windows))
        for log, windows in counted:
            log.add(windows, now)
        return None

    def rival(
        self,
        *,
        at: datetime,
        rate: float,
        seconds: float = math.inf,
        key: str | None = None,
        tenant: str | None = None,
    ) -> None:
        """Let a second sender use up budget from *at* on.

        It sends steadily and, being refused as everybody else, never more than the windows let.

        Args:
            at: when it begins.
            rate: requests a second.
            seconds: for how long.
            key: the pace key it sends to, or
            tenant: the tenant it sends in.
        """
        name = f"send {key}" if key is not None else f"tenant {tenant}"
        begin, every = (at - _EPOCH) // _MICROSECOND, max(1, round(1e6 / rate))
        log = self._logs.setdefault(name, _Log())
        log.rival = _Rival(every, begin + every, begin + seconds * 1e6)

    def count(self, key: str, operation: Operation = Operation.SEND) -> int:
        """How many requests of a pace key were let through."""
        log = self._logs.get(f"{_KINDS.get(operation, 'send')} {key}")
        return 0 if log is None else log.count

    def count_in(self, tenant: str) -> int:
        """How many requests in a tenant were let through."""
        log = self._logs.get(f"tenant {tenant}")
        return 0 if log is None else log.count

    def share(self, key: str, seconds: float, operation: Operation = Operation.SEND) -> float:
        """What part of the permitted requests a pace key got through, from 0 to 1.

        Args:
            key: the pace key.
            seconds: in how long, from its first request on.
            operation: which windows.
        """
        windows = self._windows(_KINDS.get(operation, "send"))
        return self.count(key, operation) / permitted(windows, seconds)

    def share_in(self, tenant: str, seconds: float) -> float:
        """What part of the permitted requests a tenant got through, from 0 to 1."""
        return self.count_in(tenant) / permitted(self.limits.tenant, seconds)

    def _windows(self, kind: str) -> tuple[RateWindow, ...]:
        if kind == "create":
            return self.limits.create
        return self.limits.roster if kind == "roster" else self.limits.send


def _let_rival(log: _Log, windows: tuple[RateWindow, ...], now: int) -> None:
    """What the second sender has sent since anybody looked."""
    rival = log.rival
    while rival is not None and rival.next <= min(now, rival.until):
        if log.over(windows, rival.next) is None:
            log.add(windows, rival.next)
        rival.next += rival.every
