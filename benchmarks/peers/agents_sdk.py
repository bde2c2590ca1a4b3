"""The Agents SDK as documented: ``continue_conversation`` and a callback that sends one text.

Its tokens are free of charge here (MSAL is not asked), and nothing it does is kept.
"""

from __future__ import annotations

from microsoft_agents.activity import ConversationReference
from microsoft_agents.hosting.core import TurnContext
from microsoft_agents.hosting.fastapi import CloudAdapter

from benchmarks.load import TEXT, Load
from benchmarks.peers._agents_sdk import APP_ID, OneConnection, reference
from benchmarks.sender import Sender


class Peer(Sender):
    """The Agents SDK."""

    title = "Agents SDK"
    packages = ("microsoft-agents-hosting-core", "aiohttp")
    divisor = 5

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        self._adapter = CloudAdapter(connection_manager=OneConnection())
        self._references: dict[int, ConversationReference] = {}

    async def learn(self, numbers: range) -> None:
        for number in numbers:
            self._references[number] = reference(self.load, number)

    async def say(self, number: int) -> None:
        continuation = self._references[number].get_continuation_activity()
        await self._adapter.continue_conversation(APP_ID, continuation, _send)


async def _send(context: TurnContext) -> None:
    await context.send_activity(TEXT)
