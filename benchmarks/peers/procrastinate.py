"""A Procrastinate task that posts ready bytes with aiohttp: durable, on PostgreSQL.

Worker and deferring program are one process, as Recado's are. All at once are deferred in
batches, its cheapest way.
"""

from __future__ import annotations

import asyncio
from typing import Any

from procrastinate import App, PsycopgConnector
from procrastinate.types import JSONDict

from benchmarks.load import Load
from benchmarks.peers import bare_aiohttp
from benchmarks.peers._postgres import new_database
from benchmarks.sender import Sender

_BATCH = 500


class Peer(Sender):
    """Procrastinate."""

    title = "Procrastinate (PG)"
    packages = ("procrastinate", "psycopg", "aiohttp")
    durable = True
    divisor = 10

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        self._bare = bare_aiohttp.Peer(load)
        self._goal = 0

    async def open(self) -> None:
        await self._bare.open()
        connector = PsycopgConnector(conninfo=new_database(self.load), min_size=8, max_size=16)
        self._app = App(connector=connector)
        self._post = self._app.task(name="post")(self._task)
        await self._app.open_async()
        await self._app.schema_manager.apply_schema_async()
        self._worker = asyncio.create_task(
            self._app.run_worker_async(concurrency=self.callers, install_signal_handlers=False)
        )

    async def _task(self, number: int) -> None:
        await self._bare.say(number)

    async def learn(self, numbers: range) -> None:
        await self._bare.learn(numbers)

    async def say(self, number: int) -> None:
        self._goal += 1
        await self._post.defer_async(number=number)

    async def say_to_all(self, numbers: range) -> None:
        self._goal += len(numbers)
        for start in range(numbers.start, numbers.stop, _BATCH):
            part = range(start, min(start + _BATCH, numbers.stop))
            jobs: list[JSONDict] = [{"number": number} for number in part]
            await self._post.batch_defer_async(*jobs)

    async def settled(self) -> None:
        while await self._succeeded() < self._goal:  # noqa: ASYNC110 - the database says it
            await asyncio.sleep(0.05)

    async def _succeeded(self) -> int:
        counted = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"
        row: dict[str, Any] = await self._app.connector.execute_query_one_async(counted)
        return int(row["count"])

    async def close(self) -> None:
        self._recorded = await self._succeeded()
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)
        await self._app.close_async()
        await self._bare.close()

    async def recorded(self) -> int:
        return self._recorded
