"""Transactions that meet others in PostgreSQL: nobody waits who need not, and refusals say what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import asyncpg
import psycopg
import pytest
import sqlalchemy

from recado import Recado
from recado.domain.audience import Conversation
from recado.domain.delivery import State
from recado.errors import (
    InvalidInput,
    StoreEmpty,
    StoreReadOnly,
    StoreUnavailable,
    TransactionConflict,
)
from recado.store.postgres import PostgresStore
from recado.testing import HandClock, make_sighting
from tests.enqueue.conftest import open_recado
from tests.enqueue.kit import (
    Caller,
    Dbapi,
    recado_at,
    with_asyncpg,
    with_psycopg,
    with_sqlalchemy,
)
from tests.store.kit import Desk, postgres_address

ANA = "conversation:a:1"

Begin = Callable[..., Awaitable[Caller]]


@pytest.fixture
async def begin(server_url: str) -> AsyncIterator[Begin]:
    """Begins transactions, each on a connection of its own."""
    async with AsyncExitStack() as stack:

        async def one(isolation: str = "READ COMMITTED") -> Caller:
            caller = await stack.enter_async_context(with_asyncpg(server_url))
            await caller.do(f"BEGIN ISOLATION LEVEL {isolation}")
            await caller.do("SET LOCAL deadlock_timeout = '20ms'")
            await caller.do("SELECT count(*) FROM recado_reference")  # takes its snapshot
            return caller

        yield one


@pytest.fixture
async def impatient(server_url: str) -> AsyncIterator[Desk]:
    """A process that delivers and does not wait for anybody."""
    clock = HandClock()
    store = PostgresStore(postgres_address(server_url), clock, lock_seconds=0.2)
    await store.open()
    yield Desk(store, clock)
    await store.close()


async def waits_for_a_lock(server_url: str) -> None:
    """Return when some transaction waits for another."""
    connection = await asyncpg.connect(server_url)
    query = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"
    while not await connection.fetchval(query):  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0)
    await connection.close()


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
async def test_nobody_waits_for_a_long_transaction(
    begin: Begin, impatient: Desk, isolation: str
) -> None:
    """Neither deliveries of the same conversation, nor its person's own messages."""
    ana = await impatient.find("a:1")
    in_flight = await impatient.say("before", ana)
    claim = await impatient.claim_of(in_flight)
    caller = await begin(isolation)
    options = {"collapse_key": "price", "idempotency_key": "k"}
    handle = await caller.enqueue(ANA, "in a long transaction", **options)
    await impatient.settle(claim)
    await impatient.say("meanwhile", ana)
    await impatient.see("a:1", service_url="https://smba.trafficmanager.net/amer/")
    await impatient.store.expand(impatient.now, 500)
    await impatient.store.promote(impatient.now, 500)
    assert await impatient.drain() == ["meanwhile"]
    await caller.commit()
    await impatient.store.expand(impatient.now, 500)
    assert await impatient.drain() == ["in a long transaction"]
    assert await impatient.state(handle.delivery_ids[0]) is State.DELIVERED


async def test_a_conversation_that_came_back_meanwhile_is_spoken_in(
    begin: Begin, impatient: Desk
) -> None:
    """It was gone when it was enqueued, and nobody is told of its return twice."""
    await impatient.make_unreachable(await impatient.find("a:1"))
    caller = await begin()
    await caller.enqueue(ANA, "welcome back")
    await impatient.see("a:1")
    assert await impatient.drain() == ["tried"]
    await caller.commit()
    await impatient.store.expand(impatient.now, 500)
    assert await impatient.drain() == ["welcome back"]


async def test_for_a_conversation_that_is_gone_it_is_held(begin: Begin, impatient: Desk) -> None:
    """As notify would have it."""
    await impatient.make_unreachable(await impatient.find("a:1"))
    caller = await begin()
    handle = await caller.enqueue(ANA, "hi")
    await caller.commit()
    await impatient.store.expand(impatient.now, 500)
    assert await impatient.standing(handle.delivery_ids[0]) == (State.HELD, "unreachable")


async def test_order_is_kept(begin: Begin, impatient: Desk) -> None:
    """Of what one transaction enqueued."""
    caller = await begin()
    for text in ("first", "second", "third"):
        await caller.enqueue(ANA, text)
    await caller.commit()
    await impatient.store.expand(impatient.now, 500)
    assert await impatient.drain() == ["first", "second", "third"]


async def test_two_take_it_up_once(begin: Begin, impatient: Desk, server_url: str) -> None:
    """Processes that look at the same moment share what they find."""
    caller = await begin()
    for number in range(40):
        await caller.enqueue(ANA, str(number))
    await caller.commit()
    other = PostgresStore(postgres_address(server_url), impatient.clock)
    await other.open()
    try:
        taken = 0
        while some := sum(
            await asyncio.gather(
                *(store.expand(impatient.now, 20) for store in (impatient.store, other))
            )
        ):
            taken += some
    finally:
        await other.close()
    assert taken == 40
    assert await impatient.drain() == [str(number) for number in range(40)]


async def test_the_same_key_at_once_is_accepted_once(begin: Begin, server_url: str) -> None:
    """With READ COMMITTED the second one finds what the first one has committed meanwhile."""
    one, two = await begin(), await begin()
    first = await one.enqueue(ANA, "once", idempotency_key="k")
    waiting = asyncio.create_task(two.enqueue(ANA, "once", idempotency_key="k"))
    await waits_for_a_lock(server_url)
    assert not waiting.done()
    await one.commit()
    second = await waiting
    assert (second.id, second.replayed) == (first.id, True)
    await two.commit()


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
async def test_the_same_key_at_once_is_a_conflict_that_a_retry_ends(
    begin: Begin, isolation: str
) -> None:
    """Where a transaction cannot see what was committed since it began; it is still usable."""
    one, two = await begin(), await begin(isolation)
    first = await one.enqueue(ANA, "once", idempotency_key="k")
    await one.commit()
    with pytest.raises(TransactionConflict, match="run it again"):
        await two.enqueue(ANA, "once", idempotency_key="k")
    other = await two.enqueue(ANA, "something else")
    await two.commit()
    three = await begin(isolation)
    again = await three.enqueue(ANA, "once", idempotency_key="k")
    await three.commit()
    assert (again.id, again.replayed, other.replayed) == (first.id, True, False)


async def test_a_deadlock_of_two_callers_is_a_conflict(begin: Begin, server_url: str) -> None:
    """One of them is told to run its transaction again; the other goes on."""
    one, two = await begin(), await begin()
    await one.enqueue(ANA, "a", idempotency_key="a")
    await two.enqueue(ANA, "b", idempotency_key="b")
    waiting = asyncio.create_task(one.enqueue(ANA, "b", idempotency_key="b"))
    await waits_for_a_lock(server_url)

    async def cross() -> None:
        await two.enqueue(ANA, "a", idempotency_key="a")

    async def first() -> None:
        await waiting

    async def ended(which: Callable[[], Awaitable[None]], caller: Caller) -> type | None:
        try:
            await which()
        except TransactionConflict as error:
            await caller.rollback()
            return type(error)
        await caller.commit()
        return None

    outcomes = await asyncio.gather(ended(first, one), ended(cross, two))
    assert sorted(map(str, outcomes)) == sorted(map(str, [TransactionConflict, None]))


async def test_rolling_back_lets_the_other_have_the_key(begin: Begin, server_url: str) -> None:
    """What never was does not count."""
    one, two = await begin(), await begin("REPEATABLE READ")
    await one.enqueue(ANA, "once", idempotency_key="k")
    waiting = asyncio.create_task(two.enqueue(ANA, "once", idempotency_key="k"))
    await waits_for_a_lock(server_url)
    await one.rollback()
    assert not (await waiting).replayed
    await two.commit()


async def test_workers_hear_of_it_at_the_commit(begin: Begin, server_url: str) -> None:
    """Not before, and without looking."""
    heard = asyncio.Event()
    connection = await asyncpg.connect(server_url)
    await connection.add_listener("recado", lambda *_: heard.set())
    caller = await begin()
    await caller.enqueue(ANA, "hi")
    await connection.execute("SELECT 1")
    assert not heard.is_set()
    await caller.commit()
    async with asyncio.timeout(10):
        await heard.wait()
    await connection.close()


async def test_json_of_the_callers_own_does_not_matter(begin: Begin) -> None:
    """The manual of asyncpg has callers teach their connections to convert JSON."""
    caller = await begin()
    for name in ("json", "jsonb"):
        await caller.transaction.set_type_codec(
            name, encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
        )
    handle = await caller.enqueue(ANA, "hi", collapse_key="k")
    await caller.commit()
    assert len(handle.delivery_ids) == 1


async def test_rows_of_the_callers_own_do_not_matter(server_url: str) -> None:
    """Nor do psycopg's cursors that bind parameters at the client, or by number."""
    with psycopg.connect(
        server_url, row_factory=psycopg.rows.dict_row, cursor_factory=psycopg.RawCursor
    ) as connection:
        await Dbapi(recado_at(server_url), connection).enqueue(ANA, "hi", idempotency_key="k%s")


# -- what is refused ---------------------------------------------------------------------------


async def test_a_connection_without_a_transaction_is_refused(server_url: str) -> None:
    """It would be committed at once, with nothing to go with it."""
    async with with_asyncpg(server_url) as caller:
        with pytest.raises(InvalidInput, match="not in a transaction: begin one first"):
            await caller.enqueue(ANA, "hi")
    with psycopg.connect(server_url, autocommit=True) as connection:
        recado = recado_at(server_url)
        with pytest.raises(InvalidInput, match="not in a transaction"):
            recado.enqueue(connection, ANA, "hi")
        with connection.transaction():
            assert recado.enqueue(connection, ANA, "hi").delivery_ids
    engine = sqlalchemy.create_engine(
        server_url.replace("postgresql", "postgresql+psycopg", 1), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as alchemy, pytest.raises(InvalidInput, match="not in a transaction"):
        recado_at(server_url).enqueue(alchemy, ANA, "hi")
    engine.dispose()


async def test_a_transaction_that_has_failed_is_refused(server_url: str) -> None:
    """It can only be rolled back, and then it works again."""
    for opened in (with_asyncpg, with_psycopg):
        async with opened(server_url) as caller:
            await caller.begin()
            with pytest.raises((asyncpg.PostgresError, psycopg.Error)):
                await caller.do("SELECT 1 / 0")
            with pytest.raises(InvalidInput, match="has failed already: roll it back"):
                await caller.enqueue(ANA, "hi")
            await caller.rollback()
            await caller.begin()
            await caller.enqueue(ANA, "hi")
            await caller.commit()


async def test_a_read_only_transaction_is_refused(begin: Begin) -> None:
    """With what to do instead."""
    caller = await begin("READ COMMITTED READ ONLY")
    with pytest.raises(StoreReadOnly, match="begin one that is not"):
        await caller.enqueue(ANA, "hi")


async def test_a_database_without_our_tables_is_refused(postgres_url: str) -> None:
    """The remedy is named, and the transaction goes on."""
    for opened in (with_asyncpg, with_sqlalchemy("psycopg", session=True)):
        async with opened(postgres_url) as caller:
            await caller.begin()
            with pytest.raises(StoreEmpty, match="recado migrate"):
                await caller.enqueue(ANA, "hi")
            await caller.do("SELECT 1")


async def test_the_callers_patience_is_the_callers(begin: Begin) -> None:
    """Who does not wait for locks is told what to do."""
    one, two = await begin(), await begin()
    await one.enqueue(ANA, "hi", idempotency_key="k")
    await two.do("SET LOCAL lock_timeout = '1ms'")
    with pytest.raises(StoreUnavailable, match="roll back and try again"):
        await two.enqueue(ANA, "hi", idempotency_key="k")


async def test_a_lost_connection_is_the_callers_own_error(begin: Begin, server_url: str) -> None:
    """As the caller's other statements would raise it."""
    caller = await begin()
    connection = await asyncpg.connect(server_url)
    pid = caller.transaction.get_server_pid()
    # Returns when it has gone.
    await connection.execute("SELECT pg_terminate_backend($1, 10000)", pid)
    await connection.close()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await caller.enqueue(ANA, "hi")


async def test_the_servers_clock_counts(begin: Begin, server_url: str) -> None:
    """The clock of the caller's machine may be wrong; those who deliver have the server's."""
    caller = await begin()
    handle = await caller.enqueue(ANA, "hi")
    told = await caller.transaction.fetchval("SELECT clock_timestamp()")
    await caller.commit()
    async with open_recado(server_url) as recado:
        found = await recado.outbox.notification(handle.id)
    assert abs((found.accepted_at - told).total_seconds()) < 5


async def test_within_the_turn_of_its_conversation_it_waits_for_the_end(
    begin: Begin, impatient: Desk
) -> None:
    """As what notify accepts there."""
    from recado.outbox import CurrentTurn, in_turn  # noqa: PLC0415 - only here

    caller = await begin()
    with in_turn(CurrentTurn("turn-1", "msteams", "a:1")) as turn:
        handle = await caller.enqueue(ANA, "afterwards")
        await caller.commit()
        await impatient.store.expand(impatient.now, 500)
        assert await impatient.standing(handle.delivery_ids[0]) == (State.HELD, "busy")
        assert turn.held
    await impatient.store.release_turn("turn-1")
    assert await impatient.drain() == ["afterwards"]


async def test_an_audience_may_have_been_joined_meanwhile(begin: Begin, impatient: Desk) -> None:
    """Two conversations of one notification that turned out to be one person's."""
    await impatient.store.capture([make_sighting("a:2")])
    caller = await begin()
    first, second = await impatient.find("a:1"), await impatient.find("a:2")
    await caller.enqueue([Conversation(first.id), Conversation(second.id)], "hi")
    await caller.commit()
    with psycopg.connect(caller.recado.settings.database_url) as connection:
        connection.execute("UPDATE recado_delivery SET reference = %s", (first.number,))
    await impatient.store.expand(impatient.now, 500)
    assert await impatient.drain() == ["hi", "hi"]


def test_recado_was_never_opened(server_url: str) -> None:
    """Nor is there an event loop."""
    recado = Recado(recado_at(server_url).settings)
    with psycopg.connect(server_url) as connection:
        assert recado.enqueue(connection, ANA, "hi").delivery_ids
