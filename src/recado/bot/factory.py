"""The client factory: gives turns the pooled connector, and the SDK's own where it must be."""

from __future__ import annotations

from typing import cast

from microsoft_agents.activity import RoleTypes
from microsoft_agents.hosting.core import (
    ChannelServiceClientFactoryBase,
    ClaimsIdentity,
    ConnectorClientBase,
    TurnContext,
    UserTokenClientBase,
)

from recado.bot.lazy import LazyUserTokenClient
from recado.bot.pooled import PooledConnector
from recado.channel.port import Channel


class PooledClientFactory(ChannelServiceClientFactoryBase):
    """Stands before an adapter's own factory.

    Args:
        own: the adapter's own factory.
        channel: what sends for the pooled connector.
        bot: the bot's name.
    """

    def __init__(self, own: ChannelServiceClientFactoryBase, channel: Channel, *, bot: str) -> None:
        self._own = own
        self._channel = channel
        self._bot = bot

    async def create_connector_client(  # noqa: PLR0913, PLR0917 - the SDK's signature
        self,
        context: TurnContext | None,
        claims_identity: ClaimsIdentity,
        service_url: str,
        audience: str,
        scopes: list[str] | None = None,
        use_anonymous: bool = False,  # noqa: FBT001, FBT002 - as above
    ) -> ConnectorClientBase:
        """A connector for one turn."""

        async def own() -> ConnectorClientBase:
            return await self._own.create_connector_client(
                context, claims_identity, service_url, audience, scopes, use_anonymous
            )

        if _has_its_own_ways(context, claims_identity):
            return await own()
        connector = PooledConnector(
            own,
            self._channel,
            bot=self._bot,
            service_url=service_url or "",
            activity=context.activity if context is not None else None,
        )
        return cast("ConnectorClientBase", connector)

    async def create_user_token_client(
        self,
        context: TurnContext,
        claims_identity: ClaimsIdentity,
        use_anonymous: bool = False,  # noqa: FBT001, FBT002 - the SDK's signature
    ) -> UserTokenClientBase:
        """A user token client that costs nothing until somebody signs in."""

        async def own() -> UserTokenClientBase:
            return await self._own.create_user_token_client(context, claims_identity, use_anonymous)

        if _has_its_own_ways(context, claims_identity):
            return await own()
        return cast("UserTokenClientBase", LazyUserTokenClient(own))


def _has_its_own_ways(context: TurnContext | None, claims_identity: ClaimsIdentity) -> bool:
    """Whether a turn authenticates as somebody else than the bot, or speaks another protocol.

    Those are agent identities and other agents, which get tokens of their own, and Copilot
    Studio's connector, which has no conversations in its address.
    """
    if claims_identity.is_agent_claim():
        return True
    if context is None or context.activity.recipient is None:
        return False
    return (
        bool(context.activity.is_agentic_request())
        or context.activity.recipient.role == RoleTypes.connector_user
    )
