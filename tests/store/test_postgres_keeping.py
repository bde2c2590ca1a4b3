"""Keeping scopes on PostgreSQL: one process at a time, and another one soon when it has died."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any

import psycopg
import pytest

from recado.domain.asking import Ask
from recado.domain.notification import Turn
from recado.domain.scope import Scope
from recado.store.port import Cycled, Paced, Shares, Wanted
from recado.store.postgres import PostgresStore
from recado.testing import HandClock
from tests.store.contract.test_asks import make_ask
from tests.store.kit import SECOND, Desk, postgres_address

HERE = Scope("local", "msteams", "tenant-1")
THERE = HERE._replace(tenant="tenant-2")
LEASE = 4 * SECOND

Enlist = Callable[[str], Awaitable[Desk]]


@pytest.fixture
async def enlist(migrated_url: str) -> AsyncIterator[Enlist]:
    """Starts processes that deliver; without sessions, as behind a pooler."""
    clock = HandClock()
    async with AsyncExitStack() as stack:

        async def one(owner: str) -> Desk:
            address = postgres_address(f"{migrated_url}&pooler=true")
            store = PostgresStore(address, clock, connections=2)
            await store.open()
            stack.push_async_callback(store.close)
            await store.try_serve(owner)
            desk = Desk(store, clock, owner)
            await keep(desk)
            return desk

        yield one


async def keep(desk: Desk, *gone: Scope) -> Shares:
    """Renew the lease, and let go of what was taken before."""
    let_go = dict.fromkeys(gone, desk.now)
    return await desk.store.keep(desk.owner, desk.now, desk.now + LEASE, let_go)


async def take(desk: Desk, *scopes: Scope) -> set[Scope]:
    """What a process gets of these scopes."""
    taken = await desk.store.take(desk.owner, scopes, desk.now)
    assert {*taken.kept, *taken.others} == set(scopes)
    return set(taken.kept)


async def claim(desk: Desk, kept: Iterable[Scope] = (), **wanted: Any) -> Cycled:
    """What it may claim that keeps these scopes already."""
    paced = Paced(channels={"msteams"}, kept=set(kept), others=wanted.pop("others", {}))
    told: dict[str, Any] = {"limit": 64, "paced": paced} | wanted
    return await desk.cycle(Wanted(**told))


# -- one keeper at a time ---------------------------------------------------------------------


async def test_a_scope_has_one_keeper(enlist: Enlist) -> None:
    """Whoever comes first; it may ask again."""
    one, two = await enlist("one"), await enlist("two")
    assert await take(one, HERE) == {HERE}
    assert await take(two, HERE, THERE) == {THERE}
    assert await take(one, HERE, THERE) == {HERE}


async def test_of_many_who_come_at_once_one_keeps_it(enlist: Enlist) -> None:
    """Every scope has exactly one keeper."""
    desks = [await enlist(f"{number}") for number in range(4)]
    scopes = [HERE._replace(tenant=f"{number}") for number in range(50)]
    kept = await asyncio.gather(*(take(desk, *scopes) for desk in desks))
    assert sum(map(len, kept)) == 50
    assert set().union(*kept) == set(scopes)


async def test_a_lease_that_is_not_renewed_runs_out(enlist: Enlist) -> None:
    """Then another process may take over; one that renews it keeps everything."""
    one, two = await enlist("one"), await enlist("two")
    await take(one, HERE)
    two.later(3)
    await keep(one)
    await keep(two)
    two.later(3)
    assert await take(two, HERE) == set()
    two.later(2)
    await keep(two)
    assert await take(two, HERE) == {HERE}
    await keep(one)
    assert await take(one, HERE) == set()


async def test_what_is_let_go_is_free(enlist: Enlist) -> None:
    """Unless it was taken again in the meantime."""
    one, two = await enlist("one"), await enlist("two")
    await take(one, HERE, THERE)
    first = one.now
    one.later(1)
    await take(one, HERE)
    await one.store.keep("one", one.now, one.now + LEASE, {HERE: first, THERE: first})
    assert await take(two, HERE, THERE) == {THERE}


async def test_who_stops_in_order_keeps_nothing(enlist: Enlist) -> None:
    """Others need not wait."""
    one, two = await enlist("one"), await enlist("two")
    await take(one, HERE)
    await one.store.stop_serving()
    assert await take(two, HERE) == {HERE}


async def test_a_process_learns_its_share(enlist: Enlist) -> None:
    """How much it keeps, how much all keep, and how many they are; the dead are left away."""
    one, two = await enlist("one"), await enlist("two")
    await take(one, HERE)
    await take(two, THERE)
    assert await keep(one) == Shares(mine=1, all=2, processes=2)
    one.later(5)
    assert await keep(one) == Shares(mine=1, all=1, processes=1)


async def test_who_does_not_deliver_asks_others(enlist: Enlist, migrated_url: str) -> None:
    """If there are any; if not, there is nobody who could keep a scope."""
    one = await enlist("one")
    address = postgres_address(f"{migrated_url}&pooler=true")
    guest = PostgresStore(address, one.clock, connections=2)
    await guest.open()
    try:
        assert set((await guest.take("guest", [HERE], one.now)).others) == {HERE}
        await one.store.stop_serving()
        taken = await guest.take("guest", [HERE], one.now)
        assert (taken.kept, taken.others) == ((), ())
    finally:
        await guest.close()


# -- who has died -----------------------------------------------------------------------------


async def test_who_has_died_keeps_nothing_at_once(migrated_url: str) -> None:
    """The server knows it by the session, long before the lease has run out."""
    clock = HandClock()
    address = postgres_address(migrated_url)
    one, two = (PostgresStore(address, clock, connections=2) for _ in range(2))
    lost = asyncio.Event()
    one.on_lost(lost.set)
    async with AsyncExitStack() as stack:
        for store, owner in ((one, "one"), (two, "two")):
            await store.open()
            stack.push_async_callback(store.close)
            await store.try_serve(owner)
            while store._bell.session is None:  # noqa: ASYNC110, SLF001 - nothing tells of it
                await asyncio.sleep(0)
            await store.keep(owner, clock.now(), clock.now() + LEASE, {})
        assert (await one.take("one", [HERE], clock.now())).kept
        assert not (await two.take("two", [HERE], clock.now())).kept
        session = one._bell._connection  # noqa: SLF001 - what a kill does to it
        assert session is not None
        with psycopg.connect(migrated_url, autocommit=True) as connection:
            killed = "SELECT pg_terminate_backend(%s, 5000)"
            connection.execute(killed, [session.get_server_pid()])
        assert (await two.take("two", [HERE], clock.now())).kept
        # If it lives after all, it knows that it keeps nothing any more.
        await lost.wait()


# -- claiming ---------------------------------------------------------------------------------


async def test_only_the_keeper_claims(enlist: Enlist) -> None:
    """It takes the scope with the first claim; the other is told who has something to do there."""
    one, two = await enlist("one"), await enlist("two")
    for number in range(2):
        await one.say("x", await one.meet(f"a:{number}"))
    found = await claim(one, limit=1)
    assert (len(found.claims), set(found.taken), found.elsewhere) == (1, {HERE}, False)
    other = await claim(two)
    assert (other.claims, set(other.others), other.elsewhere) == ([], {HERE}, True)
    again = await claim(one, [HERE])
    assert (len(again.claims), set(again.taken)) == (1, set())


async def test_what_others_are_believed_to_keep_is_not_asked_for(enlist: Enlist) -> None:
    """So that a thousand tenants do not cost a thousand look-ups a cycle."""
    one = await enlist("one")
    await one.say("x", await one.meet())
    believed = await claim(one, others={HERE: one.now + SECOND})
    assert (believed.claims, set(believed.taken), believed.elsewhere) == ([], set(), True)
    assert len((await claim(one, others={HERE: one.now})).claims) == 1


async def test_channels_without_limits_are_free_for_all(enlist: Enlist) -> None:
    """Nobody keeps them."""
    one, two = await enlist("one"), await enlist("two")
    for number in range(2):
        await one.say("x", await one.meet(f"a:{number}", channel="emulator"))
    assert len((await claim(one, limit=1)).claims) == 1
    found = await claim(two)
    assert (len(found.claims), set(found.taken)) == (1, set())


async def test_one_process_takes_what_it_can_serve(enlist: Enlist) -> None:
    """The rest is for others, so that they share the work."""
    one, two = await enlist("one"), await enlist("two")
    for number in range(6):
        await one.say("x", await one.meet(f"a:{number}", tenant_id=f"t{number}"))
    first, second = await claim(one, limit=3), await claim(two)
    assert (len(first.claims), len(first.taken)) == (3, 3)
    assert (len(second.claims), len(second.taken)) == (3, 3)
    assert not set(first.taken) & set(second.taken)


async def test_what_is_asked_for_is_taken(enlist: Enlist) -> None:
    """By whoever reads it first, if nobody keeps its scope."""
    one, two = await enlist("one"), await enlist("two")
    ask: Ask = make_ask(one)
    await one.store.ask(ask)
    paced = Paced(channels={"msteams"}, kept=(), others={}, asks=True)
    found = await two.cycle(Wanted(paced=paced))
    assert (set(found.taken), found.asks) == ({HERE}, [ask])
    late = await one.cycle(Wanted(paced=paced))
    assert (set(late.taken), set(late.others)) == (set(), {HERE})


async def test_a_turn_runs_where_its_handler_is(enlist: Enlist) -> None:
    """Whoever keeps its scope: what it sends is asked leave for. Nothing else leaves there."""
    keeper, bot = await enlist("keeper"), await enlist("bot")
    await bot.store.release_handlers(["report"])
    made = await keeper.say("", await keeper.meet("a:1"), turn=Turn(handler="report"))
    plain = await keeper.say("plain", await keeper.meet("a:2"))
    found = await claim(keeper, handlers=())
    assert [each.delivery_id for each in found.claims] == [plain]
    await keeper.say("another", await keeper.meet("a:3"))
    turns = await claim(bot, handlers=("report",))
    assert [each.delivery_id for each in turns.claims] == [made]
    assert len((await claim(keeper, [HERE], handlers=())).claims) == 1


async def test_what_stands_behind_a_turn_is_the_keepers(enlist: Enlist) -> None:
    """A lane that was left for a handler once is not for its process for good."""
    keeper, bot = await enlist("keeper"), await enlist("bot")
    await bot.store.release_handlers(["report"])
    reference = await keeper.meet()
    await keeper.say("", reference, turn=Turn(handler="report"))
    behind = await keeper.say("behind", reference)
    await claim(keeper, handlers=())
    (turn,) = (await claim(bot, handlers=("report",))).claims
    await bot.settle(turn)
    assert not (await claim(bot, handlers=("report",))).claims
    (found,) = (await claim(keeper, [HERE], handlers=())).claims
    assert found.delivery_id == behind
