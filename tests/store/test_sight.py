"""Where due lanes are looked for, once looking from the beginning has become dear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from recado.domain.delivery import Priority
from recado.store.postgres import PostgresStore
from recado.store.verbs import sight
from recado.testing import HandClock
from tests.store.kit import Desk, postgres_address


class Dear:
    """A clock by which every look from the beginning takes a second."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 0.5
        return self.seconds


@pytest.fixture
async def desk(
    migrated_url: str, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """A desk at a store that has found looking dear already."""
    monkeypatch.setattr(sight, "_IN_A_ROW", 1)
    store = PostgresStore(postgres_address(migrated_url), clock)
    store._sight = sight.Sight(spares=True, clock=Dear())  # noqa: SLF001 - that is the point
    await store.open()
    yield Desk(store, clock)
    await store.close()


async def fill(desk: Desk, lanes: int, said: int) -> None:
    """So many conversations of two tenants, in each of which so much waits."""
    for number in range(lanes):
        reference = await desk.meet(f"a:{number}", tenant_id=f"tenant-{number % 2}")
        for turn in range(said):
            await desk.say(f"{number}.{turn}", reference)


async def test_nothing_is_left_behind(desk: Desk) -> None:
    """Everything is claimed, in order, however little is seen at a time."""
    await fill(desk, 10, 3)
    said: list[str] = []
    while claims := await desk.claim(3):
        said += await desk.texts(claims)
        for claim in claims:
            await desk.settle(claim)
    assert len(said) == 30
    for number in range(10):
        mine = [each for each in said if each.startswith(f"{number}.")]
        assert mine == [f"{number}.{turn}" for turn in range(3)]


async def test_what_comes_meanwhile_is_found(desk: Desk) -> None:
    """In a tenant that is known by now, and in one that is not."""
    await fill(desk, 4, 1)
    for claim in await desk.claim(2):
        await desk.settle(claim)
    desk.later(1)
    await desk.say("known", await desk.meet("a:new", tenant_id="tenant-0"))
    await desk.say("new", await desk.meet("a:newer", tenant_id="tenant-9"))
    urgent = await desk.meet("a:urgent", tenant_id="tenant-1")
    await desk.say("urgent", urgent, priority=Priority.URGENT)
    assert {"known", "new", "urgent"} <= set(await desk.drain())


async def test_what_had_to_wait_is_not_forgotten(desk: Desk) -> None:
    """A lane that has been due longer than those seen last is seen again before long."""
    await fill(desk, 4, 1)
    first, *others = await desk.claim(2)
    desk.later(1)
    await desk.store.hand_back([first, *others])
    assert len(await desk.drain()) == 4


async def test_a_snapshot_elsewhere_costs_little(
    desk: Desk, migrated_url: str, clock: HandClock
) -> None:
    """What was delivered since cannot be cleared away, and is not read each time."""
    other = await asyncpg.connect(migrated_url)
    async with other.transaction(isolation="repeatable_read", readonly=True):
        await other.fetch("SELECT 1 FROM recado_secret")
        await fill(desk, 60, 2)
        async with asyncio.timeout(20):
            assert len(await desk.drain()) == 120
    await other.close()
