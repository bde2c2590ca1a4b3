from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.engine.kit import Bench, TroubledStore, WatchedClock

MakeBench = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def make_bench(tmp_path: Path) -> AsyncIterator[MakeBench]:
    """Makes benches over one database file and one clock, each like another process."""
    clock = WatchedClock()
    async with AsyncExitStack() as stack:

        async def make(**changes: Any) -> Bench:
            store = TroubledStore(tmp_path / "recado.db", clock)
            await store.open()
            stack.push_async_callback(store.close)
            bench = Bench(store, clock, **changes)
            stack.push_async_callback(bench.crash)
            return bench

        yield make


@pytest.fixture
async def bench(make_bench: MakeBench) -> Bench:
    """A bench whose services are not started yet."""
    return await make_bench()
