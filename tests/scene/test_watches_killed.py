"""Watches whose process is killed: each looks at each event once all the same."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from proofs.killed import IN_FULL, in_full
from proofs.points import KNOWN, WATCH_POINTS
from proofs.watching import VALUES, WATCHES
from recado.config import Settings
from recado.database_url import SqliteFile
from recado.domain.watch import WatchState
from recado.store.port import DeliveryFilter, Store
from recado.store.postgres import PostgresStore
from recado.store.sqlite import SqliteStore

_ROOT = Path(__file__).parents[2]
#: Watches that look in one step: a few steps for each event.
_STEP = 20 if IN_FULL else 40
#: Where a process is killed, and with which time it comes there.
_KILLS = in_full(
    [(point, times) for point in WATCH_POINTS for times in ("1", "2", "4")],
    [(point, "2") for point in WATCH_POINTS if not point.startswith("watch")],
)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/recado.db"
    migrated: str = request.getfixturevalue("migrated_url")
    return migrated


async def run(url: str, *fate: str) -> int:
    """One process; how it ended."""
    command = [sys.executable, "-m", "proofs.watching", url, str(_STEP), *fate]
    process = await asyncio.create_subprocess_exec(*command, cwd=_ROOT)
    async with asyncio.timeout(50):
        return await process.wait()


async def told(url: str) -> Counter[tuple[str, str]]:
    """How often each conversation is told each thing."""
    where = Settings(database_url=url).database
    store: Store
    if isinstance(where, SqliteFile):
        store = SqliteStore(where.path)
    else:
        store = PostgresStore(where, connections=3)
    await store.open()
    try:
        assert not await store.events_pending()
        page = await store.watches("local", states=list(WatchState), limit=1_000)
        assert [each.fired for each in page.items] == [len(VALUES) - 1] * WATCHES
        counted: Counter[tuple[str, str]] = Counter()
        for each in (await store.deliveries(DeliveryFilter(), limit=1_000)).items:
            detail = await store.delivery(each.id)
            assert detail is not None
            assert detail.content is not None
            counted[each.reference_id, detail.content] += 1
        return counted
    finally:
        await store.close()


@pytest.mark.parametrize(("point", "times"), _KILLS)
async def test_a_process_is_killed_at_each_point(url: str, point: str, times: str) -> None:
    """Another one does it all once more: nothing is skipped, and nothing is said twice."""
    assert await run(url, point, times) == -signal.SIGKILL
    assert await run(url) == 0
    counted = await told(url)
    assert set(counted.values()) == {1}
    assert len(counted) == WATCHES * (len(VALUES) - 1)


async def test_processes_are_killed_again_and_again(url: str) -> None:
    """In the middle of an event, each some steps further on than the one before."""
    kills = 0
    while await run(url, f"look: {KNOWN}", "3") == -signal.SIGKILL:
        kills += 1
    assert kills >= 3
    assert set((await told(url)).values()) == {1}
