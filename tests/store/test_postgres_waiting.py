"""Waiting on PostgreSQL: who needs a conversation that another transaction holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from recado.domain.delivery import State
from recado.store.port import Wanted
from recado.store.postgres import PostgresStore
from recado.store.postgres.database import CONNECTIONS
from recado.testing import HandClock
from tests.store.kit import LEASE, Desk, make_settlement, postgres_address


@pytest.fixture
async def desk(migrated_url: str, clock: HandClock) -> AsyncIterator[Desk]:
    """A desk at a store with as many connections as usual."""
    store = PostgresStore(postgres_address(migrated_url), clock, lock_seconds=30)
    await store.open()
    yield Desk(store, clock)
    await store.close()


@pytest.fixture
async def other(migrated_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Another program's connection."""
    connection = await asyncpg.connect(migrated_url)
    yield connection
    await connection.close()


_HOLD = "SELECT 1 FROM recado_reference WHERE conversation_id = 'a:held' FOR NO KEY UPDATE"


async def test_nobody_waits_for_anothers_conversation(
    desk: Desk, other: asyncpg.Connection
) -> None:
    """What is said in one that is held is accepted later; all else at once."""
    held, free = await desk.meet("a:held"), await desk.meet("a:free")
    async with other.transaction():
        await other.execute(_HOLD)
        late = [
            asyncio.create_task(desk.say(f"late {number}", held))
            for number in range(3 * CONNECTIONS)
        ]
        said = await asyncio.gather(*(desk.say(f"free {number}", free) for number in range(10)))
        assert all(said)
        assert not any(task.done() for task in late)
    assert all(await asyncio.gather(*late))
    assert len(await desk.ids()) == 3 * CONNECTIONS + 10


async def test_a_conversation_that_is_held_is_not_claimed(
    desk: Desk, other: asyncpg.Connection
) -> None:
    """The others are, without waiting."""
    await desk.say("held", await desk.meet("a:held"))
    await desk.say("free", await desk.meet("a:free"))
    async with other.transaction():
        await other.execute(_HOLD)
        assert await desk.texts(await desk.claim()) == ["free"]
    assert await desk.texts(await desk.claim()) == ["held"]


async def test_what_is_due_is_let_in_around_it(desk: Desk, other: asyncpg.Connection) -> None:
    """And what is held comes the next time."""
    for name in ("a:held", "a:free"):
        await desk.say(name, await desk.meet(name), due_at=desk.now.replace(year=2200))
    desk.clock.advance(200 * 366 * 86400)
    async with other.transaction():
        await other.execute(_HOLD)
        assert await desk.store.promote(desk.now, 10) == 1
    assert await desk.store.promote(desk.now, 10) == 1


async def test_what_ended_is_settled_around_it(desk: Desk, other: asyncpg.Connection) -> None:
    """What is held is named, and settled the next time it is handed in."""
    for name in ("a:held", "a:free"):
        await desk.say(name, await desk.meet(name))
    ended = [make_settlement(claim) for claim in await desk.claim()]
    held = next(each.claim for each in ended if each.claim.conversation_id == "a:held")
    async with other.transaction():
        await other.execute(_HOLD)
        cycled = await desk.cycle(Wanted(), settled=ended)
        assert cycled.waiting == (held.delivery_id,)
        assert await desk.state(held.delivery_id) is State.SENDING
    cycled = await desk.cycle(Wanted(), settled=[make_settlement(held)])
    assert not cycled.waiting
    states = {await desk.state(each.claim.delivery_id) for each in ended}
    assert states == {State.DELIVERED}


async def test_leases_are_renewed_around_it(desk: Desk, other: asyncpg.Connection) -> None:
    """Nobody can take over what is held, so that it may wait for the next time."""
    for name in ("a:held", "a:free"):
        await desk.say(name, await desk.meet(name))
    claims = await desk.claim()
    held, free = sorted(claims, key=lambda claim: claim.conversation_id, reverse=True)
    now = desk.later(LEASE.total_seconds() + 1)
    async with other.transaction():
        await other.execute(_HOLD)
        await other.execute("UPDATE recado_lane SET priority = priority")
        assert await desk.store.renew(claims, now + LEASE) == set()
        assert await desk.store.reap("another", now, 10) == []
    assert await desk.store.renew([free], now + LEASE) == {free.delivery_id}
    (lost,) = await desk.store.reap("another", now, 10)
    assert lost.delivery_id == held.delivery_id


async def test_claims_are_handed_back_around_it(desk: Desk, other: asyncpg.Connection) -> None:
    """What is held is given to the caller again."""
    for name in ("a:held", "a:free"):
        await desk.say(name, await desk.meet(name))
    claims = await desk.claim()
    async with other.transaction():
        await other.execute(_HOLD)
        (waiting,) = await desk.store.hand_back(claims)
        assert waiting.conversation_id == "a:held"
        assert await desk.texts() == ["a:free"]
    assert await desk.store.hand_back([waiting]) == []
    assert await desk.state(waiting.delivery_id) is State.PENDING
