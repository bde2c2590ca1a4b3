"""Schedules: what is due, and firing it once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from recado.domain.notification import Notification
from recado.domain.reference import Reference
from recado.domain.schedule import Firing, Occurrence, Schedule, ScheduleState, Timing
from recado.store.port.values import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFilter:
    """Which schedules are wanted; None means any.

    Attributes:
        state: what they do.
        lanes: numbers of references; those that name one of them.
        user_id: the person they are about.
    """

    state: ScheduleState | None = None
    lanes: Sequence[int] | None = None
    user_id: str | None = None


class Said(NamedTuple):
    """One occurrence to be said, or why it cannot be."""

    occurrence: datetime
    notification: Notification | None
    lanes: Sequence[Reference] = ()
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """What is to become of a schedule that is due, decided by what was read of it.

    Attributes:
        schedule: as it was read.
        said: its occurrences that are said now.
        due: what it waits for next; None when it has ended.
        reached: everything up to then is done with.
        trouble: why its rule cannot be worked out any more; it is paused then.
    """

    schedule: Schedule
    said: Sequence[Said]
    due: Occurrence | None
    reached: datetime
    trouble: str | None = None


class ScheduleStore(Protocol):
    """Schedules. A change raises the revision, and whoever decided by an older one does nothing."""

    async def create_schedule(self, schedule: Schedule, lanes: Sequence[int]) -> Schedule:
        """Keep a schedule.

        Args:
            schedule: what is kept.
            lanes: numbers of the references it names, by which it is found.

        Returns:
            It, or the one that there is under its key.

        Raises:
            IdempotencyConflict: its key was used for another one.
        """

    async def schedule(self, bot: str, name: str) -> Schedule | None:
        """A schedule by id, or by key: the one that was not cancelled, or else the newest."""

    async def schedules(
        self, bot: str, wanted: ScheduleFilter, *, after: str | None = None, limit: int = 100
    ) -> Page[Schedule]:
        """Schedules, newest first."""

    async def upcoming_schedules(
        self, bot: str, wanted: ScheduleFilter, limit: int
    ) -> Sequence[Schedule]:
        """Active ones that name a conversation, those that are said next first."""

    async def firings(self, schedule_id: str, limit: int) -> Sequence[Firing]:
        """What became of its occurrences, the latest first."""

    async def firing_of(self, notification_id: str) -> Firing | None:
        """The occurrence that a notification says."""

    async def due_schedules(self, bot: str, now: datetime, limit: int) -> Sequence[Schedule]:
        """Active ones whose time has come, the most overdue first.

        However many there are, this costs what those that are due cost.
        """

    async def next_schedule(self, bot: str) -> datetime | None:
        """When the next active one is due."""

    async def fire_schedules(self, fires: Sequence[Fire], now: datetime) -> Sequence[Firing]:
        """Say what is due, and go on to what comes next, all in one transaction.

        A schedule that has been changed since it was read is left alone; so is one that another
        process fires at this moment. One with ``unless_spoken`` is cancelled if somebody in one of
        its conversations (the person it is about, where it names one) has spoken since it was
        made.

        Returns:
            What became of each occurrence.
        """

    async def run_schedule(self, schedule: Schedule, said: Said, now: datetime) -> Firing:
        """Say it once more, without touching when it is said next.

        Raises:
            TransitionRefused: it has been cancelled.
        """

    async def pause_schedule(self, schedule: Schedule) -> Schedule | None:
        """Let an active one rest; None if it has been changed since it was read."""

    async def retime_schedule(
        self, schedule: Schedule, timing: Timing, due: Occurrence, reached: datetime
    ) -> Schedule | None:
        """Have an active or paused one go on, at other times or those it had; None as above.

        Args:
            schedule: as it was read.
            timing: when it is said from now on.
            due: what it waits for: the first after *reached*.
            reached: everything up to then is done with.
        """

    async def cancel_schedule(self, schedule: Schedule, now: datetime) -> Schedule | None:
        """End an active or paused one; None as above."""
