"""How fast a channel may be spoken to: windows, profiles, and what follows from both.

Time is an argument here, in seconds since any fixed instant; nothing reads a clock.
"""

from __future__ import annotations

import math
import re
from array import array
from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

#: Seconds added to every window: clocks are read in steps, and an instant is kept in microseconds.
MARGIN: Final = 0.001

#: How often a tally looks whether it keeps too much: every so many stamps.
_LOOK: Final = 64

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_WINDOW: Final = re.compile(r"(\d{1,9})/(\d{0,9}(?:\.\d{1,6})?)(ms|s|min|m|h|d)")
_LONGEST: Final = 86400.0 * 7  # seconds; a window of more is a mistake in writing


class Operation(StrEnum):
    """What a request does, as far as channels count it separately."""

    #: Everything about one activity: send, reply, typing, edit, delete.
    SEND = "send"
    #: Making a conversation.
    CREATE = "create"
    #: Reading who is in a conversation, or which conversations there are.
    ROSTER = "roster"


@dataclass(frozen=True, slots=True)
class Window:
    """At most *limit* requests in any *seconds*.

    Raises:
        ValueError: one of them is not positive.
    """

    limit: int
    seconds: float

    def __post_init__(self) -> None:
        if self.limit < 1 or not 0 < self.seconds <= _LONGEST:
            raise ValueError("a window allows 1 or more in up to 7 days")

    def __str__(self) -> str:
        for unit in ("d", "h", "m", "s"):
            many = self.seconds / _UNITS[unit]
            if many >= 1 and many == int(many):
                return f"{self.limit}/{int(many)}{unit}"
        return f"{self.limit}/{self.seconds * 1000:g}ms"


#: Windows that hold at once, the shortest first. None of them means no limit.
Windows = tuple[Window, ...]


def read_windows(text: str) -> Windows:
    """Read the short form, for example ``7/1s 8/2s 60/30s 1800/1h``.

    Units are ``ms``, ``s``, ``m`` (or ``min``), ``h`` and ``d``; ``20/min`` is ``20/1m``.

    Raises:
        ValueError: it is not written like that.
    """
    windows = []
    for word in text.replace(",", " ").split():
        found = _WINDOW.fullmatch(word)
        if found is None:
            raise ValueError("write a limit as requests/time, for example 7/1s 60/30s 1800/1h")
        windows.append(Window(int(found[1]), float(found[2] or 1) * _UNITS[found[3]]))
    if not windows:
        raise ValueError("write at least one limit, for example 30/1s, or null for none")
    return in_order(windows)


def write_windows(windows: Windows) -> str:
    """The short form; empty for no limit."""
    return " ".join(map(str, windows))


def in_order(windows: Iterable[Window]) -> Windows:
    """Windows, the shortest first."""
    return tuple(sorted(windows, key=lambda window: (window.seconds, window.limit)))


@lru_cache(maxsize=4096)
def eased(windows: Windows, factor: float) -> Windows:
    """The same windows at a fraction of their rate.

    The limit shrinks, and where less than one would be left, the time grows instead.
    """
    return tuple(_eased(window, factor) for window in windows)


def _eased(window: Window, factor: float) -> Window:
    allowed = window.limit * factor
    if allowed >= 1:
        # A product like 10 * 0.7 may come out just under the whole number it means.
        return Window(math.floor(allowed + 1e-9), window.seconds)
    return Window(1, min(window.seconds / allowed, _LONGEST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a channel allows one bot: windows for each pace key, and for a whole tenant.

    Attributes:
        send: windows of a pace key for requests about activities.
        create: for making conversations.
        roster: for reading who is where.
        group: for *send* in group conversations, where they differ; None where they do not.
        tenant: for all operations of the bot in one tenant together.
        source: where the figures are published.
    """

    send: Windows = ()
    create: Windows = ()
    roster: Windows = ()
    group: Windows | None = None
    tenant: Windows = ()
    source: str = ""

    def windows(self, operation: Operation, *, group: bool = False) -> Windows:
        """The windows of one pace key."""
        if operation is Operation.SEND:
            return self.group if group and self.group is not None else self.send
        return self.create if operation is Operation.CREATE else self.roster

    def all_windows(self, operation: Operation) -> Windows:
        """The windows of one pace key, whether its conversation is a group or not."""
        return self.windows(operation) + self.windows(operation, group=True)

    @property
    def unlimited(self) -> bool:
        """Whether nothing is limited."""
        return not (self.send or self.create or self.roster or self.group or self.tenant)

    def changed(self, parts: Mapping[str, str | None]) -> Profile:
        """The profile with some of its windows replaced.

        Args:
            parts: new windows in the short form by name (``send``, ``create``, ``roster``,
                ``group``, ``tenant``); None for no limit.

        Raises:
            ValueError: a name is unknown, or windows are malformed.
        """
        changes: dict[str, Any] = {}
        for name, text in parts.items():
            if name not in PARTS:
                raise ValueError(f"a pace has the parts {', '.join(PARTS)}")
            changes[name] = () if text is None else read_windows(text)
        return replace(self, **changes) if changes else self


#: What can be set of a profile.
PARTS: Final = ("send", "create", "roster", "group", "tenant")


class Tally:
    """Requests counted against windows: when those answered were answered, and how many are not.

    Why a channel that counts arrivals never sees more than L in W: take any L + 1 requests, r
    the one permitted last. When r was permitted, at most L - 1 of the others were under way or
    were to have been answered less than W before r begins; so one of them, q, was answered W or
    more before, and

        begin of r  >=  answer to q + W  >=  arrival of q + W.

    r arrives no earlier than it begins, so q and r are not in one window. A stamp made when a
    request is sent proves nothing: the network decides when it arrives.
    """

    __slots__ = ("stamps", "under_way")

    def __init__(self) -> None:
        #: When requests were answered, in ascending order: 8 bytes each.
        self.stamps = array("d")
        #: Requests that were permitted and have not been answered.
        self.under_way = 0

    def opens(self, windows: Windows, ahead: int = 0) -> float:
        """When one more request may begin.

        Args:
            windows: what holds, all at once.
            ahead: requests that go first and are not counted yet.

        Returns:
            An instant, which may have passed; minus infinity when nothing stands against it,
            infinity when it takes an answer first.
        """
        counted = self.under_way + ahead
        known = len(self.stamps)
        latest = -math.inf
        for window in windows:
            spare = window.limit - counted
            if spare <= 0:
                return math.inf
            if known >= spare:
                # The oldest of the last `spare` answers has to leave the window.
                latest = max(latest, self.stamps[known - spare] + window.seconds + MARGIN)
        return latest

    def room(self, windows: Windows, until: float, ahead: int = 0) -> int:
        """How many more requests may begin at *until* or before; *windows* has at least one."""
        counted = self.under_way + ahead
        stamps = self.stamps
        return min(
            window.limit
            - counted
            - (len(stamps) - bisect_right(stamps, until - window.seconds - MARGIN))
            for window in windows
        )

    def begin(self) -> None:
        """A request was permitted."""
        self.under_way += 1

    def give_back(self) -> None:
        """A permitted request was not sent."""
        self.under_way -= 1

    def end(self, at: float, windows: Windows) -> None:
        """A request was answered (or will not be)."""
        self.under_way -= 1
        self.stamp(at, windows)

    def stamp(self, at: float, windows: Windows) -> None:
        """Count an answer of which it was not known that it was under way."""
        if self.stamps and at < self.stamps[-1]:
            insort(self.stamps, at)
        else:
            self.stamps.append(at)
        if len(self.stamps) % _LOOK:
            return
        keep = max((window.limit for window in windows), default=0)
        if len(self.stamps) > 2 * keep:
            del self.stamps[: len(self.stamps) - keep]

    def turn_back(self, now: float) -> None:
        """The clock was set back to *now*: what it stamped later has happened, so it is now."""
        stamps = self.stamps
        for index in range(bisect_right(stamps, now), len(stamps)):
            stamps[index] = now


def duration(
    profile: Profile | None,
    tenants: Iterable[int],
    keys: Iterable[int] = (),
    groups: Iterable[int] = (),
) -> timedelta:
    """How long deliveries take when nothing but the channel's pace holds them up.

    Deliveries of one tenant are spread evenly; those of one pace key go as early as they may.

    Args:
        profile: of the channel; None without one.
        tenants: how many deliveries each tenant has.
        keys: how many each pace key has; leave keys with one away.
        groups: the same for pace keys of group conversations, which *keys* then leaves away.
    """
    if profile is None:
        return timedelta(0)
    in_group = profile.windows(Operation.SEND, group=True)
    seconds = max(
        max((_spread(profile.tenant, many) for many in tenants), default=0.0),
        max((_packed(profile.send, many) for many in keys), default=0.0),
        max((_packed(in_group, many) for many in groups), default=0.0),
    )
    return timedelta(seconds=seconds)


def _packed(windows: Windows, many: int) -> float:
    """Seconds from the first to the last of *many* requests, each as early as it may.

    A window lets a full load through, then the next one after its time; inside a load the
    shorter windows do the same.
    """
    seconds, left = 0.0, max(many - 1, 0)
    for window in sorted(windows, key=lambda window: -window.seconds):
        times, left = divmod(left, window.limit)
        seconds += times * window.seconds
    return seconds


def _spread(windows: Windows, many: int) -> float:
    """Seconds that *many* requests take when a load of the shortest window is spread over it."""
    if not windows:
        return 0.0
    seconds = many * windows[0].seconds / windows[0].limit
    return max(seconds, _packed(windows[1:], many))
