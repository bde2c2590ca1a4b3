"""A bot that never speaks into the middle of something, and hears the answers to what it asks.

It takes orders in a dialog of its own making, and the shop next door has news for everybody: a
parcel that has come, a question about it, and the occasional advertisement. Run it with
``python polite_bot.py``, connect the Agents Playground, say ``order``, and in another terminal
``curl -X POST localhost:3978/parcel/17``: you are asked about the parcel when you have ordered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from os import environ
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from microsoft_agents.activity import load_configuration_from_env
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.core import AgentApplication, TurnContext, TurnState
from microsoft_agents.hosting.fastapi import CloudAdapter

from recado import Recado

ANONYMOUS = {"CONNECTIONS__SERVICE_CONNECTION__SETTINGS__ANONYMOUS_ALLOWED": "true"}
connections = MsalConnectionManager(**load_configuration_from_env(ANONYMOUS | environ))
adapter = CloudAdapter(connection_manager=connections)
recado = Recado()
agent: AgentApplication[TurnState] = AgentApplication(
    storage=recado.storage(), connection_manager=connections
)
recado.attach(adapter, agent)


@agent.activity("message")
async def take_order(context: TurnContext, state: TurnState) -> None:
    """Ask for what, and for how many."""
    text = (context.activity.text or "").strip()
    dish = state.get_value("ConversationState.dish", lambda: "", target_cls=str)
    match dish:
        case "":
            if text != "order":
                await context.send_activity("Say order when you are hungry.")
                return
            # Nobody else could know that this bot waits for an answer now.
            await recado.busy(context, for_=timedelta(minutes=10))
            state.set_value("ConversationState.dish", "?")
            await context.send_activity("What would you like?")
        case "?":
            state.set_value("ConversationState.dish", text)
            await context.send_activity(f"How many {text}?")
        case _:
            state.set_value("ConversationState.dish", "")
            await context.send_activity(f"{text} {dish}, coming up.")
            await recado.free(context)


@recado.handler("parcel")
async def where_to(context: TurnContext, value: dict[str, Any]) -> None:
    """Hear where a parcel is to be left; the order, if there is one, goes on undisturbed."""
    parcel = value["value"]["parcel"]
    await context.send_activity(f"Parcel {parcel} will be left: {value['answer']}.")


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


@server.post("/parcel/{number}", status_code=202)
async def parcel(number: int) -> None:
    """Ask everybody where to leave it, once they have ordered or after ten minutes at most."""
    await recado.notify(
        "all",
        f"Parcel {number} has come. Where shall we leave it?",
        mode="after_dialog",
        max_wait=timedelta(minutes=10),
        answer_handler="parcel",
        answer_value={"parcel": number},
        answer_within=timedelta(hours=8),
    )


@server.post("/advertise", status_code=202)
async def advertise() -> None:
    """Mention something at the end of the next thing that people say, if they say any today."""
    await recado.notify(
        "all",
        "By the way: there is pumpkin soup today.",
        mode="next_turn",
        expires=timedelta(hours=12),
    )


if __name__ == "__main__":
    uvicorn.run(server, host="127.0.0.1", port=3978)
