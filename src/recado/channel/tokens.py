"""Tokens for the Connector: the port, and the adapter over the Agents SDK's connections."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from microsoft_agents.authentication.msal import MsalAuth, MsalConnectionManager
from microsoft_agents.hosting.core import AccessTokenProviderBase, Connections

from recado.channel.answers import shorten
from recado.clock import Clock
from recado.domain.reference import LOCAL_BOT
from recado.errors import ChannelError, ConfigurationError

#: What is asked for when the connection names no scopes ("Authenticate requests with the Bot
#: Connector API"); connections in sovereign clouds name theirs.
_PUBLIC_SCOPE = "https://api.botframework.com/.default"

_EARLY = timedelta(minutes=5)
#: A token this young is not asked for again, however often it is refused: of a hundred sends
#: that are refused together one fetches a new token and the others find it.
_YOUNG = timedelta(seconds=10)
#: Assumed of a token that does not say when it ends; its provider knows and caches it.
_OPAQUE = timedelta(minutes=1)


class TokenError(ChannelError):
    """No token could be had for a bot."""

    code = "token"


class Tokens(Protocol):
    """Gives the token a bot speaks to the Connector with."""

    async def token(self, bot: str, *, refresh: bool = False) -> str | None:
        """The bearer token of *bot*, within a bounded time.

        Args:
            bot: the configured app id, or ``local``.
            refresh: the token given before was refused; get another if possible.

        Returns:
            The token, or None when the bot is anonymous: then no Authorization header is sent,
            because servers for local testing refuse a bearer they cannot check.

        Raises:
            TokenError: there is none to be had.
        """


class NoTokens:
    """Every bot is anonymous: no credentials are configured."""

    async def token(self, bot: str, *, refresh: bool = False) -> str | None:  # noqa: ARG002 - port
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A token and when to do something about it."""

    token: str = field(repr=False)
    fetched_at: datetime
    renew_at: datetime
    expires_at: datetime


class MsalTokens:
    """Tokens of the Agents SDK's default connection, held until shortly before they expire.

    One request at a time fetches a token, whoever waits for it; the last five minutes of a
    token's life are used to renew it while it is still given out.

    Args:
        connections: the SDK's connection manager, for example ``MsalConnectionManager``.
        clock: the time tokens are judged by.
        timeout: seconds a caller waits for a token.
    """

    def __init__(self, connections: Connections, clock: Clock, *, timeout: float = 20.0) -> None:
        self._connections = connections
        self._clock = clock
        self._timeout = timeout
        self._held: dict[str, _Held] = {}
        self._providers: dict[str, AccessTokenProviderBase] = {}
        self._flights: dict[str, asyncio.Task[str]] = {}

    async def token(self, bot: str, *, refresh: bool = False) -> str | None:
        if bot == LOCAL_BOT:
            return None
        now = self._clock.now()
        held = self._held.get(bot)
        if held is None or now >= held.expires_at:
            return await self._arrival(bot, force=refresh)
        if refresh and now >= held.fetched_at + _YOUNG:
            return await self._arrival(bot, force=True)
        if now >= held.renew_at:
            self._flight(bot, force=False)
        return held.token

    async def _arrival(self, bot: str, *, force: bool) -> str:
        """The token fetched by the flight under way, or by a new one."""
        try:
            # Shielded: a caller that is cancelled must not take the token from the others.
            async with asyncio.timeout(self._timeout):
                return await asyncio.shield(self._flight(bot, force=force))
        except TokenError:
            raise
        except TimeoutError as error:
            raise TokenError(
                f"No token for bot {bot} arrived within {self._timeout:g} seconds: check that "
                "this machine reaches the identity provider."
            ) from error
        except Exception as error:
            raise TokenError(
                f"No token could be had for bot {bot}: {shorten(str(error))}"
            ) from error

    def _flight(self, bot: str, *, force: bool) -> asyncio.Task[str]:
        flight = self._flights.get(bot)
        if flight is None:
            flight = asyncio.create_task(self._fetch(bot, force=force))
            self._flights[bot] = flight
            flight.add_done_callback(lambda done: self._landed(bot, done))
        return flight

    def _landed(self, bot: str, flight: asyncio.Task[str]) -> None:
        del self._flights[bot]
        held = self._held.get(bot)
        # Looking at the exception also tells asyncio that a renewal nobody waits for may fail.
        if not flight.cancelled() and flight.exception() and held:
            self._held[bot] = replace(held, renew_at=self._clock.now() + _YOUNG)

    async def _fetch(self, bot: str, *, force: bool) -> str:
        provider = self._providers.get(bot) or self._connect(bot)
        if force and isinstance(provider, MsalAuth):
            # MsalAuth ignores force_refresh and MSAL answers from the provider's own cache
            # (1.9.0 and 1.39), so a refused token is got rid of with its provider.
            provider = MsalAuth(provider.configuration)
        token = await _ask(provider, force=force)
        now = self._clock.now()
        expires_at = _expiry(token) or now + _OPAQUE + _EARLY
        self._providers[bot] = provider
        self._held[bot] = _Held(
            token=token,
            fetched_at=now,
            renew_at=max(expires_at - _EARLY, now + _YOUNG),
            expires_at=max(expires_at, now + _YOUNG),
        )
        return token

    def _connect(self, bot: str) -> AccessTokenProviderBase:
        provider = self._connections.get_default_connection()
        known = provider.configuration.CLIENT_ID
        if known and known.lower() != bot.lower():
            raise TokenError(
                f"This process has the credentials of bot {known} and none of {bot}: "
                "let a process that has them deliver what is that bot's."
            )
        return provider


async def _ask(provider: AccessTokenProviderBase, *, force: bool) -> str:
    scopes = _scopes(provider.configuration.SCOPES)
    resource = scopes[0].removesuffix("/.default")
    if not isinstance(provider, MsalAuth):
        return await provider.get_access_token(resource, scopes, force)
    # The SDK makes MSAL's client, which asks the identity provider where its endpoints are, on
    # the event loop and without a time limit; a loop of its own keeps ours free.
    return await asyncio.to_thread(
        lambda: asyncio.run(provider.get_access_token(resource, scopes, force))
    )


def _scopes(configured: Sequence[str] | None) -> list[str]:
    """Configured scopes; read from the environment they are text where the SDK has a list."""
    return (configured.split() if isinstance(configured, str) else list(configured or ())) or [
        _PUBLIC_SCOPE
    ]


def _expiry(token: str) -> datetime | None:
    """When a JWT says it expires. It is not verified: the channel does that."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (ValueError, LookupError, TypeError, OverflowError, OSError):
        return None


def msal_tokens(configuration: Mapping[str, Any], clock: Clock) -> MsalTokens:
    """Tokens for the identity that *configuration* describes in the SDK's own words.

    Raises:
        ConfigurationError: the SDK cannot make a connection of it.
    """
    try:
        return MsalTokens(MsalConnectionManager(**configuration), clock)
    except ValueError as error:
        raise ConfigurationError(f"The bot's credentials cannot be used: {error}") from error
