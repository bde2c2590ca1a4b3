"""The FastAPI application, put together from what the composition root hands over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter, FastAPI

from recado.clock import Clock
from recado.config import Settings
from recado.domain.reference import LOCAL_BOT
from recado.jobs import Jobs
from recado.outbox import Outbox
from recado.references import References
from recado.store.port import Store
from recado.telemetry import Telemetry
from recado.web.changes import changes_routes
from recado.web.channel_tokens import ChannelTokens
from recado.web.deliveries import deliveries_routes
from recado.web.guard import Guard, GuardRules
from recado.web.health import health_routes
from recado.web.jobs import jobs_routes
from recado.web.messages import Process, messages_routes
from recado.web.metrics import Metrics, metrics_routes
from recado.web.notify import notify_routes
from recado.web.pauses import pauses_routes
from recado.web.problems import install as answer_with_problems
from recado.web.steering import steering_routes

#: How anonymous channels of local testing know the bot.
_ANONYMOUS_BOT = "bot"


def _none() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """What the web side is made from.

    Attributes:
        process: answers an inbound activity through the bot's adapter; without one there is no
            messages endpoint. It raises what the turn raised.
        check_service_url: raises ForbiddenServiceUrl for a URL that a token must not be sent to.
        trouble: what keeps the services that deliver from their work; None when nothing does.
        routers: further routes: the local channel, its page.
        start: called before the first request is answered.
        stop: called after the last one, also when start failed half way.
    """

    settings: Settings
    outbox: Outbox
    references: References
    jobs: Jobs
    store: Store
    telemetry: Telemetry
    clock: Clock
    check_service_url: Callable[[str], None]
    process: Process | None = None
    trouble: Callable[[], str | None] = _none
    routers: Sequence[APIRouter] = ()
    start: Callable[[], Awaitable[None]] | None = None
    stop: Callable[[], Awaitable[None]] | None = None


def create_app(parts: WebParts) -> FastAPI:
    """The application that serves *parts*.

    The page at /docs loads its scripts from a public CDN; /openapi.json needs nothing.
    """
    settings = parts.settings

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            if parts.start is not None:
                await parts.start()
            yield
        finally:
            if parts.stop is not None:
                await parts.stop()

    app = FastAPI(
        title="Recado",
        summary="Lets a bot speak first.",
        version=_version(),
        lifespan=lifespan,
        redoc_url=None,
        responses={"4XX": _PROBLEM, "5XX": _PROBLEM},
    )
    answer_with_problems(app)
    app.add_middleware(Guard, rules=GuardRules.of(settings))

    metrics = Metrics()
    parts.telemetry.subscribe(metrics)
    if parts.process is not None:
        app.include_router(_messages(parts, parts.process))
    app.include_router(notify_routes(parts.outbox, parts.clock, settings))
    app.include_router(changes_routes(parts.outbox, settings))
    app.include_router(deliveries_routes(parts.outbox, parts.store, parts.clock, settings))
    app.include_router(steering_routes(parts.outbox, settings))
    app.include_router(pauses_routes(parts.outbox, settings))
    app.include_router(jobs_routes(parts.jobs, settings))
    app.include_router(health_routes(parts.store, parts.trouble))
    app.include_router(metrics_routes(metrics, parts.store, parts.clock, settings))
    for router in parts.routers:
        app.include_router(router)
    return app


def _messages(parts: WebParts, process: Process) -> APIRouter:
    credentials = parts.settings.credentials
    tokens = None
    if credentials is not None:
        tokens = ChannelTokens(credentials, parts.settings.allowed_callers, parts.clock)
    bot = parts.settings.bot
    return messages_routes(
        process,
        bot=_ANONYMOUS_BOT if bot == LOCAL_BOT else bot,
        check_service_url=parts.check_service_url,
        tokens=tokens,
    )


_PROBLEM = {
    "description": "A problem (RFC 9457); `code` is the word to program against.",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "instance", "code"],
                "properties": {
                    "type": {"type": "string", "format": "uri"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "instance": {"type": "string"},
                    "code": {"type": "string"},
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "field": {"type": "string"},
                                "detail": {"type": "string"},
                            },
                        },
                    },
                },
            }
        }
    },
}


def _version() -> str:
    try:
        return version("recado")
    except PackageNotFoundError:
        return "0"
