"""The fake Connector, and a client that speaks to it as a bot would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from recado.testing import FakeConnector


class Bot:
    """Makes requests, and keeps nothing of the answers but status and JSON."""

    def __init__(self, session: aiohttp.ClientSession, channel: FakeConnector) -> None:
        self._session = session
        self._channel = channel

    async def ask(self, method: str, *path: str, json: Any = None, **query: str) -> tuple[int, Any]:
        """One request; every part of the path is encoded."""
        url = f"{self._channel.url}v3/{'/'.join(quote(each, safe='') for each in path)}"
        if query:
            url += "?" + "&".join(f"{name}={value}" for name, value in query.items())
        async with self._session.request(method, url, json=json, allow_redirects=False) as answer:
            told = await answer.read()
            return answer.status, await answer.json() if told.startswith((b"{", b"[")) else told

    async def say(self, conversation: str, text: str = "hello") -> tuple[int, Any]:
        """Send a message."""
        body = {"type": "message", "text": text}
        return await self.ask("POST", "conversations", conversation, "activities", json=body)


@pytest.fixture
async def channel() -> AsyncIterator[FakeConnector]:
    """A channel that obeys."""
    async with FakeConnector() as made:
        yield made


@pytest.fixture
async def bot(channel: FakeConnector) -> AsyncIterator[Bot]:
    """Somebody who speaks to it."""
    timeout = aiohttp.ClientTimeout(total=2)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield Bot(session, channel)
