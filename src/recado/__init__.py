"""Recado lets a bot speak first."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recado.app import Recado, create_server
    from recado.clock import Clock, SystemClock
    from recado.config import Settings, load_settings
    from recado.domain.audience import (
        Conversation,
        EveryConversation,
        Everyone,
        Members,
        Person,
        Several,
        Thread,
        Where,
    )
    from recado.domain.delivery import OnUnknown, Outcome, Priority, State
    from recado.domain.notification import BOT_TURN, Progress
    from recado.errors import RecadoError
    from recado.outbox import Handle

__all__ = [
    "BOT_TURN",
    "Clock",
    "Conversation",
    "EveryConversation",
    "Everyone",
    "Handle",
    "Members",
    "OnUnknown",
    "Outcome",
    "Person",
    "Priority",
    "Progress",
    "Recado",
    "RecadoError",
    "Settings",
    "Several",
    "State",
    "SystemClock",
    "Thread",
    "Where",
    "create_server",
    "load_settings",
]

#: Where each name lives. They are fetched when asked for, because the web and bot frameworks
#: behind them take most of a second to import and `recado --help` needs neither.
_HOMES = {
    "recado.app": ("Recado", "create_server"),
    "recado.clock": ("Clock", "SystemClock"),
    "recado.config": ("Settings", "load_settings"),
    "recado.domain.audience": (
        "Conversation",
        "EveryConversation",
        "Everyone",
        "Members",
        "Person",
        "Several",
        "Thread",
        "Where",
    ),
    "recado.domain.delivery": ("OnUnknown", "Outcome", "Priority", "State"),
    "recado.domain.notification": ("BOT_TURN", "Progress"),
    "recado.errors": ("RecadoError",),
    "recado.outbox": ("Handle",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'recado' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
