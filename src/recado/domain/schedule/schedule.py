"""The schedule: something to say at times that a rule tells."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from recado.domain.audience import Audience, written
from recado.domain.schedule import rules
from recado.domain.schedule.rules import Rule
from recado.domain.schedule.timing import Occurrence, Timing
from recado.domain.text import json_text


class ScheduleState(StrEnum):
    """What a schedule does."""

    ACTIVE = "active"
    PAUSED = "paused"
    DONE = "done"  # it has no occurrence left
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing will come of it any more."""
        return self in (ScheduleState.DONE, ScheduleState.CANCELLED)


class FiringKind(StrEnum):
    """What became of one occurrence."""

    FIRED = "fired"  # a notification was accepted
    RUN = "run"  # one was accepted because somebody asked for it
    SPOKEN = "spoken"  # the person had spoken, so the schedule was cancelled
    FAILED = "failed"  # nothing could be said, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """What became of one occurrence of a schedule."""

    schedule_id: str
    #: What the rule says; when it was asked for, of a run.
    occurrence: datetime
    fired_at: datetime
    kind: FiringKind
    #: The notification that was accepted, if one was.
    notification_id: str | None = None
    #: Why nothing could be said.
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What is said, to whom, and how."""

    audience: Audience
    #: The activity as JSON, if no handler decides.
    content: str | None = None
    #: The options of ``notify`` that were given, as JSON.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: How long after it was said it is still worth delivering.
    expires_after: timedelta | None = None
    #: Since when its recipient has asked for it.
    asked_at: datetime | None = None
    #: Whether it is cancelled once the person has spoken in that conversation.
    unless_spoken: bool = False

    @property
    def user_id(self) -> str | None:
        """The person it is about in a group."""
        user = self.options.get("user")
        return user.get("id") if isinstance(user, Mapping) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Something to say at times that a rule tells."""

    #: Sorts by when it was made.
    id: str
    bot: str
    saying: Saying
    timing: Timing
    created_at: datetime
    #: Everything up to then is done with.
    reached: datetime
    state: ScheduleState = ScheduleState.ACTIVE
    #: What it waits for; of a paused one, what it waited for.
    due: Occurrence | None = None
    #: The caller's own name for it.
    key: str | None = None
    #: What it is, for people.
    title: str | None = None
    #: Grows with every change, so that nobody acts on what is no longer so.
    revision: int = 0
    #: How many occurrences have been said.
    fired: int = 0
    last_fired_at: datetime | None = None
    ended_at: datetime | None = None
    #: Why it is paused or cancelled, if that was not asked for.
    reason: str | None = None
    fingerprint: str = ""

    @property
    def rule(self) -> Rule:
        """When it is said."""
        return self.timing.rule

    @property
    def zone(self) -> str:
        """Whose clock on the wall its rule is about."""
        return self.timing.zone

    @property
    def audience(self) -> Audience:
        """Whom it is said to."""
        return self.saying.audience

    @property
    def next_at(self) -> datetime | None:
        """When it is said next; None if it will not be."""
        return self.due.fires_at if self.due and self.state is ScheduleState.ACTIVE else None

    @property
    def repeats(self) -> bool:
        """Whether it may be said more than once."""
        return rules.repeats(self.rule)

    @property
    def rule_text(self) -> str:
        """Its rule in short, for people."""
        return rules.described(self.rule)

    def repeated_by(self, key: str | None, fingerprint: str) -> bool:
        """Whether a request under *key* asks for this one again."""
        alive = self.state is not ScheduleState.CANCELLED
        return alive and self.key == key and self.fingerprint == fingerprint

    def occurrences(self) -> Iterator[Occurrence]:
        """What it will come to next, if nobody changes it; each is worked out when it is taken.

        Raises:
            UnknownZone: the zone database has its zone no more.
        """
        following = self.due if self.state is ScheduleState.ACTIVE else None
        while following is not None:
            yield following
            following = self.timing.next(following.at, self.id)


def fingerprint(saying: Saying, asked: Mapping[str, Any], title: str | None) -> str:
    """A digest of what a caller asked for, to tell a repetition from a different request.

    Args:
        saying: what is said.
        asked: when, as it was asked for: the same delay is the same request a moment later.
        title: what it is.
    """
    told: Sequence[Any] = [
        written(saying.audience),
        saying.content,
        saying.options,
        str(saying.expires_after),
        saying.unless_spoken,
        asked,
        title,
    ]
    return hashlib.sha256(json_text(told).encode()).hexdigest()
