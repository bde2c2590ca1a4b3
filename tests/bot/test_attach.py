"""Attaching: both hosts, both styles, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import fastapi
import httpx
import pytest
from aiohttp import web
from microsoft_agents.hosting import aiohttp as aiohttp_host
from microsoft_agents.hosting import fastapi as fastapi_host
from microsoft_agents.hosting.core import ActivityHandler, Agent, ChannelAdapter, TurnContext

from recado.errors import ConfigurationError
from tests.bot.kit import Bench, Echo, connections, make_adapter, make_app, message


def application() -> Agent:
    """An AgentApplication that echoes."""
    app = make_app()

    @app.activity("message")
    async def on_message(context: TurnContext, state: Any) -> None:
        await context.send_activity(f"echo {context.activity.text}")

    return app


def handler() -> Agent:
    """An ActivityHandler that echoes."""

    class Bot(ActivityHandler):
        async def on_message_activity(self, turn_context: Any) -> None:
            await turn_context.send_activity(f"echo {turn_context.activity.text}")

    return Bot()


@pytest.mark.parametrize("make_agent", [application, handler])
async def test_a_fastapi_bot(bench: Bench, make_agent: Callable[[], Agent]) -> None:
    """An existing bot on FastAPI: what comes in is captured, what goes out is pooled."""
    agent = make_agent()
    adapter = fastapi_host.CloudAdapter(connection_manager=connections())
    server = fastapi.FastAPI()

    @server.post("/api/messages")
    async def messages(request: fastapi.Request) -> fastapi.Response:
        answer = await adapter.process(request, agent)
        assert answer is not None
        return answer

    bench.bridge.attach(adapter, agent)
    transport = httpx.ASGITransport(server)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        told = message("hi", from_={"id": "29:ana", "newer": 1})
        assert (await client.post("/api/messages", json=told)).status_code == 202
    await _was_attached(bench)


@pytest.mark.parametrize("make_agent", [application, handler])
async def test_an_aiohttp_bot(bench: Bench, make_agent: Callable[[], Agent]) -> None:
    """The same on aiohttp."""
    agent = make_agent()
    adapter = aiohttp_host.CloudAdapter(connection_manager=connections())

    async def messages(request: web.Request) -> web.StreamResponse:
        answer = await adapter.process(request, agent)
        assert answer is not None
        return answer

    bench.bridge.attach(adapter, agent)
    server = web.Application()
    server.router.add_post("/api/messages", messages)
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages"
    async with aiohttp.ClientSession() as client:
        told = message("hi", from_={"id": "29:ana", "newer": 1})
        async with client.post(url, json=told) as answer:
            assert answer.status == 202
    await runner.cleanup()
    await _was_attached(bench)


async def _was_attached(bench: Bench) -> None:
    assert bench.channel.texts == ["echo hi"]
    assert (await bench.reference()).raw["user"] == {"id": "29:ana", "newer": 1}
    assert (await bench.run_turn("bot")).error is None


async def test_attaching_twice_is_harmless(bench: Bench) -> None:
    """Nothing is wrapped twice."""
    bot = Echo()
    bench.attach(bot)
    bench.attach(bot)
    assert await bench.say("hi") == ["echo hi"]
    assert len(bot.heard) == 1


async def test_one_recado_serves_one_bot(bench: Bench) -> None:
    """Another bot, or another Recado on the same adapter, is refused with what to do."""
    bench.attach(Echo())
    with pytest.raises(ConfigurationError, match="another bot"):
        bench.bridge.attach(make_adapter(), Echo())
    with pytest.raises(ConfigurationError, match="Another Recado"):
        Bench().bridge.attach(bench.adapter, Echo())


def test_only_adapters_of_the_sdk_can_be_attached_to(bench: Bench) -> None:
    """The message says which."""

    class Other(ChannelAdapter):
        async def send_activities(self, context: Any, activities: Any) -> Any: ...
        async def update_activity(self, context: Any, activity: Any) -> Any: ...
        async def delete_activity(self, context: Any, reference: Any) -> Any: ...

    other: Any = Other()  # type: ignore[no-untyped-call]  # the SDK's
    with pytest.raises(ConfigurationError, match="CloudAdapter"):
        bench.bridge.attach(other, Echo())


async def test_recado_stands_outermost(bench: Bench) -> None:
    """Middleware used before runs inside a turn of Recado, so that its errors are seen."""
    places: list[str] = []

    class Middle:
        async def on_turn(self, context: TurnContext, logic: Any) -> None:
            places.append((await bench.reference()).key.conversation_id)
            await logic(context)

    bench.adapter.use(Middle())
    bench.attach(Echo())
    assert await bench.say("hi") == ["echo hi"]
    assert places == ["a:ana"]
