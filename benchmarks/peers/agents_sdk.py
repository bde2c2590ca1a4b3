"""The Agents SDK as documented: ``continue_conversation`` and a callback that sends one text.

Its tokens are free of charge here (MSAL is not asked), and nothing it does is kept.
"""

from __future__ import annotations

from typing import NoReturn

from microsoft_agents.activity import Activity, ConversationReference
from microsoft_agents.hosting.core import (
    AccessTokenProviderBase,
    AgentAuthConfiguration,
    ClaimsIdentity,
    Connections,
    TurnContext,
)
from microsoft_agents.hosting.fastapi import CloudAdapter

from benchmarks.load import TEXT, Load, activity
from benchmarks.sender import Sender

_APP_ID = "0b1f6f0c-7f5d-4a0c-9f38-3f2f5b7f1c11"


class _Token(AccessTokenProviderBase):
    """Always the same token."""

    @property
    def configuration(self) -> AgentAuthConfiguration:
        return AgentAuthConfiguration(client_id=_APP_ID)

    async def get_access_token(
        self,
        resource_url: str,  # noqa: ARG002 - the SDK's signature
        scopes: list[str],  # noqa: ARG002
        force_refresh: bool = False,  # noqa: ARG002, FBT001, FBT002
    ) -> str:
        return "token"

    def get_token_credential(self) -> NoReturn:
        raise NotImplementedError

    async def get_agentic_application_token(self, *_: object) -> NoReturn:
        raise NotImplementedError

    async def get_agentic_instance_token(self, *_: object) -> NoReturn:
        raise NotImplementedError

    async def get_agentic_user_token(self, *_: object) -> NoReturn:
        raise NotImplementedError

    async def acquire_token_on_behalf_of(self, *_: object) -> NoReturn:
        raise NotImplementedError


class _OneConnection(Connections):
    """A connection manager with that token for everything."""

    def __init__(self) -> None:
        self._token = _Token()

    def get_connection(self, connection_name: str) -> _Token:  # noqa: ARG002
        return self._token

    def get_default_connection(self) -> _Token:
        return self._token

    def get_token_provider(
        self,
        claims_identity: ClaimsIdentity,  # noqa: ARG002
        service_url: str,  # noqa: ARG002
    ) -> _Token:
        return self._token

    def get_token_provider_from_activity(
        self,
        claims_identity: ClaimsIdentity,  # noqa: ARG002
        activity: Activity,  # noqa: ARG002
    ) -> _Token:
        return self._token

    def get_default_connection_configuration(self) -> AgentAuthConfiguration:
        return self._token.configuration


class Peer(Sender):
    """The Agents SDK."""

    title = "Agents SDK"
    packages = ("microsoft-agents-hosting-core", "aiohttp")
    divisor = 5

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        self._adapter = CloudAdapter(connection_manager=_OneConnection())
        self._references: dict[int, ConversationReference] = {}

    async def learn(self, numbers: range) -> None:
        for number in numbers:
            told = activity(number)
            self._references[number] = ConversationReference.model_validate(
                {
                    "bot": told["from"],
                    "user": told["recipient"],
                    "conversation": told["conversation"],
                    "channelId": told["channelId"],
                    "serviceUrl": self.load.service_url,
                }
            )

    async def say(self, number: int) -> None:
        continuation = self._references[number].get_continuation_activity()
        await self._adapter.continue_conversation(_APP_ID, continuation, _send)


async def _send(context: TurnContext) -> None:
    await context.send_activity(TEXT)
