"""The turn lock: one turn at a time in a conversation, here and in other processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recado.bot.lock import TurnLock
from recado.domain.reference import ConversationKey
from recado.errors import StoreUnavailable
from recado.store.port import Entry, Store
from recado.store.postgres import PostgresStore
from recado.store.sqlite import SqliteStore
from recado.testing import HandClock
from tests.store.kit import BACKENDS, Backend

KEY = ConversationKey(bot="bot", channel="msteams", conversation_id="c")


class Turn:
    """A turn that enters, tells so, and stays until it is let go."""

    def __init__(
        self,
        lock: TurnLock,
        conversation: str = "c",
        activity: str | None = None,
        *,
        fails: bool = False,
    ) -> None:
        self.inside = asyncio.Event()
        self.go = asyncio.Event()
        self.repeated = False
        self.fails = fails
        self.task = asyncio.create_task(self._run(lock, conversation, activity))

    async def _run(self, lock: TurnLock, conversation: str, activity: str | None) -> None:
        async with lock.hold(("msteams", conversation), activity) as hold:
            self.repeated = hold.repeated
            self.inside.set()
            await self.go.wait()
            hold.answered = not self.fails

    async def leave(self) -> None:
        """End it."""
        self.go.set()
        await self.task


class Process:
    """A process that runs turns: a store of its own, and a lock."""

    def __init__(self, store: Store, clock: HandClock, **options: Any) -> None:
        self.store = store
        self.lock = TurnLock(store, clock, bot="bot", **options)


Start = Callable[..., Awaitable[Process]]


@pytest.fixture
def clock() -> HandClock:
    """The time."""
    return HandClock()


@pytest.fixture(params=list(BACKENDS.values()), ids=list(BACKENDS))
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each of the databases in turn."""
    chosen: Backend = request.param
    return chosen


@pytest.fixture
async def start(
    backend: Backend, clock: HandClock, request: pytest.FixtureRequest
) -> AsyncIterator[Start]:
    """Starts processes over one database. Afterwards their locks are empty."""
    place = request.getfixturevalue(backend.place)
    started: list[Process] = []
    async with AsyncExitStack() as stack:

        async def one(**options: Any) -> Process:
            if started and not backend.durable:
                pytest.skip("this store lives and dies with its process")
            store = backend.make(place, clock)
            await store.open()
            stack.push_async_callback(store.close)
            started.append(Process(store, clock, **options))
            return started[-1]

        yield one
        for process in started:
            # Memory it kept would show nowhere else.
            assert process.lock._rooms == {}  # noqa: SLF001 - as said above
            assert process.lock._held == set()  # noqa: SLF001 - as said above


@asynccontextmanager
async def blocked(turn: Turn) -> AsyncIterator[None]:
    """*turn* is not inside until the block has been left."""
    for _ in range(10):
        await asyncio.sleep(0)
    assert not turn.inside.is_set()
    yield
    await turn.inside.wait()


async def wound(clock: HandClock, turn: Turn, store: Store) -> None:
    """Wind the clock until *turn* is inside, no faster than *store* answers."""
    for _ in range(200):
        await settle(store)
        if turn.inside.is_set():
            return
        clock.advance(0.05)
    raise AssertionError("It never was.")


async def test_turns_of_one_conversation_run_in_order(start: Start) -> None:
    """The first to come is the first to run, and nobody overtakes."""
    lock = (await start()).lock
    one = Turn(lock)
    await one.inside.wait()
    others = [Turn(lock) for _ in range(3)]
    for before, after in zip([one, *others], others, strict=False):
        async with blocked(after):
            await before.leave()
    await others[-1].leave()


async def test_conversations_do_not_wait_for_each_other(start: Start) -> None:
    """Nor do those of two bots, or of two channels."""
    lock = (await start()).lock
    turns = [Turn(lock, name) for name in ("a", "b", "\0", "\udc00")]
    for turn in turns:
        await turn.inside.wait()
    for turn in turns:
        await turn.leave()


async def test_another_process_waits_too(start: Start, clock: HandClock) -> None:
    """Until the turn has ended there; other conversations do not concern it."""
    here, there = await start(), await start()
    one = Turn(here.lock)
    await one.inside.wait()
    elsewhere = Turn(there.lock, "d")
    await elsewhere.inside.wait()
    two = Turn(there.lock)
    for _ in range(5):
        await settle(there.store)
        clock.advance(0.1)
    assert not two.inside.is_set()
    await one.leave()
    await wound(clock, two, there.store)
    three = Turn(here.lock)
    for _ in range(5):
        await settle(here.store)
        clock.advance(0.1)
    assert not three.inside.is_set()
    await two.leave()
    await wound(clock, three, here.store)
    await three.leave()
    await elsewhere.leave()


async def settle(store: Store) -> None:
    """Wait until the store has done what was asked of it before."""
    await store.check()
    for _ in range(10):
        await asyncio.sleep(0)


async def test_patience_is_limited(
    start: Start, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """After five seconds a turn runs beside the other, and the log says so."""
    lock = (await start()).lock
    one = Turn(lock)
    await one.inside.wait()
    two = Turn(lock)
    async with blocked(two):
        clock.advance(4.9)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not two.inside.is_set()
        clock.advance(0.1)
    assert "now runs beside it" in caplog.text
    three = Turn(lock)
    async with blocked(three):
        await two.leave()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not three.inside.is_set()
        await one.leave()
    await three.leave()


async def test_patience_is_limited_for_other_processes(
    start: Start, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It is five seconds by the clock, and the other one's turn goes on being its own."""
    here, there = await start(), await start()
    one = Turn(here.lock)
    await one.inside.wait()
    begun = clock.now()
    two = Turn(there.lock)
    await wound(clock, two, there.store)
    assert timedelta(seconds=5) <= clock.now() - begun < timedelta(seconds=5.5)
    assert "now runs beside it" in caplog.text
    await two.leave()
    assert await there.store.begin_turn(KEY, None, holder="x", now=clock.now()) is Entry.BUSY
    await one.leave()


async def test_a_waiter_may_be_cancelled(start: Start) -> None:
    """Whoever gives up waiting leaves nothing behind, also at the moment it is let in."""
    lock = (await start()).lock
    one = Turn(lock)
    await one.inside.wait()
    two, three = Turn(lock), Turn(lock)
    for _ in range(10):
        await asyncio.sleep(0)
    two.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await two.task
    four = Turn(lock)
    for _ in range(10):
        await asyncio.sleep(0)
    one.go.set()
    await one.task
    three.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await three.task
    await four.inside.wait()
    await four.leave()


async def test_a_turn_that_was_cancelled_while_it_asked_holds_nothing(
    start: Start, clock: HandClock
) -> None:
    """The next one begins, here and elsewhere."""
    here, there = await start(), await start()
    one = Turn(here.lock)
    await asyncio.sleep(0)
    one.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one.task
    await settle(here.store)
    two = Turn(there.lock)
    await wound(clock, two, there.store)
    await two.leave()


async def test_a_lasting_turn_stays_its_holders(
    start: Start, clock: HandClock, backend: Backend
) -> None:
    """It is kept in time as long as its process lives, however long it takes."""
    here, there = await start(), await start()
    one = Turn(here.lock)
    await one.inside.wait()
    for _ in range(30):
        clock.advance(0.5)
        await settle(here.store)
        busy = await there.store.begin_turn(KEY, None, holder="x", now=clock.now())
        assert busy is Entry.BUSY
    await one.leave()


async def test_bots_that_do_not_want_it_do_not_wait(start: Start) -> None:
    """Their turns overlap as without Recado."""
    lock = (await start(active=False)).lock
    turns = [Turn(lock) for _ in range(3)]
    for turn in turns:
        await turn.inside.wait()
    for turn in turns:
        await turn.leave()


class Unavailable(SqliteStore):
    """A store whose database is away."""

    async def begin_turn(self, *_: Any, **__: Any) -> Entry:
        raise StoreUnavailable("The database is away.")


async def test_without_the_database_turns_run_in_order_here(
    clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The bot answers, and the log says that nobody else is kept from it."""
    lock = TurnLock(Unavailable(None, clock), clock, bot="bot")
    one = Turn(lock)
    await one.inside.wait()
    two = Turn(lock)
    async with blocked(two):
        await one.leave()
    await two.leave()
    assert "runs without its lock: The database is away." in caplog.text


async def test_turns_run_within_it_are_part_of_its_stay(start: Start) -> None:
    """The next one waits for those too that outlive it."""
    lock = (await start()).lock
    inner = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    async def outer() -> None:
        async with lock.hold(("msteams", "c"), None) as hold:

            async def within() -> None:
                with hold.shared():
                    await inner.wait()

            tasks.append(asyncio.create_task(within()))
            await asyncio.sleep(0)

    one = asyncio.create_task(outer())
    await asyncio.sleep(0)
    two = Turn(lock)
    async with blocked(two):
        inner.set()
    await asyncio.gather(one, *tasks)
    await two.leave()


# -- PostgreSQL: leases, and activities that come to two processes -------------------------------


@pytest.fixture
async def two_stores(migrated_url: str, clock: HandClock) -> AsyncIterator[Sequence[PostgresStore]]:
    """Two processes on PostgreSQL."""
    made = [BACKENDS["postgres"].make(migrated_url, clock) for _ in range(2)]
    async with AsyncExitStack() as stack:
        for store in made:
            await store.open()
            stack.push_async_callback(store.close)
        yield made  # type: ignore[misc]


async def test_what_a_dead_holder_has_left_ends_with_its_lease(
    two_stores: Sequence[PostgresStore], clock: HandClock
) -> None:
    """Within the patience of whoever waits."""
    dead, alive = two_stores
    assert await dead.begin_turn(KEY, None, holder="dead", now=clock.now()) is Entry.BEGUN
    lock = TurnLock(alive, clock, bot="bot")
    begun = clock.now()
    turn = Turn(lock)
    await wound(clock, turn, alive)
    assert clock.now() - begun < timedelta(seconds=5)
    # Should it only have been away, what it does now changes nothing.
    dead.end_turn(KEY, holder="dead", now=clock.now(), answered="1")
    await dead.keep_turns([KEY], holder="dead", now=clock.now())
    third = await dead.begin_turn(KEY, "1", holder="third", now=clock.now())
    assert third is Entry.BUSY
    await turn.leave()


async def test_an_activity_that_another_process_answers_is_a_repetition(
    two_stores: Sequence[PostgresStore], clock: HandClock
) -> None:
    """While that is under way, and afterwards; not if it failed."""
    here, there = (TurnLock(store, clock, bot="bot") for store in two_stores)
    one = Turn(here, activity="1")
    await one.inside.wait()
    again = Turn(there, activity="1")
    await again.inside.wait()
    assert again.repeated
    await again.leave()
    await one.leave()
    await two_stores[0].check()
    later = Turn(there, activity="1")
    await wound(clock, later, two_stores[1])
    assert later.repeated
    await later.leave()
    failed = Turn(here, activity="2", fails=True)
    await failed.inside.wait()
    await failed.leave()
    await two_stores[0]._turns.finish()  # noqa: SLF001 - nobody else waits for that
    second = Turn(there, activity="2")
    await wound(clock, second, two_stores[1])
    assert not second.repeated
    await second.leave()


async def test_of_answered_activities_the_last_ones_are_remembered(
    two_stores: Sequence[PostgresStore], clock: HandClock
) -> None:
    """Repetitions come within seconds."""
    store, _ = two_stores
    for number in range(10):
        await store.begin_turn(KEY, str(number), holder="me", now=clock.now())
        store.end_turn(KEY, holder="me", now=clock.now(), answered=str(number))
    told = [
        await store.begin_turn(KEY, str(number), holder="x", now=clock.now())
        for number in (9, 2, 1)
    ]
    assert told == [Entry.REPEATED, Entry.REPEATED, Entry.BEGUN]


async def test_many_turns_begin_together(
    two_stores: Sequence[PostgresStore], clock: HandClock
) -> None:
    """Each conversation once, whoever asks."""
    keys = [ConversationKey(bot="bot", channel="c", conversation_id=str(n)) for n in range(50)]
    told = await asyncio.gather(
        *(
            store.begin_turn(key, None, holder=holder, now=clock.now())
            for key in keys
            for holder, store in zip("ab", two_stores, strict=True)
        )
    )
    assert told.count(Entry.BEGUN) == told.count(Entry.BUSY) == 50


async def test_a_database_that_does_not_answer_is_not_waited_for(
    clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The turn runs when patience ends, whatever became of the question."""

    class Silent(SqliteStore):
        async def begin_turn(self, *_: Any, **__: Any) -> Entry:
            await asyncio.Event().wait()
            raise AssertionError("It never answers.")

    patience = timedelta(milliseconds=50)
    lock = TurnLock(Silent(None, clock), clock, bot="bot", patience=patience)
    turn = Turn(lock)
    await turn.inside.wait()
    await turn.leave()
    assert "did not answer in time" in caplog.text


async def test_where_no_file_can_be_made_turns_run_without(
    clock: HandClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And the log says what to do."""
    (tmp_path / "recado.db.turns").mkdir()
    lock = TurnLock(SqliteStore(tmp_path / "recado.db", clock), clock, bot="bot")
    turn = Turn(lock)
    await turn.inside.wait()
    await turn.leave()
    assert "set RECADO_TURN_LOCK=false" in caplog.text
