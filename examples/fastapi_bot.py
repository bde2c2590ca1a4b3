"""An AgentApplication on FastAPI that can speak first; what Recado adds is marked.

Run it with ``uvicorn fastapi_bot:server --port 3978`` and connect the Agents Playground.
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

from recado import Recado

ANONYMOUS = {"CONNECTIONS__SERVICE_CONNECTION__SETTINGS__ANONYMOUS_ALLOWED": "true"}
connections = MsalConnectionManager(**load_configuration_from_env(ANONYMOUS | environ))
adapter = CloudAdapter(connection_manager=connections)

recado = Recado()  # <- one
agent: AgentApplication[TurnState] = AgentApplication(
    # What the bot keeps is in the same database: a restart forgets nothing.
    storage=recado.storage(),
    connection_manager=connections,
)
recado.attach(adapter, agent)  # <- two


@agent.activity("message")
async def on_message(context: TurnContext, state: Any) -> None:
    """Count what was said, and come back to it after a while."""
    count = (state.conversation.get_value("count") or 0) + 1
    state.conversation.set_value("count", count)
    await context.send_activity(f"That was message {count}. I will come back to it.")
    reference = await recado.remember(context)
    await recado.notify(
        f"conversation:{reference.id}", handler="come back", value=count, when=timedelta(seconds=5)
    )


@recado.handler("come back")
async def come_back(context: TurnContext, state: Any, value: Any) -> None:
    """Runs as a turn in the conversation, with its state, when nobody has said anything."""
    now = state.conversation.get_value("count")
    await context.send_activity(f"When you wrote message {value}, you had written {now} by now.")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Run Recado as long as the server."""
    async with recado:  # <- three
        yield


server = FastAPI(lifespan=lifespan)


@server.post("/api/messages")
async def messages(request: Request) -> Response:
    """Take what a channel sends."""
    return await adapter.process(request, agent) or Response(status_code=202)
