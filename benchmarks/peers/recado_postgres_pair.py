"""Recado's broadcast on PostgreSQL, delivered by two processes.

What the second one costs is counted too. On a machine whose cores the channel and the database
server need as well, two are no faster than one; what shows is what sharing the work costs.
"""

from __future__ import annotations

import asyncio
import os
import sys

import psutil

from benchmarks.load import TEXT, Load
from benchmarks.peers import recado_postgres
from recado.outbox import Handle


class Peer(recado_postgres.Peer):
    """One notification to everyone known, and ``recado worker`` beside who accepts it."""

    title = "Recado broadcast (PG), two processes"

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        self._handle: Handle | None = None

    async def open(self) -> None:
        await super().open()
        self._worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "recado", "--database-url", self._settings.database_url),
            "worker",
            env={**os.environ, "RECADO_CONNECTIONS": str(self._settings.connections)},
            stdout=asyncio.subprocess.DEVNULL,
        )
        self._measured = psutil.Process(self._worker.pid)

    async def say_to_all(self, numbers: range) -> None:  # noqa: ARG002 - a broadcast goes to all there are; the parameter is the base class's
        self._handle = await self.recado.notify("all", TEXT)

    async def settled(self) -> None:
        assert self._handle is not None
        await self._handle.wait()

    def elsewhere(self) -> float:
        used = self._measured.cpu_times()
        return float(used.user + used.system)

    async def close(self) -> None:
        self._worker.terminate()
        await self._worker.wait()
        await super().close()
