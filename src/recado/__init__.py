"""Recado lets a bot speak first."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recado.app import Recado, create_server
    from recado.bot.ready.consenting import Consent
    from recado.bot.ready.quiet_hours import QuietHours
    from recado.bot.ready.reminders import Reminders
    from recado.bot.ready.subscriptions import Subscriptions
    from recado.bot.ready.watching import Watching
    from recado.clock import Clock, SystemClock
    from recado.config import Settings, load_settings
    from recado.domain.answer import LongAnswer
    from recado.domain.audience import (
        Conversation,
        EveryConversation,
        Everyone,
        Members,
        Person,
        Several,
        Subscribers,
        Thread,
        Where,
    )
    from recado.domain.delivery import OnUnknown, Outcome, Priority, State
    from recado.domain.event import Emitted, Event
    from recado.domain.notification import BOT_TURN, Progress
    from recado.domain.schedule import Misfire, Schedule, ScheduleState
    from recado.domain.watch import Watch, WatchState
    from recado.errors import RecadoError
    from recado.outbox import Handle

__all__ = [
    "BOT_TURN",
    "Clock",
    "Consent",
    "Conversation",
    "Emitted",
    "Event",
    "EveryConversation",
    "Everyone",
    "Handle",
    "LongAnswer",
    "Members",
    "Misfire",
    "OnUnknown",
    "Outcome",
    "Person",
    "Priority",
    "Progress",
    "QuietHours",
    "Recado",
    "RecadoError",
    "Reminders",
    "Schedule",
    "ScheduleState",
    "Settings",
    "Several",
    "State",
    "Subscribers",
    "Subscriptions",
    "SystemClock",
    "Thread",
    "Watch",
    "WatchState",
    "Watching",
    "Where",
    "create_server",
    "load_settings",
]

#: Where each name lives. They are fetched when asked for, because the web and bot frameworks
#: behind them take most of a second to import and `recado --help` needs neither.
_HOMES = {
    "recado.app": ("Recado", "create_server"),
    "recado.bot.ready.consenting": ("Consent",),
    "recado.bot.ready.quiet_hours": ("QuietHours",),
    "recado.bot.ready.reminders": ("Reminders",),
    "recado.bot.ready.subscriptions": ("Subscriptions",),
    "recado.bot.ready.watching": ("Watching",),
    "recado.clock": ("Clock", "SystemClock"),
    "recado.config": ("Settings", "load_settings"),
    "recado.domain.answer": ("LongAnswer",),
    "recado.domain.audience": (
        "Conversation",
        "EveryConversation",
        "Everyone",
        "Members",
        "Person",
        "Several",
        "Subscribers",
        "Thread",
        "Where",
    ),
    "recado.domain.delivery": ("OnUnknown", "Outcome", "Priority", "State"),
    "recado.domain.event": ("Emitted", "Event"),
    "recado.domain.notification": ("BOT_TURN", "Progress"),
    "recado.domain.schedule": ("Misfire", "Schedule", "ScheduleState"),
    "recado.domain.watch": ("Watch", "WatchState"),
    "recado.errors": ("RecadoError",),
    "recado.outbox": ("Handle",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'recado' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
