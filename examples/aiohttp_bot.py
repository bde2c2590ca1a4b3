"""An ActivityHandler on aiohttp that can speak first; what Recado adds is marked.

Run it with ``python aiohttp_bot.py`` and connect the Agents Playground.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from os import environ
from typing import Any

from aiohttp import web
from microsoft_agents.activity import TurnContextProtocol, load_configuration_from_env
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.aiohttp import CloudAdapter
from microsoft_agents.hosting.core import ActivityHandler

from recado import Recado


class Echo(ActivityHandler):
    """Repeats what is said, and sees its own proactive turns."""

    async def on_message_activity(self, turn_context: TurnContextProtocol[Any]) -> None:
        """Answer a person."""
        await turn_context.send_activity(f"You said: {turn_context.activity.text}")

    async def on_event_activity(self, turn_context: TurnContextProtocol[Any]) -> None:
        """Answer ``recado.notify(..., handler="bot", value=...)``."""
        if turn_context.activity.name == "ContinueConversation":
            await turn_context.send_activity(f"News: {turn_context.activity.value}")


ANONYMOUS = {"CONNECTIONS__SERVICE_CONNECTION__SETTINGS__ANONYMOUS_ALLOWED": "true"}
connections = MsalConnectionManager(**load_configuration_from_env(ANONYMOUS | environ))
adapter = CloudAdapter(connection_manager=connections)
agent = Echo()

recado = Recado()  # <- one
recado.attach(adapter, agent)  # <- two


async def run_recado(_: web.Application) -> AsyncIterator[None]:
    """Run Recado as long as the server."""
    async with recado:  # <- three
        yield


async def messages(request: web.Request) -> web.Response:
    """Take what a channel sends."""
    return await adapter.process(request, agent) or web.Response(status=202)


server = web.Application()
server.cleanup_ctx.append(run_recado)
server.router.add_post("/api/messages", messages)

if __name__ == "__main__":
    web.run_app(server, host="127.0.0.1", port=3978)
