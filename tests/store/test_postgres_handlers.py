"""Turns on several processes: each goes to one that has its handler, and keeps its place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import psycopg
import pytest

from recado.domain.delivery import HeldReason, State
from recado.domain.notification import Turn
from recado.domain.reference import Reference
from recado.store.port import Claim, Wanted
from recado.store.postgres import PostgresStore
from recado.testing import HandClock
from tests.store.kit import Desk, postgres_address

Enlist = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def enlist(migrated_url: str) -> AsyncIterator[Enlist]:
    """Starts processes that deliver, each with handlers of its own."""
    clock = HandClock()
    async with AsyncExitStack() as stack:

        async def one(owner: str, *handlers: str) -> Desk:
            store = PostgresStore(postgres_address(migrated_url), clock, connections=2)
            await store.open()
            stack.push_async_callback(store.close)
            await store.try_serve(owner)
            await store.release_handlers(handlers)
            return Desk(store, clock, owner)

        yield one


async def work(desk: Desk, *handlers: str, limit: int = 64) -> Sequence[Claim]:
    """What a process with these handlers claims."""
    return (await desk.cycle(Wanted(limit=limit, handlers=handlers))).claims


async def turn(desk: Desk, to: Reference, handler: str = "report") -> str:
    """A delivery that runs code; its id."""
    return await desk.say("", to, turn=Turn(handler=handler))


def ids(claims: Sequence[Claim]) -> list[str]:
    """Which deliveries were claimed."""
    return [claim.delivery_id for claim in claims]


async def test_a_turn_is_left_to_who_has_its_handler(enlist: Enlist) -> None:
    """Whoever has not claims everything else, and the other finds it at once."""
    plain, bot = await enlist("plain"), await enlist("bot", "report")
    first, second = await plain.meet("a:1"), await plain.meet("a:2")
    made = await turn(plain, first)
    other = await plain.say("plain", second)
    cycled = await plain.cycle(Wanted(limit=64, handlers=()))
    assert ids(cycled.claims) == [other]
    assert cycled.left == 1
    assert await plain.standing(made) == (State.PENDING, None)
    assert ids(await work(bot, "report")) == [made]


async def test_it_is_come_upon_once(enlist: Enlist) -> None:
    """What was left is not looked at again, however much of it there is."""
    plain, _ = await enlist("plain"), await enlist("bot", "report")
    for number in range(20):
        await turn(plain, await plain.meet(f"a:{number}"))
    assert (await plain.cycle(Wanted(limit=4, handlers=()))).left == 20
    assert (await plain.cycle(Wanted(limit=4, handlers=()))).left == 0


async def test_its_lane_keeps_its_order(enlist: Enlist) -> None:
    """What stands behind a turn waits for it, whoever sends that."""
    plain, bot = await enlist("plain"), await enlist("bot", "report")
    reference = await plain.meet()
    made = await turn(plain, reference)
    behind = await plain.say("behind", reference)
    assert await work(plain) == []
    (claim,) = await work(bot, "report")
    assert claim.delivery_id == made
    assert await work(plain) == []
    await bot.settle(claim)
    assert ids(await work(plain)) == [behind]


async def test_without_such_a_process_it_is_claimed_to_be_held(enlist: Enlist) -> None:
    """It is not to keep those behind it waiting for nobody."""
    plain = await enlist("plain")
    made = await turn(plain, await plain.meet())
    (claim,) = await work(plain)
    await plain.settle(claim, State.HELD, reason=str(HeldReason.NO_HANDLER), uncounted=True)
    bot = await enlist("bot", "report")
    assert ids(await work(bot, "report")) == [made]


@pytest.mark.parametrize("how", ["stops", "dies"])
async def test_what_was_left_to_a_process_that_is_gone(
    enlist: Enlist, migrated_url: str, how: str
) -> None:
    """Is claimed by the others, to be held."""
    plain, bot = await enlist("plain"), await enlist("bot", "report")
    made = await turn(plain, await plain.meet())
    assert await work(plain) == []
    assert await plain.store.release_handlers([]) == 0
    if how == "stops":
        await bot.store.stop_serving()
    else:
        with psycopg.connect(migrated_url) as connection:
            connection.execute(
                "UPDATE recado_process SET seen_at = now() - INTERVAL '1 minute' "
                "WHERE owner = 'bot'"
            )
    assert await plain.store.release_handlers([]) == 1
    assert ids(await work(plain)) == [made]


async def test_each_handler_has_its_turn(enlist: Enlist) -> None:
    """A backlog of one does not keep another from being found."""
    plain = await enlist("plain")
    first, second = await enlist("first", "report"), await enlist("second", "digest")
    for number in range(8):
        await turn(plain, await plain.meet(f"a:{number}"))
    digest = await turn(plain, await plain.meet("a:9"), "digest")
    await work(plain)
    assert ids(await work(second, "digest", limit=2)) == [digest]
    assert len(await work(first, "report", limit=2)) == 2
    assert len(await work(first, "report")) == 6


async def test_a_retried_turn_keeps_the_head(enlist: Enlist) -> None:
    """Nothing overtakes it while it waits for its handler."""
    plain, bot = await enlist("plain"), await enlist("bot", "report")
    reference = await plain.meet()
    made = await turn(plain, reference)
    (claim,) = await work(bot, "report")
    await bot.settle(claim, State.RETRYING, due_at=bot.now)
    await plain.say("urgent", reference, priority=0)
    assert await work(plain) == []
    (again,) = await work(bot, "report")
    assert (again.delivery_id, again.attempt) == (made, 2)


async def test_those_who_have_it_are_told(enlist: Enlist) -> None:
    """They need not wait for their next look."""
    plain, bot = await enlist("plain"), await enlist("bot", "report")
    rung: list[str] = []
    plain.store._ring = lambda: rung.append("rung")  # type: ignore[attr-defined]  # noqa: SLF001
    await turn(bot, await bot.meet())
    await work(plain)
    assert rung == ["rung"]
