"""What DBOS's senders have in common: a workflow with one step, which posts with aiohttp.

It records workflow and step in its system database, and runs in the process that started it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from dbos import DBOS, DBOSConfig

from benchmarks.load import Load
from benchmarks.peers import bare_aiohttp
from benchmarks.sender import Sender


class DbosSender(Sender):
    """DBOS on a system database."""

    packages = ("dbos", "aiohttp")
    durable = True
    divisor = 50

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        self._bare = bare_aiohttp.Peer(load)
        self._begun: list[Any] = []

    def database(self) -> str:
        """The URL of its system database."""
        raise NotImplementedError

    async def open(self) -> None:
        await self._bare.open()
        config: DBOSConfig = {
            "name": "benchmark",
            "system_database_url": self.database(),
            "log_level": "ERROR",
            "enable_otlp": False,
        }
        DBOS(config=config)

        @DBOS.step()
        async def post(number: int) -> None:
            await self._bare.say(number)

        @DBOS.workflow()
        async def deliver(number: int) -> None:
            await post(number)

        self._deliver = deliver
        DBOS.launch()

    async def learn(self, numbers: range) -> None:
        await self._bare.learn(numbers)

    async def say(self, number: int) -> None:
        self._begun.append(await DBOS.start_workflow_async(self._deliver, number))

    async def settled(self) -> None:
        begun, self._begun = self._begun, []
        await asyncio.gather(*(handle.get_result() for handle in begun))

    async def close(self) -> None:
        self._recorded = len(await DBOS.list_workflows_async(status="SUCCESS"))
        DBOS.destroy()
        await self._bare.close()

    async def recorded(self) -> int:
        return self._recorded
