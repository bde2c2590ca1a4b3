"""The applications around a :class:`Recado`: a server, and a worker that only delivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recado.bot.hosting import HostedBot
from recado.channel.local import (
    BotAnswer,
    DirectLine,
    LocalChannel,
    ToBot,
)
from recado.channel.local import Tokens as LocalTokens
from recado.config import check_exposure, sdk_configuration
from recado.web.app import WebParts, create_app
from recado.web.chat import chat_routes
from recado.web.connector import connector_routes
from recado.web.consent import consent_routes
from recado.web.directline import direct_line_routes
from recado.web.events import events_routes
from recado.web.long_answers import answers_routes
from recado.web.probes import ProbeParts, create_probes
from recado.web.recipients import recipients_routes
from recado.web.schedules import schedules_routes
from recado.web.topics import topics_routes
from recado.web.watches import watches_routes

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI
    from microsoft_agents.hosting.core import Agent

from recado.app.demo import create_demo_bot, prepare_demo
from recado.app.recado import Recado


def create_server(recado: Recado, agent: Agent | None = None) -> FastAPI:
    """The server around *recado*, which it starts and stops.

    Args:
        recado: not started yet.
        agent: the bot it hosts; in demo mode the demo's when left out. Without a bot it is a
            sidecar: it accepts and delivers for bots that run elsewhere.

    Raises:
        ConfigurationError: it would be reachable from other machines half protected.
    """
    settings = recado.settings
    check_exposure(settings)
    demo_bot = agent is None and settings.demo
    if demo_bot:
        agent = create_demo_bot(recado)
    hosted = None
    if agent is not None:
        hosted = HostedBot(recado.bridge, agent, sdk_configuration(settings.credentials))
    routers: list[APIRouter] = []
    start, stop = recado.start, recado.stop
    if settings.demo and hosted is not None:
        direct_line = DirectLine(
            recado.local, LocalTokens(recado.store, recado.clock), recado.clock, _to_bot(hosted)
        )
        routers = [
            direct_line_routes(direct_line),
            connector_routes(LocalChannel(recado.local), recado.local),
            chat_routes(windows=2, jobs=demo_bot, feed="/api/v1/events"),
        ]

        async def start() -> None:
            await recado.start()
            if demo_bot:
                await prepare_demo(recado)

        async def stop() -> None:
            await direct_line.close()
            await recado.stop()

    return create_app(
        WebParts(
            settings=settings,
            outbox=recado.outbox,
            references=recado.references,
            jobs=recado.job_log,
            store=recado.store,
            telemetry=recado.telemetry,
            clock=recado.clock,
            check_service_url=recado.hosts.check,
            process=hosted.process if hosted is not None else None,
            trouble=recado.trouble,
            routers=[*capability_routes(recado), *routers],
            start=start,
            stop=stop,
        )
    )


def capability_routes(recado: Recado) -> list[APIRouter]:
    """The routes under ``/api/v1``: one router for each capability."""
    settings = recado.settings
    return [
        answers_routes(recado.answers, settings),
        consent_routes(recado.consent, settings),
        events_routes(recado.emit_many, settings),
        schedules_routes(recado.schedules, settings),
        topics_routes(recado.topics, settings),
        watches_routes(recado.watches, settings),
        recipients_routes(recado.recipients, settings),
    ]


def create_worker(recado: Recado, agent: Agent | None = None) -> FastAPI:
    """The application around a *recado* that only delivers: it answers health probes.

    Args:
        recado: not started yet; the application's lifespan starts and stops it.
        agent: the bot whose turns it runs. Without one it sends plain deliveries.
    """
    if agent is not None:
        HostedBot(recado.bridge, agent, sdk_configuration(recado.settings.credentials))
    return create_probes(
        ProbeParts(
            settings=recado.settings,
            store=recado.store,
            telemetry=recado.telemetry,
            clock=recado.clock,
            trouble=recado.trouble,
            start=recado.start,
            stop=recado.stop,
        )
    )


def _to_bot(hosted: HostedBot) -> ToBot:
    async def to_bot(activity: dict[str, Any]) -> BotAnswer:
        status, body = await hosted.receive(activity)
        return BotAnswer(status, body)

    return to_bot
