"""A bot of a shop that tells people when a price has fallen; once, and only while it is true.

Run it with ``uvicorn price_bot:server --port 3978`` and connect the Agents Playground. Say
``watch tea drop 20%`` or ``deals``, then set a price as the shop's own program would:

    curl -X POST "http://localhost:3978/prices/tea?price=10&change=1"
    curl -X POST "http://localhost:3978/prices/tea?price=7.99&change=2"
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from os import environ
from typing import Any

from fastapi import FastAPI, Request, Response
from microsoft_agents.activity import load_configuration_from_env
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.core import AgentApplication, TurnContext, TurnState
from microsoft_agents.hosting.fastapi import CloudAdapter

from recado import Recado, Watching

ANONYMOUS = {"CONNECTIONS__SERVICE_CONNECTION__SETTINGS__ANONYMOUS_ALLOWED": "true"}
connections = MsalConnectionManager(**load_configuration_from_env(ANONYMOUS | environ))
adapter = CloudAdapter(connection_manager=connections)

recado = Recado()
agent: AgentApplication[TurnState] = AgentApplication(
    storage=recado.storage(), connection_manager=connections
)
recado.attach(adapter, agent)

# People say themselves what they want to be told of, in English or Spanish.
recado.use(Watching(recado))


@agent.activity("message")
async def on_message(context: TurnContext, _state: Any) -> None:
    """The bot's own: whoever says ``deals`` is told of every good offer of the shop's tea."""
    if (context.activity.text or "").strip().lower() != "deals":
        await context.send_activity('Say "deals", or for example "watch tea drop 20%".')
        return
    reference = await recado.remember(context)
    await recado.watches.create(
        f"conversation:{reference.id}",
        subject="tea",
        path="price",
        rule="below 5",
        text="A deal: {subject} for {value}!",
        repeat=True,
        key=f"deals:{reference.id}",  # whoever says it twice is told once
        asked_at=recado.clock.now(),
    )
    await context.send_activity("I will tell you when tea is below 5.")


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


@server.post("/prices/{product}")
async def price_changed(product: str, price: Decimal, change: str) -> dict[str, Any]:
    """Take a price from the shop; the same change may be sent again, and is told once."""
    emitted = await recado.emit(
        product,
        {"price": price, "value": price},
        type="price.changed",
        source="/shop",
        id=change,
    )
    return {"replayed": emitted.replayed, "watching": emitted.watching}
