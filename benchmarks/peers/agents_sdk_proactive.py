"""The Agents SDK's ``Proactive.send_activity``, the conversations kept in its storage.

Its tokens are free of charge here (MSAL is not asked). The storage is the SDK's own in memory, the
fastest it has; nothing survives the process.
"""

from __future__ import annotations

from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import (
    AgentApplication,
    ApplicationOptions,
    MemoryStorage,
    TurnState,
)
from microsoft_agents.hosting.core.app.proactive import Conversation, ProactiveOptions
from microsoft_agents.hosting.fastapi import CloudAdapter

from benchmarks.load import TEXT, Load, conversation_id
from benchmarks.peers._agents_sdk import APP_ID, OneConnection, reference
from benchmarks.sender import Sender


class Peer(Sender):
    """The Agents SDK's proactive subsystem."""

    title = "Agents SDK Proactive"
    packages = ("microsoft-agents-hosting-core", "aiohttp")
    divisor = 5

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        connections = OneConnection()
        self._adapter = CloudAdapter(connection_manager=connections)
        storage = MemoryStorage()
        options = ApplicationOptions(storage=storage, proactive=ProactiveOptions(storage=storage))
        application = AgentApplication[TurnState](
            options, connection_manager=connections, adapter=self._adapter
        )
        self._proactive = application.proactive

    async def learn(self, numbers: range) -> None:
        for number in numbers:
            kept = Conversation({"aud": APP_ID}, reference(self.load, number))
            await self._proactive.store_conversation(kept)

    async def say(self, number: int) -> None:
        text = Activity(type="message", text=TEXT)
        await self._proactive.send_activity(self._adapter, conversation_id(number), text)
