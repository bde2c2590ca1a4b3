"""The local channel over a real server, with a hand-wound clock and a scripted bot."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from recado.channel.local import BotAnswer, DirectLine, History, LocalChannel, Tokens
from recado.channel.port import Post
from recado.domain.policy import Answer
from recado.store.sqlite.store import SqliteStore
from recado.testing import HandClock
from recado.web.connector import connector_routes
from recado.web.directline import direct_line_routes


class WatchedClock(HandClock):
    """A hand-wound clock that tells when somebody waits on it."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: list[float | None] = []
        self._asking = asyncio.Event()

    async def asked_to_wait(self, seconds: float) -> None:
        """Return when somebody waits for *seconds* of this clock."""
        while seconds not in self._asked:
            self._asking.clear()
            await self._asking.wait()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        # Told only once the wait is entered: this coroutine runs until it first suspends.
        waiting = asyncio.ensure_future(super().wait(event, seconds))
        try:
            await asyncio.sleep(0)
            self._asked.append(seconds)
            self._asking.set()
            try:
                return await waiting
            finally:
                self._asked.remove(seconds)
        finally:
            waiting.cancel()


class ScriptedBot:
    """Notes what it is told; answers as the test says."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.answer: Callable[[dict[str, Any]], Awaitable[BotAnswer]] = self.accept

    async def __call__(self, activity: dict[str, Any]) -> BotAnswer:
        self.heard.put_nowait(activity)
        return await self.answer(activity)

    async def accept(self, activity: dict[str, Any]) -> BotAnswer:
        return BotAnswer(202)


class Local:
    """One process's local channel."""

    def __init__(self, store: SqliteStore, clock: WatchedClock, bot: ScriptedBot) -> None:
        self.store, self.clock, self.bot = store, clock, bot
        self.history = History(store, clock)
        self.channel = LocalChannel(self.history)
        self.service = DirectLine(self.history, Tokens(store, clock), clock, bot)

    async def say(
        self,
        conversation_id: str,
        said: str | Mapping[str, Any],
        **fields: Any,  # of the post
    ) -> Answer:
        """Let the bot say something."""
        activity = {"type": "message", "text": said} if isinstance(said, str) else said
        return await self.channel.send(
            Post(
                bot="local",
                channel="directline",
                service_url="https://local.recado.invalid/",
                conversation_id=conversation_id,
                body=json.dumps(activity).encode(),
                **fields,
            )
        )

    async def remove(self, conversation_id: str, activity_id: str | None) -> Answer:
        """Let the bot take something back."""
        return await self.channel.send(
            Post(
                bot="local",
                channel="directline",
                service_url="https://local.recado.invalid/",
                conversation_id=conversation_id,
                body=None,
                method="DELETE",
                activity_id=activity_id,
            )
        )


@asynccontextmanager
async def serving(app: FastAPI, port: int = 0) -> AsyncIterator[int]:
    """Serve *app* on loopback for the length of the block; its port."""
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Not serve(): it looks only every 0.1 s whether it is to stop, and takes the signals.
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


class Client(httpx.AsyncClient):
    """A Direct Line client, one request at a time."""

    async def begin(self, user: str = "dl_ana") -> dict[str, Any]:
        """Start a conversation and use its token from now on."""
        answer = await self.post("/v3/directline/conversations", json={"user": {"id": user}})
        assert answer.status_code == 201, answer.text
        grant: dict[str, Any] = answer.json()
        self.headers["Authorization"] = f"Bearer {grant['token']}"
        return grant

    async def say(self, conversation_id: str, text: str, **more: Any) -> httpx.Response:
        """Post a message."""
        return await self.post(
            f"/v3/directline/conversations/{conversation_id}/activities",
            json={"type": "message", "from": {"id": "dl_ana"}, "text": text, **more},
        )

    async def history(self, conversation_id: str, watermark: str | None = None) -> dict[str, Any]:
        """Get activities."""
        answer = await self.get(
            f"/v3/directline/conversations/{conversation_id}/activities",
            params={} if watermark is None else {"watermark": watermark},
        )
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page


Serve = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    """A database in memory; it outlives the servers of a test."""
    store = SqliteStore(None)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def clock() -> WatchedClock:
    """A clock that stands still."""
    return WatchedClock()


@pytest.fixture
def bot() -> ScriptedBot:
    """A bot that accepts everything."""
    return ScriptedBot()


@pytest.fixture
def local(store: SqliteStore, clock: WatchedClock, bot: ScriptedBot) -> Local:
    """The local channel of one process."""
    return Local(store, clock, bot)


@pytest.fixture
def serve() -> Serve:
    """Serve a local channel; gives a client of it."""

    @asynccontextmanager
    async def serve(
        local: Local, *, secret: str | None = None, port: int = 0
    ) -> AsyncIterator[Client]:
        app = FastAPI()
        app.include_router(direct_line_routes(local.service, secret=secret))
        app.include_router(connector_routes(local.channel, local.history))
        async with serving(app, port) as bound:
            async with Client(base_url=f"http://127.0.0.1:{bound}") as client:
                yield client
            await local.service.close()

    return serve


@pytest.fixture
async def client(local: Local, serve: Serve) -> AsyncIterator[Client]:
    """A client of a served local channel."""
    async with serve(local) as client:
        yield client
