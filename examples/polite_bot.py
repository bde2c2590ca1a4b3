"""A bot that never speaks into the middle of something, and hears the answers to what it asks.

It takes orders in a dialog of its own making, and the shop next door has news for everybody: a
parcel that has come, a question about it, and the occasional advertisement. Run it with
``RECADO_DEMO=1 recado serve --app polite_bot:bot`` and open the page it names. Say ``order`` in
Ana's window and ``parcel 17`` in Ben's: Ben is asked where to leave it now, and Ana when she has
ordered; answer in both. ``soup`` is mentioned at the end of the next thing that each of them says.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.core import Agent, AgentApplication, TurnContext, TurnState

from recado import Recado
from recado.config import sdk_configuration


async def order(recado: Recado, context: TurnContext, state: TurnState, text: str) -> None:
    """Ask for what, and for how many."""
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


async def parcel_has_come(recado: Recado, number: str) -> None:
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


async def where_to(context: TurnContext, value: dict[str, Any]) -> None:
    """Hear where a parcel is to be left; the order, if there is one, goes on undisturbed."""
    parcel = value["value"]["parcel"]
    await context.send_activity(f"Parcel {parcel} will be left: {value['answer']}.")


async def advertise(recado: Recado) -> None:
    """Mention something at the end of the next thing that people say, if they say any today."""
    await recado.notify(
        "all",
        "By the way: there is pumpkin soup today.",
        mode="next_turn",
        expires=timedelta(hours=12),
    )


def bot(recado: Recado) -> Agent:
    """What ``recado serve --app`` takes: the bot for a Recado, which keeps its state as well."""
    agent: AgentApplication[TurnState] = AgentApplication(
        storage=recado.storage(),
        connection_manager=MsalConnectionManager(**sdk_configuration(recado.settings.credentials)),
    )

    @agent.activity("message")
    async def on_message(context: TurnContext, state: TurnState) -> None:
        text = (context.activity.text or "").strip()
        match text.split():
            case ["parcel", number]:
                await parcel_has_come(recado, number)
            case ["soup"]:
                await advertise(recado)
            case _:
                await order(recado, context, state, text)

    recado.handler("parcel")(where_to)
    return agent
