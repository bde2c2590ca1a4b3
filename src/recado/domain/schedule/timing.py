"""Timing: a rule in a zone, between two instants; and what is done about the times that passed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from recado.domain.schedule.rules import Rule
from recado.domain.zones import zone_of

_MICROSECOND: Final = timedelta(microseconds=1)
#: What is skipped when it is late may be late by this much, so that a restart skips nothing.
GRACE: Final = timedelta(minutes=1)
#: Of what is made up for, so much in one step.
_AT_ONCE: Final = 50


class Misfire(StrEnum):
    """What becomes of occurrences whose time passed while nobody was there to say them."""

    ONCE = "once"  # all of them are made up for by saying it once
    ALL = "all"  # each is said
    SKIP = "skip"  # none is, once it is more than a minute late


class Occurrence(NamedTuple):
    """One of the times of a schedule."""

    #: What the rule says.
    at: datetime
    #: When it is said: later by up to the schedule's jitter.
    fires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When something is to be said."""

    rule: Rule
    #: Name in the IANA database.
    zone: str
    #: Nothing before.
    start: datetime | None = None
    #: Nothing after.
    until: datetime | None = None
    jitter: timedelta | None = None
    misfire: Misfire = Misfire.ONCE
    #: What is later than this is not made up for.
    late_limit: timedelta | None = None

    def next(self, after: datetime, seed: str = "") -> Occurrence | None:
        """The first occurrence after an instant; None if there is none.

        Args:
            after: an instant in UTC.
            seed: what tells its jitter from that of others, as its schedule's id.

        Raises:
            UnknownZone: the zone database has its zone no more.
        """
        if self.start is not None:
            after = max(after, self.start - _MICROSECOND)
        at = self.rule.next(after, zone_of(self.zone))
        if at is None or (self.until is not None and at > self.until):
            return None
        return Occurrence(at, at + self._late_by(at, seed))

    def _late_by(self, at: datetime, seed: str) -> timedelta:
        """Between nothing and the jitter: the same for the same occurrence, whoever asks."""
        if not self.jitter:
            return timedelta(0)
        digest = hashlib.sha256(f"{seed}:{at.isoformat()}".encode()).digest()
        return self.jitter * (int.from_bytes(digest[:8]) / 2**64)


class Decision(NamedTuple):
    """What is to be done about a schedule that is due."""

    #: What is to be said now.
    fire: Sequence[datetime]
    #: What comes next; None when it has ended.
    next: Occurrence | None
    #: What comes next is the first after this.
    reached: datetime


def decide(timing: Timing, reached: datetime, now: datetime, seed: str = "") -> Decision:
    """What is to be said of a schedule that is due, and when it is due again.

    Args:
        timing: its own.
        reached: how far it has come: everything up to then is done with.
        now: the present instant.
        seed: as for :meth:`Timing.next`.

    Raises:
        UnknownZone: the zone database has its zone no more.
    """
    # Worked out anew, because the zone database may have been renewed since.
    due = timing.next(reached, seed)
    limit = GRACE if timing.misfire is Misfire.SKIP else timing.late_limit
    if limit is not None and due is not None and now - due.fires_at > limit:
        # Not the oldest, then, but the first that is not too late.
        reached, due = _since(timing, reached, now - limit, seed)
    if due is None or due.fires_at > now:
        return Decision((), due, reached)
    if timing.misfire is Misfire.ALL:
        return _each(timing, due, now, limit, seed)
    following = timing.next(due.at, seed)
    if following is None or following.fires_at > now:
        return Decision((due.at,), following, due.at)
    # What passed meanwhile is made up for by this one.
    reached, following = _since(timing, due.at, now + _MICROSECOND, seed)
    return Decision((due.at,), following, reached)


def _since(
    timing: Timing, reached: datetime, fires: datetime, seed: str
) -> tuple[datetime, Occurrence | None]:
    """The first that is not said before a time, and how far that has brought the schedule."""
    reached = max(reached, fires - (timing.jitter or timedelta(0)) - _MICROSECOND)
    found = timing.next(reached, seed)
    while found is not None and found.fires_at < fires:
        reached = found.at
        found = timing.next(reached, seed)
    return reached, found


def _each(
    timing: Timing, first: Occurrence, now: datetime, limit: timedelta | None, seed: str
) -> Decision:
    """Everything that is due and not too late, so far as it is done in one step."""
    fire, reached = [first.at], first.at
    following = timing.next(reached, seed)
    while following is not None and following.fires_at <= now and len(fire) < _AT_ONCE:
        reached = following.at
        # With a jitter it may have been to be said before the one it follows.
        if limit is None or now - following.fires_at <= limit:
            fire.append(reached)
        following = timing.next(reached, seed)
    return Decision(fire, following, reached)
