"""Strain: what a channel's 429 does to a pace key or to a whole scope.

First nothing is sent until the pause is over, then less than the windows allow, and from there
the rate grows back by the second until all of it is used again.
"""

from __future__ import annotations

import math
import random
from typing import Final

from recado.domain.pace import Window, Windows, eased

#: Each episode of 429s leaves this much of the rate, and several leave no less than the floor.
_DECREASE: Final = 0.7
_FLOOR: Final = 0.1
#: How much of the full rate comes back per second: from the floor it takes three minutes.
_RECOVERY: Final = 0.005
#: The rate is cut in steps of this part, so that the windows of a step are made once.
_STEPS: Final = 50

#: Seconds of the longest pause without a ``Retry-After``: at first, and after many in a row.
_FIRST_BOUND: Final = 1.0
_LAST_BOUND: Final = 60.0
_SHORTEST: Final = 0.1
_LONGEST: Final = 86400.0

#: Seconds for which a limit learned from a channel is kept once all of it is used again.
_REMEMBERED: Final = 600.0


class Strain:
    """The pause and the reduced rate after 429s. Instants are seconds.

    Attributes:
        since: when the pause began; that is the first 429 of the last episode.
        until: when it ends.
        reason: why, for people.
        learned: windows found by watching, for what has no published ones.
    """

    __slots__ = ("_factor", "_strikes", "learned", "reason", "since", "until")

    def __init__(self) -> None:
        self.since = self.until = -math.inf
        self.reason = ""
        self.learned: Windows = ()
        self._strikes = 0
        self._factor = 1.0

    def strike(
        self, now: float, began: float, retry_after: float | None, rng: random.Random
    ) -> bool:
        """The channel answered 429.

        Args:
            now: when.
            began: when that request was permitted; one from before the pause adds nothing but
                its own ``Retry-After``.
            retry_after: seconds the channel asked to wait, if it did.
            rng: where jitter comes from.

        Returns:
            Whether this is a new episode.
        """
        new = began > self.since
        if new:
            self._factor = max(_FLOOR, self.factor(now) * _DECREASE)
            self._strikes += 1
            self.since, self.until = now, now
        if retry_after is not None:
            self.pause(now, retry_after, f"HTTP 429, Retry-After {retry_after:g} s")
        elif new:
            # Any moment up to the bound: those who were refused together do not come together.
            bound = min(_FIRST_BOUND * 2 ** min(self._strikes - 1, 16), _LAST_BOUND)
            self.pause(now, rng.uniform(0, bound), "HTTP 429 without Retry-After")
        return new

    def pause(self, now: float, seconds: float, reason: str) -> None:
        """Send nothing for *seconds*, or longer if that is so already."""
        until = now + min(max(seconds, _SHORTEST), _LONGEST)
        if until >= self.until:
            self.until, self.reason = until, reason

    def restore(self, since: float, until: float, reason: str) -> None:
        """A pause from before this process began, which is followed by less than the full rate."""
        self.since, self.until, self.reason = since, min(until, since + _LONGEST), reason
        self._factor, self._strikes = _DECREASE, 1

    def relax(self, began: float) -> None:
        """The channel took a request again; *began* is when that was permitted."""
        if began > self.since:
            self._strikes = 0

    def learn(self, seen: Windows) -> None:
        """Take what was sent when the channel refused as the most it allows."""
        self.learned = self.learned or seen

    def factor(self, now: float) -> float:
        """The part of the full rate that is used at *now*."""
        return min(1.0, self._factor + max(0.0, now - self.until) * _RECOVERY)

    def eased(self, full: Windows, now: float) -> Windows:
        """What is left of *full* windows at *now*."""
        steps = math.floor(self.factor(now) * _STEPS + 1e-9)
        return full if steps >= _STEPS else eased(full, steps / _STEPS)

    def over(self, now: float) -> bool:
        """Whether nothing of it is left."""
        kept = _REMEMBERED if self.learned else 0.0
        return now >= self.until + (1 - self._factor) / _RECOVERY + kept

    def turn_back(self, now: float) -> None:
        """The clock was set back to *now*: a pause does not get longer by it."""
        if self.since > now:
            self.since, self.until = now, now + (self.until - self.since)


def observed(times: list[float], since: float, now: float) -> Windows:
    """Windows that would just have allowed what was sent.

    Args:
        times: when requests began, ascending.
        since: from when on all of them are known.
        now: the present instant.
    """
    span = min(1.0, max(now - since, 0.01))
    second = sum(at > now - 1 for at in times)
    # A second that is known in part only is taken to have been like that part.
    found = (Window(max(1, round(second / span)), 1.0),)
    minute = sum(at > now - 60 for at in times)
    if since > now - 60 or minute <= 2 * second:
        return found  # the minute is not known, or says nothing the second does not
    return (*found, Window(minute, 60.0))
