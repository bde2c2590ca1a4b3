"""Health and metrics alone, for a process that serves nothing else over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI

from recado.clock import Clock
from recado.config import Settings
from recado.store.port import Store
from recado.telemetry import Telemetry
from recado.web.guard import Guard, GuardRules
from recado.web.health import health_routes
from recado.web.metrics import Metrics, metrics_routes
from recado.web.problems import install as answer_with_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeParts:
    """What the application is made from; as in :class:`recado.web.app.WebParts`."""

    settings: Settings
    store: Store
    telemetry: Telemetry
    clock: Clock
    trouble: Callable[[], str | None]
    start: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]


def create_probes(parts: ProbeParts) -> FastAPI:
    """The application; its lifespan starts and stops the process's work, listened to or not."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await parts.start()
            yield
        finally:
            await parts.stop()

    app = FastAPI(title="Recado", lifespan=lifespan, openapi_url=None)
    answer_with_problems(app)
    app.add_middleware(Guard, rules=GuardRules.of(parts.settings))
    metrics = Metrics()
    parts.telemetry.subscribe(metrics)
    app.include_router(health_routes(parts.store, parts.trouble))
    app.include_router(metrics_routes(metrics, parts.store, parts.clock, parts.settings))
    return app
