"""A bot that tells prices to whom it may, and that people can stop, mute, and ask why.

Run it with ``uvicorn consent_bot:server --port 3978`` and connect the Agents Playground. Say
``stop prices``, ``mute 2h``, ``resume``, ``why did I get this?``, ``para precios``; ``price 3``
tells everybody who wants to hear of prices.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from os import environ
from typing import Any

from fastapi import FastAPI, Request, Response
from microsoft_agents.activity import TurnContextProtocol, load_configuration_from_env
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.core import ActivityHandler
from microsoft_agents.hosting.fastapi import CloudAdapter

from recado import Consent, Recado

#: Kinds of messages, with the words people have for them.
CATEGORIES = {"prices": ["price", "precios"], "news": ["noticias"]}


class Prices(ActivityHandler):
    """Hears of prices, and tells them on."""

    async def on_message_activity(self, turn_context: TurnContextProtocol[Any]) -> None:
        """Whatever is not about consent comes here."""
        words = (turn_context.activity.text or "").split()
        if words[:1] == ["price"] and len(words) == 2:
            # Who does not want to hear of prices is left out when it leaves.
            await recado.notify("everyone", f"Apples cost {words[1]} now.", category="prices")
        else:
            await turn_context.send_activity("I tell you what apples cost.")


ANONYMOUS = {"CONNECTIONS__SERVICE_CONNECTION__SETTINGS__ANONYMOUS_ALLOWED": "true"}
connections = MsalConnectionManager(**load_configuration_from_env(ANONYMOUS | environ))
adapter = CloudAdapter(connection_manager=connections)
agent = Prices()

recado = Recado()
recado.attach(adapter, agent)
recado.use(Consent(recado, categories=CATEGORIES))


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
