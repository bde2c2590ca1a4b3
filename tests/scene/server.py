"""A real Recado process, and a person at its Direct Line endpoint."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

#: Generous, because the machine may be busy; a test that waits this long fails.
PATIENCE = 30.0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One start of ``recado``; killed at the end if it still lives."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    @classmethod
    async def start(
        cls,
        *arguments: str,
        database: Path,
        port: int,
        environ: Mapping[str, str] | None = None,
        url: str | None = None,
    ) -> Server:
        """Start ``recado`` with *arguments* and wait until it is ready.

        It works in the directory of *database*, a SQLite file, and on that or on *url*.
        """
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RECADO_", "CONNECTIONS", "Microsoft"))
        }
        with (database.parent / "server.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "recado",
                *arguments,
                "--port",
                str(port),
                "--database-url",
                url or f"sqlite:///{database}",
                env=clean | dict(environ or {}),
                cwd=database.parent,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
            )
        server = cls(process, port)
        try:
            await server._ready()
        except BaseException:
            await server.kill()
            raise
        return server

    async def _ready(self) -> None:
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
            while True:
                if self._process.returncode is not None:
                    raise AssertionError(f"recado ended with {self._process.returncode}")
                try:
                    async with session.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)  # another process's start has no event to wait for

    async def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """End it as Ctrl-C would; its exit code."""
        self._process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()


@asynccontextmanager
async def running(
    *arguments: str, database: Path, port: int | None = None, url: str | None = None
) -> AsyncIterator[Server]:
    """A server for the length of the block."""
    port = port or free_port()
    server = await Server.start(*arguments, database=database, port=port, url=url)
    try:
        yield server
    finally:
        await server.kill()


class Window:
    """One person at the Direct Line endpoint, polling as DirectLineJS does."""

    def __init__(self, session: aiohttp.ClientSession, server: Server, user: str) -> None:
        self._session = session
        self._server = server
        self.user = user
        self._conversation: str | None = None
        self._token = ""
        self._watermark = ""
        #: Every text shown, in order, the person's own included.
        self.texts: list[str] = []
        self._ids: set[str] = set()

    def move_to(self, server: Server) -> None:
        """The server was started anew; the conversation goes on there."""
        self._server = server

    async def open(self) -> None:
        """Begin a conversation."""
        started = await self._call("POST", "conversations", json={"user": {"id": self.user}})
        self._conversation = started["conversationId"]
        self._token = started["token"]

    async def say(self, text: str) -> None:
        """Type something."""
        await self._call(
            "POST",
            f"conversations/{self._path}/activities",
            json={"type": "message", "text": text, "from": {"id": self.user}},
        )

    async def look(self) -> None:
        """Fetch what is new."""
        found = await self._call(
            "GET", f"conversations/{self._path}/activities?watermark={self._watermark}"
        )
        self._watermark = found.get("watermark") or self._watermark
        for activity in found["activities"]:
            if activity["id"] not in self._ids and activity.get("text"):
                self._ids.add(activity["id"])
                self.texts.append(activity["text"])

    async def sees(self, wanted: str | Callable[[str], bool], times: int = 1) -> str:
        """Wait until a text is shown (that many times); the last such text."""
        matches: Callable[[str], bool] = wanted if callable(wanted) else wanted.__eq__
        async with asyncio.timeout(PATIENCE):
            while True:
                await self.look()
                found = [text for text in self.texts if matches(text)]
                if len(found) >= times:
                    return found[-1]
                await asyncio.sleep(0.05)  # the poll of a Direct Line client

    @property
    def _path(self) -> str:
        assert self._conversation is not None, "open() the window first"
        return quote(self._conversation, safe="")

    async def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        url = f"{self._server.url}/v3/directline/{path}"
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        async with self._session.request(method, url, headers=headers, **options) as answer:
            body = await answer.json(content_type=None)
            assert answer.status in (200, 201), (answer.status, body)
            return dict(body)
