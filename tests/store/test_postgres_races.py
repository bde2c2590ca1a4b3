"""Several processes at the same time in one PostgreSQL database: what comes in between."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from proofs.lanes import look
from proofs.races import Played, table
from recado.store.session import Session
from recado.store.verbs import acceptance
from recado.store.verbs.rows import micros
from tests.store.changes import update
from tests.store.kit import BACKENDS, Backend, Desk
from tests.store.meanwhile import in_the_middle, until_it_waits


@pytest.fixture(params=[BACKENDS["postgres"]], ids=["postgres"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Only here can two transactions run at once."""
    chosen: Backend = request.param
    return chosen


async def test_an_update_takes_over_from_one_that_goes_on(
    desk: Desk, looker: asyncpg.Connection, migrated_url: str
) -> None:
    """Whom another process is just telling the earlier words is not told twice."""
    for number in range(4):
        await desk.meet(f"a:{number}")
    first = await desk.accept("first")
    await update(desk, first.notification_id, "second")

    async def step(db: Session) -> None:
        assert await acceptance.expand(db, micros(desk.now), 2) == 2

    async with in_the_middle(migrated_url, step):
        third = asyncio.create_task(update(desk, first.notification_id, "third"))
        await until_it_waits(looker, third)
    await third
    while await desk.store.expand(desk.now, 100):
        pass
    (await look(looker)).raise_for_trouble()
    assert sorted(await desk.drain()) == ["third"] * 4


@pytest.mark.timeout(120)
async def test_anything_at_the_same_time(migrated_url: str) -> None:
    """Four processes do anything; whenever they rest, rows agree and nothing is lost."""
    played = Played()
    async with table(migrated_url, players=4) as where:
        for seed in range(4):
            await where.play(played, seed, rounds=12)
    assert not played.broken, "\n".join(played.broken)
    assert sum(played.verbs.values()) == 4 * 12 * 4 * 4
