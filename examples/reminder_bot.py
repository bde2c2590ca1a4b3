"""A bot that people have themselves reminded by, and that asks once itself when nobody answers.

Run it with ``uvicorn reminder_bot:server --port 3978`` and connect the Agents Playground. Say
``remind me in 1 minute to call Ana``, ``recuérdame mañana a las 9 llamar a Ana``, ``remind me
every monday at 9 to write the report``, ``reminders``, ``cancel 1``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from os import environ
from typing import Any

from fastapi import FastAPI, Request, Response
from microsoft_agents.activity import load_configuration_from_env
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.core import AgentApplication, TurnContext, TurnState
from microsoft_agents.hosting.fastapi import CloudAdapter

from recado import Recado, Reminders

ANONYMOUS = {"CONNECTIONS__SERVICE_CONNECTION__SETTINGS__ANONYMOUS_ALLOWED": "true"}
connections = MsalConnectionManager(**load_configuration_from_env(ANONYMOUS | environ))
adapter = CloudAdapter(connection_manager=connections)

recado = Recado()
agent: AgentApplication[TurnState] = AgentApplication(
    storage=recado.storage(), connection_manager=connections
)
recado.attach(adapter, agent)

# Everything about reminders is answered before the bot is asked.
recado.use(Reminders(recado))


@agent.activity("message")
async def on_message(context: TurnContext, _state: Any) -> None:
    """The bot's own: it comes back to what it asked, unless it is answered before."""
    reference = await recado.remember(context)
    await context.send_activity("What can I do for you?")
    await recado.schedules.create(
        f"conversation:{reference.id}",
        "I am still here if you need me.",
        after=timedelta(minutes=15),
        unless_spoken=True,
    )


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Run Recado as long as the server."""
    async with recado:
        yield


server = FastAPI(lifespan=lifespan)


@server.post("/api/messages")
async def messages(request: Request) -> Response:
    """Take what a channel sends."""
    return await adapter.process(request, agent) or Response(status_code=202)
