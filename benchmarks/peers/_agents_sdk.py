"""What the Agents SDK's senders have in common: an adapter whose tokens are free of charge."""

from __future__ import annotations

from typing import NoReturn

from microsoft_agents.activity import Activity, ConversationReference
from microsoft_agents.hosting.core import (
    AccessTokenProviderBase,
    AgentAuthConfiguration,
    ClaimsIdentity,
    Connections,
)

from benchmarks.load import Load, activity

APP_ID = "0b1f6f0c-7f5d-4a0c-9f38-3f2f5b7f1c11"


class Token(AccessTokenProviderBase):
    """Always the same token."""

    @property
    def configuration(self) -> AgentAuthConfiguration:
        return AgentAuthConfiguration(client_id=APP_ID)

    async def get_access_token(
        self,
        resource_url: str,  # noqa: ARG002 - the SDK's signature
        scopes: list[str],  # noqa: ARG002 - the SDK's signature
        force_refresh: bool = False,  # noqa: ARG002, FBT001, FBT002 - the SDK's signature
    ) -> str:
        return "token"

    def get_token_credential(self) -> NoReturn:
        raise NotImplementedError("This sender has one token, for the bot itself.")

    async def get_agentic_application_token(self, *_: object) -> NoReturn:
        raise NotImplementedError("This sender has one token, for the bot itself.")

    async def get_agentic_instance_token(self, *_: object) -> NoReturn:
        raise NotImplementedError("This sender has one token, for the bot itself.")

    async def get_agentic_user_token(self, *_: object) -> NoReturn:
        raise NotImplementedError("This sender has one token, for the bot itself.")

    async def acquire_token_on_behalf_of(self, *_: object) -> NoReturn:
        raise NotImplementedError("This sender has one token, for the bot itself.")


class OneConnection(Connections):
    """A connection manager with that token for everything."""

    def __init__(self) -> None:
        self._token = Token()

    def get_connection(self, connection_name: str) -> Token:  # noqa: ARG002 - the SDK's signature
        return self._token

    def get_default_connection(self) -> Token:
        return self._token

    def get_token_provider(
        self,
        claims_identity: ClaimsIdentity,  # noqa: ARG002 - the SDK's signature
        service_url: str,  # noqa: ARG002 - the SDK's signature
    ) -> Token:
        return self._token

    def get_token_provider_from_activity(
        self,
        claims_identity: ClaimsIdentity,  # noqa: ARG002 - the SDK's signature
        activity: Activity,  # noqa: ARG002 - the SDK's signature
    ) -> Token:
        return self._token

    def get_default_connection_configuration(self) -> AgentAuthConfiguration:
        return self._token.configuration


def reference(load: Load, number: int) -> ConversationReference:
    """The reference of a conversation, as a bot keeps it."""
    told = activity(number)
    return ConversationReference.model_validate(
        {
            "bot": told["from"],
            "user": told["recipient"],
            "conversation": told["conversation"],
            "channelId": told["channelId"],
            "serviceUrl": load.service_url,
        }
    )
