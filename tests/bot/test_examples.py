"""The examples run: existing bots with three lines more, over real connections."""

from __future__ import annotations

import runpy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from recado.app import Recado
from recado.app.loading import load_agent
from recado.config import Settings
from recado.testing import FakeConnector
from tests.bot.kit import message

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is read from or left on this machine."""
    monkeypatch.setenv("RECADO_DATABASE_URL", "sqlite://")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def channel() -> AsyncIterator[FakeConnector]:
    """The service the examples send to."""
    async with FakeConnector() as service:
        yield service


@pytest.mark.parametrize("name", ["consent", "long_answer", "polite", "price", "reminder"])
def test_recado_serve_takes_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """``recado serve --app …_bot:bot`` finds the bot, and makes it for its own Recado."""
    monkeypatch.syspath_prepend(EXAMPLES)
    agent = load_agent(f"{name}_bot:bot", Recado(Settings(database_url="sqlite://")))
    assert callable(agent.on_turn)


def run(name: str) -> dict[str, Any]:
    """The names an example defines."""
    return runpy.run_path(str(EXAMPLES / name))


async def test_fastapi(in_memory: None, channel: FakeConnector) -> None:
    """The bot answers, and later comes back to it with its state."""
    names = run("fastapi_bot.py")
    transport = httpx.ASGITransport(names["server"])
    async with (
        names["lifespan"](names["server"]),
        httpx.AsyncClient(transport=transport, base_url="http://bot") as client,
    ):
        told = message("hi", serviceUrl=channel.url)
        assert (await client.post("/api/messages", json=told)).status_code == 202
        await names["recado"].notify("conversation:a:ana", handler="come back", value=7)
        await channel.until(2)
    assert channel.texts["a:ana"] == [
        "That was message 1. I will come back to it.",
        "When you wrote message 7, you had written 1 by now.",
    ]


async def test_aiohttp(in_memory: None, channel: FakeConnector) -> None:
    """The bot answers, and its own turn handler sees the proactive event."""
    names = run("aiohttp_bot.py")
    server: web.Application = names["server"]
    async with TestClient(TestServer(server)) as client:
        told = message("hi", serviceUrl=channel.url)
        async with client.post("/api/messages", json=told) as answer:
            assert answer.status == 202
        await names["recado"].notify("conversation:a:ana", handler="bot", value="it works")
        await channel.until(2)
    assert channel.texts["a:ana"] == ["You said: hi", "News: it works"]
