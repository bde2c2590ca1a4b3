"""Tokens: held, renewed early, fetched once however many wait, and never shown."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.credentials_async import AsyncTokenCredential
from microsoft_agents.authentication.msal import MsalAuth, MsalConnectionManager
from microsoft_agents.hosting.core import (
    AccessTokenProviderBase,
    AgentAuthConfiguration,
    ConnectionManager,
)

from recado.channel.tokens import MsalTokens, NoTokens, TokenError

BOT = "11111111-2222-3333-4444-555555555555"
START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class HandClock:
    """A clock wound by hand."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        return await event.wait()

    def wind(self, delta: timedelta) -> None:
        self.time += delta


def jwt(name: str, expires_at: datetime) -> str:
    """A token that says when it expires, and nothing else that is true."""
    claims = json.dumps({"exp": int(expires_at.timestamp()), "jti": name}).encode()
    return f"eyJ0.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.{name}"


class Provider(AccessTokenProviderBase):
    """Gives what a test lets it give, and keeps what it was asked."""

    def __init__(self, configuration: AgentAuthConfiguration) -> None:
        self._configuration = configuration
        self.asked: list[tuple[str, tuple[str, ...], bool]] = []
        self.give: Callable[[], Awaitable[str]] = self.refuse

    @property
    def configuration(self) -> AgentAuthConfiguration:
        return self._configuration

    async def get_access_token(
        self,
        resource_url: str,
        scopes: list[str],
        force_refresh: bool = False,  # noqa: FBT001, FBT002 - the SDK's
    ) -> str:
        self.asked.append((resource_url, tuple(scopes), force_refresh))
        return await self.give()

    def get_token_credential(self) -> AsyncTokenCredential:
        raise NotImplementedError

    async def refuse(self) -> str:
        raise ValueError("AADSTS7000215: Invalid client secret provided.")


class World:
    """Tokens over one provider."""

    def __init__(self, scopes: list[str] | None = None) -> None:
        self.clock = HandClock()
        configuration = AgentAuthConfiguration(client_id=BOT.upper(), scopes=scopes)
        connections = ConnectionManager(
            Provider, connections_configurations={"SERVICE_CONNECTION": configuration}
        )
        provider = connections.get_default_connection()
        assert isinstance(provider, Provider)
        self.provider = provider
        self.connections = connections
        self.tokens = MsalTokens(connections, self.clock, timeout=5)

    def gives(self, *tokens: str) -> None:
        left = list(tokens)

        async def give() -> str:
            return left.pop(0)

        self.provider.give = give


@pytest.fixture
def world() -> World:
    """Tokens over one provider that knows the secret no more."""
    return World()


def lasting(name: str, **duration: float) -> str:
    """A token that expires so long after the start."""
    return jwt(name, START + timedelta(**duration))


class TestAnonymous:
    async def test_without_credentials_every_bot_is_anonymous(self) -> None:
        assert await NoTokens().token(BOT) is None

    async def test_the_local_bot_is_anonymous_even_when_there_are_credentials(
        self, world: World
    ) -> None:
        assert await world.tokens.token("local", refresh=True) is None
        assert world.provider.asked == []


class TestHolding:
    async def test_a_token_is_held_until_shortly_before_it_expires(self, world: World) -> None:
        world.gives(first := lasting("first", hours=1))
        assert await world.tokens.token(BOT) == first
        world.clock.wind(timedelta(minutes=54))
        assert await world.tokens.token(BOT) == first
        scope = "https://api.botframework.com/.default"
        assert world.provider.asked == [("https://api.botframework.com", (scope,), False)]

    async def test_in_its_last_minutes_a_token_is_given_out_while_it_is_renewed(
        self, world: World
    ) -> None:
        arrived = asyncio.Event()
        first, second = lasting("first", hours=1), lasting("second", hours=2)
        world.gives(first)
        await world.tokens.token(BOT)

        async def give() -> str:
            arrived.set()
            return second

        world.provider.give = give
        world.clock.wind(timedelta(minutes=56))
        assert await world.tokens.token(BOT) == first
        await arrived.wait()
        await asyncio.sleep(0)
        assert await world.tokens.token(BOT) == second
        assert len(world.provider.asked) == 2

    async def test_a_renewal_that_fails_disturbs_nobody_and_is_not_hurried(
        self, world: World
    ) -> None:
        world.gives(first := lasting("first", hours=1))
        await world.tokens.token(BOT)
        world.provider.give = world.provider.refuse
        world.clock.wind(timedelta(minutes=56))
        for _ in range(5):
            assert await world.tokens.token(BOT) == first
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert len(world.provider.asked) == 2
        world.clock.wind(timedelta(minutes=5))
        with pytest.raises(TokenError):
            await world.tokens.token(BOT)


class TestFetching:
    async def test_a_hundred_that_wait_share_one_request(self, world: World) -> None:
        world.gives(first := lasting("first", hours=1))
        waiting = [world.tokens.token(BOT) for _ in range(100)]
        assert set(await asyncio.gather(*waiting)) == {first}
        assert len(world.provider.asked) == 1

    async def test_a_hundred_that_were_refused_share_one_refresh(self, world: World) -> None:
        world.gives(lasting("first", hours=1), second := lasting("second", hours=1))
        await world.tokens.token(BOT)
        world.clock.wind(timedelta(minutes=1))
        waiting = [world.tokens.token(BOT, refresh=True) for _ in range(100)]
        assert set(await asyncio.gather(*waiting)) == {second}
        assert await world.tokens.token(BOT, refresh=True) == second
        assert [forced for _, _, forced in world.provider.asked] == [False, True]

    async def test_one_who_is_cancelled_does_not_take_the_token_from_the_others(
        self, world: World
    ) -> None:
        asked, answer = asyncio.Event(), asyncio.Event()

        async def give() -> str:
            asked.set()
            await answer.wait()
            return lasting("first", hours=1)

        world.provider.give = give
        impatient, patient = (asyncio.create_task(world.tokens.token(BOT)) for _ in range(2))
        await asked.wait()
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        answer.set()
        assert await patient == lasting("first", hours=1)


class TestFailing:
    async def test_a_failure_says_whose_token_and_why_and_the_next_call_tries_again(
        self,
        world: World,
    ) -> None:
        with pytest.raises(TokenError, match=f"{BOT}: AADSTS7000215"):
            await world.tokens.token(BOT)
        world.gives(first := lasting("first", hours=1))
        assert await world.tokens.token(BOT) == first

    async def test_nobody_waits_for_ever(self, world: World) -> None:
        async def never() -> str:
            await asyncio.Event().wait()
            raise AssertionError

        world.provider.give = never
        tokens = MsalTokens(world.connections, world.clock, timeout=0.01)
        with pytest.raises(TokenError, match=r"within 0\.01 seconds"):
            await tokens.token(BOT)

    async def test_another_bots_deliveries_get_no_token_of_this_one(self, world: World) -> None:
        with pytest.raises(TokenError, match="none of another"):
            await world.tokens.token("another")
        assert world.provider.asked == []


class TestOddTokens:
    @pytest.mark.parametrize(
        "token", ["opaque", "a.b.c", "a.e30.c", "a.eyJleHAiOiJ4In0.c", "a.MQ.c"]
    )
    async def test_a_token_that_does_not_say_when_it_ends_is_renewed_after_a_minute(
        self, world: World, token: str
    ) -> None:
        world.gives(token, token)
        assert await world.tokens.token(BOT) == token
        world.clock.wind(timedelta(seconds=59))
        assert await world.tokens.token(BOT) == token
        assert len(world.provider.asked) == 1
        world.clock.wind(timedelta(seconds=1))
        assert await world.tokens.token(BOT) == token
        await asyncio.sleep(0)
        assert len(world.provider.asked) == 2

    async def test_a_token_that_is_expired_by_our_clock_is_used_before_it_is_asked_for_again(
        self,
        world: World,
    ) -> None:
        """A machine whose clock is fast must not ask for a token with each message."""
        world.gives(old := lasting("old", hours=-1), old)
        for _ in range(5):
            assert await world.tokens.token(BOT) == old
        assert len(world.provider.asked) == 1


class TestTheSdk:
    @pytest.mark.parametrize(
        "scopes", [["https://api.botframework.us/.default"], "https://api.botframework.us/.default"]
    )
    async def test_configured_scopes_are_asked_for(self, scopes: list[str]) -> None:
        world = World(scopes)
        world.gives(lasting("gov", hours=1))
        await world.tokens.token(BOT)
        scope = "https://api.botframework.us/.default"
        assert world.provider.asked == [("https://api.botframework.us", (scope,), False)]

    async def test_no_token_is_ever_shown(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        world.gives(secret := lasting("s3cret", hours=1))
        await world.tokens.token(BOT)
        assert "s3cret" not in repr(vars(world.tokens))
        assert secret not in caplog.text

    async def test_msal_is_asked_off_the_event_loop_and_its_cache_does_not_answer_a_refresh(
        self,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The SDK ignores force_refresh, and its MSAL cache would give the refused token again."""
        threads: list[threading.Thread] = []

        async def from_cache(
            self: MsalAuth,
            resource_url: str,
            scopes: list[str],
            force_refresh: bool = False,  # noqa: FBT001, FBT002 - the SDK's
        ) -> str:
            threads.append(threading.current_thread())
            return lasting(f"cached in {id(self)}", hours=1)

        monkeypatch.setattr(MsalAuth, "get_access_token", from_cache)
        clock = HandClock()
        connections = MsalConnectionManager(
            {"SERVICE_CONNECTION": AgentAuthConfiguration(client_id=BOT, tenant_id="t")}
        )
        tokens = MsalTokens(connections, clock)
        first = await tokens.token(BOT)
        clock.wind(timedelta(minutes=1))
        second = await tokens.token(BOT, refresh=True)
        assert first != second
        clock.wind(timedelta(hours=2))
        assert await tokens.token(BOT) == second
        assert threading.main_thread() not in threads
