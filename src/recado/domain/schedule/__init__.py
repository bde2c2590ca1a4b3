"""Schedules: rules that tell times, and what is done about them. Pure: facts in, decision out."""

from recado.domain.schedule.cron import Cron
from recado.domain.schedule.recurrence import Recurrence
from recado.domain.schedule.rules import At, Every, Rule
from recado.domain.schedule.schedule import (
    Firing,
    FiringKind,
    Saying,
    Schedule,
    ScheduleState,
)
from recado.domain.schedule.timing import Decision, Misfire, Occurrence, Timing, decide

__all__ = [
    "At",
    "Cron",
    "Decision",
    "Every",
    "Firing",
    "FiringKind",
    "Misfire",
    "Occurrence",
    "Recurrence",
    "Rule",
    "Saying",
    "Schedule",
    "ScheduleState",
    "Timing",
    "decide",
]
