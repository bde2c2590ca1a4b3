"""Watches in one PostgreSQL database that several processes change: what comes in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from recado.domain.delivery import State
from recado.domain.event import Event
from recado.domain.watch import WatchState
from recado.store.session import Session
from recado.store.verbs import events, watches, watching
from recado.store.verbs.rows import micros
from tests.store.kit import BACKENDS, Backend, Desk
from tests.store.meanwhile import in_the_middle, until_it_waits
from tests.store.watches import PRICE, begin, look, now, tell


@pytest.fixture(params=[BACKENDS["postgres"]], ids=["postgres"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Only here can two transactions run at once."""
    chosen: Backend = request.param
    return chosen


@pytest.mark.parametrize("to", [WatchState.CANCELLED, WatchState.PAUSED])
async def test_a_watch_that_is_ended_meanwhile_is_silent(
    desk: Desk, looker: asyncpg.Connection, migrated_url: str, to: WatchState
) -> None:
    """It was read as an active one, and somebody had ended it before it could speak."""
    ended, other = [await begin(desk, await desk.meet(f"a:{place}")) for place in range(2)]
    for value in (100, 80):
        await tell(desk, value)
    await desk.store.evaluate(desk.now, 0, 1)

    async def end(db: Session) -> None:
        await watches.change(db, "local", ended.id, to, micros(desk.now))

    async with in_the_middle(migrated_url, end):
        looking = asyncio.create_task(look(desk))
        await until_it_waits(looker, looking)
    assert await looking == 1
    assert (await now(desk, ended)).state is to
    assert (await now(desk, ended)).fired == 0
    assert (await now(desk, other)).fired == 1
    assert await desk.drain() == ["80"]


async def test_an_event_that_somebody_is_at_is_left_alone(desk: Desk, migrated_url: str) -> None:
    """With those behind it; events of other subjects are not."""
    more = {"repeats": True, "cooldown": timedelta(0)}
    for subject in ("busy", "free"):
        await begin(desk, await desk.meet(), "changes", subject=subject, **more)
        for value in (1, 2, 3):
            await tell(desk, value, subject=subject)

    async def step(db: Session) -> None:
        done = await watching.evaluate(db, micros(desk.now), 0, 1)
        assert [each.subject for each in done.events] == ["busy"]

    async with in_the_middle(migrated_url, step):
        async with asyncio.timeout(10):
            done = await desk.store.evaluate(desk.now, 0, 1_000)
        assert [each.subject for each in done.events] == ["free"] * 3
    assert await look(desk) == 2
    assert sorted(await desk.drain()) == ["2", "2", "3", "3"]


async def test_a_lane_that_somebody_holds_is_not_waited_for(desk: Desk, migrated_url: str) -> None:
    """What is for it is let in a moment later."""
    held, free = [await desk.meet(f"a:{place}") for place in range(2)]
    for lane in (held, free):
        await begin(desk, lane, "above 1", text=lane.key.conversation_id)
    await tell(desk, 2)

    async def hold(db: Session) -> None:
        await db.hold([held.number])

    async with in_the_middle(migrated_url, hold):
        async with asyncio.timeout(10):
            assert await look(desk) == 2
        standing = {await desk.standing(each) for each in await desk.ids()}
        assert standing == {(State.SCHEDULED, "enqueued"), (State.PENDING, None)}
        assert await desk.drain() == ["a:1"]
    await desk.store.expand(desk.now, 10)
    assert await desk.drain() == ["a:0"]


async def test_what_comes_true_again_while_it_is_taken_back_is_said(
    desk: Desk, looker: asyncpg.Connection, migrated_url: str
) -> None:
    """Nobody watches when the event comes in, so whoever takes back what was said has to see it."""
    watch = await begin(desk, await desk.meet())
    for value in (100, 80):
        await tell(desk, value)
    assert await look(desk) == 1
    await tell(desk, 95)

    async def fall(db: Session) -> None:
        event = Event(subject=PRICE, data=70, id="again")
        await events.accept(db, "local", [(event, "70")], micros(desk.now))

    async with in_the_middle(migrated_url, fall):
        sending = asyncio.create_task(desk.drain())
        await until_it_waits(looker, sending)
    said = await sending
    await look(desk)
    assert said + await desk.drain() == ["80"]
    assert (await now(desk, watch)).fired == 1
