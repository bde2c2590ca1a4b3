"""A channel service on loopback: it records what arrives, and makes bots heard of."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any, Self

import aiohttp
from aiohttp import web


class RecordingConnector:
    """The Connector routes a bot posts to; every activity is kept in order of arrival."""

    def __init__(self) -> None:
        #: Texts per conversation id, in order of arrival.
        self.texts: defaultdict[str, list[str]] = defaultdict(list)
        self.arrived = 0
        self._news = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v3/conversations/{conversation}/activities", self._take)
        app.router.add_post("/v3/conversations/{conversation}/activities/{activity}", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        activity = await request.json()
        self.texts[request.match_info["conversation"]].append(activity.get("text", ""))
        self.arrived += 1
        self._news.set()
        return web.json_response({"id": str(self.arrived)})

    async def until(self, count: int) -> None:
        """Wait until *count* activities have arrived in all."""
        while self.arrived < count:
            self._news.clear()
            await self._news.wait()

    async def introduce(self, session: aiohttp.ClientSession, bot: str, number: int) -> None:
        """Let the bot hear a person in conversation *number*."""
        async with session.post(f"{bot}/api/messages", json=self._activity(number)) as answer:
            assert answer.status in (200, 201, 202), (answer.status, await answer.text())

    def _activity(self, number: int) -> dict[str, Any]:
        return {
            "type": "conversationUpdate",
            "id": f"hello-{number}",
            "channelId": "emulator",
            "serviceUrl": self.url,
            "conversation": {"id": f"conversation-{number}|live"},
            "from": {"id": f"user-{number}", "name": f"User {number}"},
            "recipient": {"id": "bot", "name": "Bot"},
        }
