"""Processes of a proof: a channel that is asked, and senders that are killed."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from recado.app import Recado
from recado.config import Settings
from recado.domain.ids import new_id
from recado.testing import make_sighting

#: Bytes of a line that is read: everything that was said comes in one.
_LONG: Final = 2**28
#: Seconds between two looks at another process, which has no event to wait for.
LOOK: Final = 0.05


class Channel:
    """The fake channel in its own process; see :mod:`proofs.channel`."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self._turn = asyncio.Lock()
        self.url = url

    async def ask(self, name: str, **more: Any) -> Any:
        """Tell it something, and hear what it says."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        async with self._turn:
            stdin.write(json.dumps([name, more]).encode() + b"\n")
            return json.loads(await stdout.readline())

    async def requests(self) -> int:
        """How many requests have arrived."""
        return int((await self.ask("told"))["requests"])

    async def until_asked(self, more: int) -> None:
        """Wait until *more* requests have arrived than now."""
        wanted = await self.requests() + more
        while await self.requests() < wanted:
            await asyncio.sleep(LOOK)


@asynccontextmanager
async def channel(**told: Any) -> AsyncIterator[Channel]:
    """A channel for the length of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "proofs.channel",
        json.dumps(told),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # asyncio is loud about connections that were cut
        cwd=ROOT,
        limit=_LONG,
    )
    assert process.stdout is not None
    try:
        yield Channel(process, (await process.stdout.readline()).decode().strip())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Sender:
    """A process that delivers; killed at the end if it still lives.

    Args:
        arguments: what Python runs: ``-m recado serve …``.
        log: where its errors go.
    """

    def __init__(self, *arguments: str, log: Path) -> None:
        self._arguments = arguments
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                cwd=ROOT,
                env=clean(os.environ),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
            )

    async def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    @property
    def memory(self) -> int:
        """The most bytes of memory it has had so far; 0 where the system does not say."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status")
        try:
            lines = status.read_text(encoding="ascii").splitlines()
        except OSError:
            return 0
        found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        return int(found[0]) * 1024 if found else 0


@asynccontextmanager
async def serving(database: Path) -> AsyncIterator[Sender]:
    """``recado serve`` over a database, for the length of the block."""
    arguments = ("--port", str(_free_port()), "--database-url", f"sqlite:///{database}")
    log = database.with_suffix(".log")
    sender = Sender("-m", "recado", "serve", *arguments, log=log)
    await sender.start()
    try:
        yield sender
    finally:
        await sender.kill()


@asynccontextmanager
async def accepting(database: Path) -> AsyncIterator[Recado]:
    """A Recado over the same database that accepts and does not deliver."""
    recado = Recado(Settings(database_url=f"sqlite:///{database}"))
    await recado.open()
    try:
        yield recado
    finally:
        await recado.stop()


async def meet(recado: Recado, url: str, names: list[str], tenant: str) -> None:
    """Let the database know conversations whose channel is at *url*."""
    now = recado.clock.now()
    sightings = [make_sighting(name, service_url=url, tenant_id=tenant, at=now) for name in names]
    for begin in range(0, len(sightings), 500):
        await recado.store.capture(sightings[begin : begin + 500])


def database_in(directory: Path) -> Path:
    """A new database file."""
    return directory / f"{new_id()}.db"


ROOT: Final = Path(__file__).parents[1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without settings of Recado."""
    foreign = ("RECADO_", "CONNECTIONS", "Microsoft")
    return {name: value for name, value in environ.items() if not name.startswith(foreign)}
