"""The Bot Framework SDK (4.17, the last one): ``continue_conversation`` and one text.

Its token is free of charge here (it is given credentials that have one), and nothing is kept.
"""

from __future__ import annotations

from typing import Any

# The SDK has no types.
from botbuilder.core import TurnContext  # type: ignore[import-untyped]  # it has no types
from botbuilder.integration.aiohttp import CloudAdapter  # type: ignore[import-untyped]  # it has no types
from botbuilder.schema import ConversationReference  # type: ignore[import-untyped]  # it has no types
from botframework.connector.auth import (  # type: ignore[import-untyped]  # it has no types
    AppCredentials,
    BotFrameworkAuthenticationFactory,
    ServiceClientCredentialsFactory,
)

from benchmarks.load import TEXT, Load, activity
from benchmarks.peers._agents_sdk import APP_ID
from benchmarks.sender import Sender


class _Token(AppCredentials):  # type: ignore[misc]  # its base has no types
    """Always the same token."""

    def get_access_token(self, force_refresh: bool = False) -> str:  # noqa: ARG002, FBT001, FBT002 - the SDK's signature
        return "token"


class _Credentials(ServiceClientCredentialsFactory):  # type: ignore[misc]  # its base has no types
    """Those credentials for everything."""

    async def is_valid_app_id(self, app_id: str) -> bool:
        return app_id == APP_ID

    async def is_authentication_disabled(self) -> bool:
        return False

    async def create_credentials(self, *_: Any, **__: Any) -> AppCredentials:
        return _Token(app_id=APP_ID)


class Peer(Sender):
    """The Bot Framework SDK."""

    title = "botbuilder"
    packages = ("botbuilder-core", "msrest")
    divisor = 50

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        authentication = BotFrameworkAuthenticationFactory.create(credential_factory=_Credentials())
        self._adapter = CloudAdapter(authentication)
        self._references: dict[int, ConversationReference] = {}

    async def learn(self, numbers: range) -> None:
        for number in numbers:
            told = activity(number)
            self._references[number] = ConversationReference().deserialize(
                {
                    "bot": told["from"],
                    "user": told["recipient"],
                    "conversation": told["conversation"],
                    "channelId": told["channelId"],
                    "serviceUrl": self.load.service_url,
                }
            )

    async def say(self, number: int) -> None:
        await self._adapter.continue_conversation(self._references[number], _send, APP_ID)


async def _send(context: TurnContext) -> None:
    await context.send_activity(TEXT)
