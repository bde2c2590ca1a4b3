"""The applications around a :class:`Recado`: a server, and a worker that only delivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recado.bot.hosting import HostedBot
from recado.bot.jobs_bot import create_jobs_bot
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
from recado.web.directline import direct_line_routes
from recado.web.probes import ProbeParts, create_probes

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI
    from microsoft_agents.hosting.core import Agent

from recado.app.recado import Recado


def create_server(recado: Recado, agent: Agent | None = None) -> FastAPI:
    """The server around *recado*, which it starts and stops.

    Args:
        recado: not started yet.
        agent: the bot it hosts; in demo mode the jobs bot when left out. Without a bot it is a
            sidecar: it accepts and delivers for bots that run elsewhere.

    Raises:
        ConfigurationError: it would be reachable from other machines half protected.
    """
    settings = recado.settings
    check_exposure(settings)
    if agent is None and settings.demo:
        agent = create_jobs_bot(recado.bridge)
    hosted = None
    if agent is not None:
        hosted = HostedBot(recado.bridge, agent, sdk_configuration(settings.credentials))
    routers: list[APIRouter] = []
    stop = recado.stop
    if settings.demo and hosted is not None:
        direct_line = DirectLine(
            recado.local, LocalTokens(recado.store, recado.clock), recado.clock, _to_bot(hosted)
        )
        routers = [
            direct_line_routes(direct_line),
            connector_routes(LocalChannel(recado.local), recado.local),
            chat_routes(windows=2),
        ]

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
            routers=routers,
            start=recado.start,
            stop=stop,
        )
    )


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
