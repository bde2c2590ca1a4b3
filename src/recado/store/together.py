"""Doing together what several callers ask for at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from typing import Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Together(Generic[A, R]):
    """Gathers what is asked for in one round of the event loop, and has it done in one call.

    Args:
        work: does all of it or, if it raises, nothing; one result for each, in order.
        nobodys: errors that are nobody's fault, so that it would not help to try alone.
        at_once: calls under way, at most. What is asked for meanwhile is gathered for the next.
    """

    def __init__(
        self,
        work: Callable[[Sequence[A]], Awaitable[Sequence[R]]],
        nobodys: tuple[type[Exception], ...] = (),
        at_once: int = 1_000,
    ) -> None:
        self._work = work
        self._at_once = at_once
        self._nobodys = nobodys
        self._asked: list[tuple[A, asyncio.Future[R]]] = []
        #: Kept, because the event loop itself would let go of a task nobody keeps.
        self._running: set[asyncio.Task[None]] = set()

    async def do(self, asked: A) -> R:
        """Have *asked* done; raises what doing it alone would raise."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[R] = loop.create_future()
        if not self._asked:
            loop.call_soon(self._begin)
        self._asked.append((asked, told))
        return await told

    async def finish(self) -> None:
        """Have done what was asked for, and wait for it."""
        self._begin()
        while self._running:
            await asyncio.wait(self._running)

    def _begin(self) -> None:
        if not self._asked or len(self._running) >= self._at_once:
            return
        gathered, self._asked = self._asked, []
        task = asyncio.create_task(self._run(gathered))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._begin()

    async def _run(self, gathered: Sequence[tuple[A, asyncio.Future[R]]]) -> None:
        try:
            results = await self._work([asked for asked, _ in gathered])
        except Exception as error:  # noqa: BLE001 - it is handed to whoever asked
            await self._failed(gathered, error)
            return
        for (_, told), result in zip(gathered, results, strict=True):
            if not told.done():
                told.set_result(result)

    async def _failed(
        self, gathered: Sequence[tuple[A, asyncio.Future[R]]], error: Exception
    ) -> None:
        """One of them may be at fault, which the others are not to suffer for."""
        if len(gathered) > 1 and not isinstance(error, self._nobodys):
            await asyncio.gather(*(self._run([each]) for each in gathered))
            return
        for _, told in gathered:
            if not told.done():
                # Of its own for each: whoever raises it adds where it came by.
                told.set_exception(copy(error))
