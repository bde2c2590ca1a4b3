"""Hosting: a bot in a process of Recado's own, with the adapter it would have made itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from microsoft_agents.activity import Activity, ActivityTypes
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.core import Agent, ClaimsIdentity, TurnContext
from microsoft_agents.hosting.fastapi import CloudAdapter

from recado.bot.attach import BotBridge
from recado.domain.phrases import phrase


class HostedBot:
    """A bot and the adapter it runs behind.

    Args:
        bridge: is attached to both.
        agent: the bot.
        connections: the SDK's connection settings (``CONNECTIONS`` and so on).
    """

    def __init__(self, bridge: BotBridge, agent: Agent, connections: Mapping[str, Any]) -> None:
        self._agent = agent
        self._adapter = CloudAdapter(connection_manager=MsalConnectionManager(**connections))

        async def apologise(context: TurnContext, _: Exception) -> None:
            # The SDK's own handler tells the person the exception's text. That there was one is
            # told by the middleware.
            text = phrase("apology", context.activity.locale)
            await context.send_activity(Activity(type=ActivityTypes.message, text=text))

        self._adapter.on_turn_error = apologise
        bridge.attach(self._adapter, agent)

    async def process(self, request: Request) -> Response:
        """Answer an inbound activity that came over HTTP and was checked."""
        response = await self._adapter.process(request, self._agent)
        return response or Response(status_code=202)

    async def receive(self, activity: Mapping[str, Any]) -> tuple[int, Any]:
        """Answer an activity that came from a channel in this process; status and body."""
        answer = await self._adapter.process_request(_Received(activity), self._agent)
        return answer.status_code, answer.body


class _Received:
    """An activity in the form in which the adapter takes requests."""

    method = "POST"
    headers: Mapping[str, str] = {}

    def __init__(self, activity: Mapping[str, Any]) -> None:
        self._activity = dict(activity)

    async def json(self) -> dict[str, Any]:
        return self._activity

    def get_claims_identity(self) -> ClaimsIdentity:
        return ClaimsIdentity()

    def get_path_param(self, name: str) -> str:  # noqa: ARG002 - the protocol's signature
        return ""
