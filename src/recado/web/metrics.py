"""``/metrics``: what telemetry tells, added up for Prometheus, and the backlog at this moment."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from recado.clock import Clock
from recado.config import Settings
from recado.domain.delivery import FINAL, State
from recado.errors import StoreError
from recado.store.port import Store
from recado.telemetry import (
    AttemptEnded,
    DeliveriesLost,
    Event,
    EventAccepted,
    NotificationAccepted,
    ReferenceCaptured,
    ScheduleFired,
    ServiceFailed,
    TurnFailed,
    WatchesFired,
)
from recado.web.auth import KeyCheck

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LONG_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86400)

#: Reasons come from channels' answers; no more different ones are counted than this.
_MOST_VALUES = 100


class _Bounded:
    """Lets so many different values of a label through and calls the rest ``other``."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def __call__(self, value: str) -> str:
        if value not in self._seen:
            if len(self._seen) >= _MOST_VALUES:
                return "other"
            self._seen.add(value)
        return value


class Metrics:
    """A telemetry subscriber that counts, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._reason, self._channel = _Bounded(), _Bounded()
        self._accepted = Counter(
            "recado_notifications_accepted",
            "Notifications committed",
            ["replayed"],
            registry=registry,
        )
        self._attempts = Counter(
            "recado_attempts",
            "Attempts that ended",
            ["outcome", "state", "reason", "channel"],
            registry=registry,
        )
        self._channel_seconds = Histogram(
            "recado_channel_seconds",
            "Time a channel took to answer",
            ["channel"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._delivery_seconds = Histogram(
            "recado_delivery_seconds",
            "Time from acceptance to the end of a delivery",
            ["channel", "state"],
            buckets=_LONG_SECONDS,
            registry=registry,
        )
        self._lost = Counter(
            "recado_deliveries_lost",
            "Attempts of dead processes taken over",
            ["then"],
            registry=registry,
        )
        self._captured = Counter(
            "recado_references_captured",
            "Conversations that were new or came back",
            ["new"],
            registry=registry,
        )
        self._released = Counter(
            "recado_deliveries_released",
            "Deliveries released because their conversation is back",
            registry=registry,
        )
        self._schedules = Counter(
            "recado_schedule_occurrences",
            "Occurrences of schedules by what they came to",
            ["kind"],
            registry=registry,
        )
        self._schedules_late = Histogram(
            "recado_schedule_late_seconds",
            "Time from what a schedule's rule says to its commit",
            buckets=_LONG_SECONDS,
            registry=registry,
        )
        self._events = Counter(
            "recado_events_accepted", "Events committed", ["replayed"], registry=registry
        )
        self._fired = Counter("recado_watches_fired", "Watches that spoke", registry=registry)
        self._turns = Counter(
            "recado_turns_failed", "Turns whose code raised", ["proactive"], registry=registry
        )
        self._services = Counter(
            "recado_service_failures",
            "Errors of background services",
            ["service"],
            registry=registry,
        )
        self.backlog = Gauge(
            "recado_backlog", "Deliveries that have not ended", ["state"], registry=registry
        )
        self.oldest = Gauge(
            "recado_oldest_waiting_seconds",
            "Since when the longest-waiting due delivery is due",
            registry=registry,
        )
        self.references = Gauge("recado_references", "Conversations known", registry=registry)
        self.expanding = Gauge("recado_expanding", "Broadcasts not yet expanded", registry=registry)
        self.store_up = Gauge("recado_store_up", "Whether the database answered", registry=registry)

    def __call__(self, event: Event) -> None:
        match event:
            case NotificationAccepted():
                self._accepted.labels(_flag(event.replayed)).inc()
            case AttemptEnded():
                self._attempt(event)
            case DeliveriesLost():
                self._lost.labels("retried").inc(event.retried)
                self._lost.labels("parked").inc(event.parked)
            case ReferenceCaptured():
                self._captured.labels(_flag(event.new)).inc()
                self._released.inc(event.released)
            case ScheduleFired():
                self._schedules.labels(event.kind).inc()
                self._schedules_late.observe(max(event.late, 0.0))
            case EventAccepted():
                self._events.labels(_flag(event.replayed)).inc()
            case WatchesFired():
                self._fired.inc(event.fired)
            case TurnFailed():
                self._turns.labels(_flag(event.proactive)).inc()
            case ServiceFailed():
                self._services.labels(event.service).inc()
            case _:
                pass

    def _attempt(self, event: AttemptEnded) -> None:
        channel = self._channel(event.channel)
        reason = self._reason(event.reason or "")
        self._attempts.labels(event.outcome, event.state, reason, channel).inc()
        self._channel_seconds.labels(channel).observe(event.seconds)
        if event.state in FINAL:
            self._delivery_seconds.labels(channel, event.state).observe(event.waited)


def metrics_routes(metrics: Metrics, store: Store, clock: Clock, settings: Settings) -> APIRouter:
    """The scrape endpoint; open on loopback, for keys where other machines can reach it."""
    guards = [Depends(KeyCheck(settings))] if settings.exposed else []
    router = APIRouter(tags=["operation"], dependencies=guards)

    @router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
    async def scrape() -> Response:
        try:
            backlog = await store.backlog()
        except StoreError:
            metrics.store_up.set(0)
        else:
            metrics.store_up.set(1)
            for state in State:
                if state not in FINAL:
                    metrics.backlog.labels(state).set(backlog.waiting.get(state, 0))
            oldest = backlog.oldest_due
            waited = (clock.now() - oldest).total_seconds() if oldest else 0
            metrics.oldest.set(max(waited, 0))
            metrics.references.set(backlog.references)
            metrics.expanding.set(backlog.expanding)
        return Response(
            generate_latest(metrics.registry),
            media_type=CONTENT_TYPE_LATEST,
            headers={"cache-control": "no-store"},
        )

    return router


def _flag(value: bool) -> str:  # noqa: FBT001 - it is what is written
    return "true" if value else "false"
