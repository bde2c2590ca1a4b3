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
class PauseBegan(Event):
    """Something many conversations share is paused: by a breaker, or as a channel asked.

    *kind* is one of :class:`recado.domain.pause.PauseKind`; *of* names the service URL, the bot
    or the tenant.
    """

    kind: str
    of: str
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseEnded(Event):
    """What a breaker had paused works again."""

    kind: str
    of: str


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
class AnswerEnded(Event):
    """A long answer has ended in *state*; *reason* says why if it failed."""

    answer_id: str
    work: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFired(Event):
    """An occurrence of a schedule came to *kind*: fired, spoken or failed.

    *late* is the time from what its rule says to the commit.
    """

    schedule_id: str
    kind: str
    notification_id: str | None
    detail: str | None
    late: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAccepted(Event):
    """Something that happened outside was committed; *watching* watches look at it."""

    event_id: str
    source: str
    subject: str
    watching: int
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchesFired(Event):
    """Watches over *subject* have spoken, *fired* of them in one step."""

    subject: str
    event_id: str
    source: str
    fired: int


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
    PauseBegan: logging.WARNING,
    TurnFailed: logging.ERROR,
    ServiceFailed: logging.ERROR,
    NotificationAccepted: logging.DEBUG,
    EventAccepted: logging.DEBUG,
    ScheduleFired: logging.DEBUG,
    AttemptEnded: logging.DEBUG,
}


def log_event(event: Event) -> None:
    """A subscriber that writes events to the log, the event's name in ``extra["action"]``."""
    level = _LEVELS.get(type(event), logging.INFO)
    if isinstance(event, AttemptEnded) and event.outcome != "delivered":
        level = logging.WARNING
    if isinstance(event, ScheduleFired) and event.kind == "failed":
        level = logging.WARNING
    if not _log.isEnabledFor(level):
        return
    name = type(event).__name__
    facts = {field.name: getattr(event, field.name) for field in fields(event)}
    _log.log(
        level,
        "%s",
        sentence(event),
        extra={"action": name, **{f"event_{k}": v for k, v in facts.items()}},
    )


def sentence(event: Event) -> str:
    """An event in words, for people; programs read its fields."""
    match event:
        case NotificationAccepted():
            many = _count(event.deliveries, "delivery", "deliveries")
            what = many if event.deliveries else "for all it is meant for"
            again = ", as before under its idempotency key" if event.replayed else ""
            told = f"Notification {event.notification_id} accepted: {what}{again}."
        case AttemptEnded():
            told = _attempt(event)
        case DeliveriesLost():
            told = (
                f"Taken over after an unclean end: {event.retried:,} to be tried again, "
                f"{event.parked:,} for a person to decide."
            )
        case PauseBegan():
            told = (
                f"Nothing goes out by the {_plain(event.kind)} {event.of} for "
                f"{event.seconds:.0f} s ({event.reason}): what is due waits in its lane."
            )
        case PauseEnded():
            told = f"The {_plain(event.kind)} {event.of} works again."
        case ReferenceCaptured():
            how = "is new" if event.new else "is back"
            waited = _count(event.released, "delivery that waited", "deliveries that waited")
            told = f"Conversation {event.number} {how}"
            told += f", and {waited} for it can leave." if event.released else "."
        case TurnFailed():
            kind = "A turn of a delivery" if event.proactive else "A turn"
            told = f"{kind} in {event.conversation_id!r} failed: {event.error}."
        case ScheduleFired() | EventAccepted() | WatchesFired() | AnswerEnded():
            told = _happened(event)
        case ServiceFailed():
            told = f"The {event.service} met an error and goes on after a pause: {event.error}"
        case _:
            facts = (f"{each.name}={getattr(event, each.name)!r}" for each in fields(event))
            told = " ".join((type(event).__name__, *facts))
    return told


def _plain(kind: str) -> str:
    return kind.replace("_", " ")


def _attempt(event: AttemptEnded) -> str:
    """What an attempt came to: ``Delivery … to msteams: attempt 2 failed (HTTP 503), …``."""
    why = f" ({event.reason})" if event.reason else ""
    if event.status is not None and event.reason != f"http_{event.status}":
        why = f" (HTTP {event.status}{f', {event.reason}' if event.reason else ''})"
    now = "" if event.state == event.outcome else f", it is {event.state} now"
    return (
        f"Delivery {event.delivery_id} to {event.channel}: attempt {event.attempt} ended "
        f"{event.outcome}{why} after {event.seconds:.1f} s{now}."
    )


def _happened(event: ScheduleFired | EventAccepted | WatchesFired | AnswerEnded) -> str:
    """What a time, an event or a long answer has come to."""
    match event:
        case AnswerEnded():
            why = f" ({event.reason})" if event.reason else ""
            told = f"The long answer {event.answer_id} of {event.work} is {event.state}{why}."
        case ScheduleFired():
            told = _firing(event)
        case EventAccepted():
            again = ", as before" if event.replayed else ""
            looking = _count(event.watching, "watch looks", "watches look")
            told = f"Event {event.event_id} about {event.subject!r} accepted{again}: {looking}."
        case WatchesFired():
            fired = _count(event.fired, "watch has", "watches have")
            told = f"{fired} fired with event {event.event_id} about {event.subject!r}."
    return told


def _firing(event: ScheduleFired) -> str:
    """What an occurrence came to."""
    told = {
        "fired": f"said {event.late:.1f} s after its time (notification {event.notification_id})",
        "spoken": "cancelled, because the person has spoken",
    }.get(event.kind, f"could not be said ({event.detail})")
    return f"Schedule {event.schedule_id}: {told}."


def _count(many: int, one: str, several: str) -> str:
    return f"{many:,} {one if many == 1 else several}"
