"""The Teams SDK for Python: ``app.send``, which posts one text to a conversation id.

Its token is free of charge here (it is given a function that returns one), and nothing is kept.
"""

from __future__ import annotations

import time

import jwt
from microsoft_teams.apps import App

from benchmarks.load import TENANT, TEXT, Load, conversation_id
from benchmarks.peers._agents_sdk import APP_ID
from benchmarks.sender import Sender


class Peer(Sender):
    """The Teams SDK."""

    title = "Teams SDK"
    packages = ("microsoft-teams-apps", "httpx")
    divisor = 20

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        # It looks into the token.
        claims = {"aud": "https://api.botframework.com", "exp": int(time.time()) + 3600}
        self._token = jwt.encode(claims, key="k" * 32)
        self._app = App(
            client_id=APP_ID, tenant_id=TENANT, token=self._give, service_url=load.service_url
        )

    async def open(self) -> None:
        await self._app.initialize()

    async def say(self, number: int) -> None:
        await self._app.send(conversation_id(number), TEXT)

    def _give(self, *_: object) -> str:
        return self._token
