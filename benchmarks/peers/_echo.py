"""What the echo bots have in common: an inbound message, and a bot that says it back.

The message comes as the request the SDK's FastAPI host would be handed, its token already
validated, so that what is measured is the turn and not a web server.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from microsoft_agents.hosting.core import (
    AgentApplication,
    ApplicationOptions,
    ClaimsIdentity,
    Connections,
    MemoryStorage,
    TurnContext,
    TurnState,
)
from microsoft_agents.hosting.fastapi import CloudAdapter

from benchmarks.load import AGENT, Load, activity
from benchmarks.peers._agents_sdk import APP_ID, OneConnection
from benchmarks.sender import Sender


class EchoSender(Sender):
    """An echo bot written with the Agents SDK."""

    packages = ("microsoft-agents-hosting-core", "aiohttp")
    callers = 16
    divisor = 5

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        connections = OneConnection()
        self.adapter = CloudAdapter(connection_manager=connections)
        self.agent = echo(connections, self.adapter)
        self._come = 0

    async def say(self, number: int) -> None:
        self._come += 1
        response = await self.adapter.process(request(self.load, number, self._come), self.agent)
        assert response is not None
        assert response.status_code == 202


def echo(connections: Connections, adapter: CloudAdapter) -> AgentApplication[TurnState]:
    """The bot, as the SDK's quickstart has it."""
    options = ApplicationOptions(storage=MemoryStorage())
    agent = AgentApplication[TurnState](options, connection_manager=connections, adapter=adapter)

    @agent.activity("message")
    async def say_it_back(context: TurnContext, _: TurnState) -> None:
        await context.send_activity(f"You said: {context.activity.text}")

    return agent


def request(load: Load, number: int, come: int) -> Request:
    """The message of that conversation's person as a request; *come* makes its id."""
    told = activity(number)
    said = {
        **told,
        "id": f"{come:013d}",
        "from": told["recipient"],
        "recipient": AGENT,
        "serviceUrl": load.service_url,
    }
    body = json.dumps(said).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/messages",
        "headers": [(b"content-type", b"application/json")],
        "state": {"claims_identity": ClaimsIdentity({"aud": APP_ID})},
    }
    return Request(scope, receive)
