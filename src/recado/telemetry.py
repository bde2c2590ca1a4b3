"""Everything observable, as frozen values; who wants to know subscribes.

The events are public and stable: docs/observability.md lists them. Adapters stay silent; the
services that use them speak.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields

_log = logging.getLogger("recado")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationAccepted(Event):
    """A notification was committed. *deliveries* is 0 for a broadcast still to be expanded."""

    notification_id: str
    deliveries: int
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(Event):
    """An attempt was settled; the delivery went on to *state*.

    *seconds* is the time the channel took; *waited* the time from acceptance to settlement.
    """

    delivery_id: str
    attempt: int
    outcome: str
    state: str
    reason: str | None
    status: int | None
    channel: str
    seconds: float
    waited: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveriesLost(Event):
    """Attempts of a dead process were taken over."""

    retried: int
    parked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCaptured(Event):
    """A conversation was seen for the first time, or came back and released deliveries."""

    number: int
    new: bool
    released: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFailed(Event):
    """The code of a turn raised. *proactive* tells an own turn from an answer to a person."""

    conversation_id: str
    proactive: bool
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFailed(Event):
    """A background service met an error and will go on after a pause."""

    service: str
    error: str


class Telemetry:
    """Hands events to whoever subscribed; a subscriber's error never reaches the work."""

    def __init__(self) -> None:
        self._subscribers: list[Callable[[Event], None]] = []

    def subscribe(self, subscriber: Callable[[Event], None]) -> None:
        """Have *subscriber* called with every event, in the order they happen."""
        self._subscribers.append(subscriber)

    def emit(self, event: Event) -> None:
        """Tell every subscriber."""
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception:  # noqa: BLE001 - the work goes on, whoever is watching it
                _log.exception("A telemetry subscriber failed on %r.", event)


_LEVELS: dict[type[Event], int] = {
    DeliveriesLost: logging.WARNING,
    TurnFailed: logging.ERROR,
    ServiceFailed: logging.ERROR,
    NotificationAccepted: logging.DEBUG,
    AttemptEnded: logging.DEBUG,
}


def log_event(event: Event) -> None:
    """A subscriber that writes events to the log, the event's name in ``extra["action"]``."""
    level = _LEVELS.get(type(event), logging.INFO)
    if isinstance(event, AttemptEnded) and event.outcome != "delivered":
        level = logging.WARNING
    if not _log.isEnabledFor(level):
        return
    name = type(event).__name__
    facts = {field.name: getattr(event, field.name) for field in fields(event)}
    told = " ".join(f"{key}={value!r}" for key, value in facts.items())
    _log.log(
        level,
        "%s %s",
        name,
        told,
        extra={"action": name, **{f"event_{k}": v for k, v in facts.items()}},
    )
