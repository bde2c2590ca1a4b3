"""Transactions on PostgreSQL: those that meet others, and those whose connection is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from recado.errors import StoreUnavailable
from recado.store.postgres import database as module
from recado.store.postgres.database import Database
from recado.store.postgres.failures import passing, translated
from recado.store.postgres.session import PostgresSession
from recado.store.session import Session
from tests.store.kit import postgres_address


async def prepare(connection: asyncpg.Connection) -> None:
    """A table of numbers."""
    await connection.execute("CREATE TABLE IF NOT EXISTS n (x INTEGER PRIMARY KEY, y INTEGER)")


@pytest.fixture
async def db(postgres_url: str) -> AsyncIterator[Database]:
    """A database with that table."""
    database = Database(postgres_address(postgres_url), connections=4, lock_seconds=0.2)
    await database.open(prepare)
    yield database
    await database.close()


def connection_of(session: Session) -> asyncpg.Connection:
    """What a session works on."""
    assert isinstance(session, PostgresSession)
    return session.connection  # type: ignore[return-value]


async def run(session: Session, query: str) -> object:
    """Plain SQL in a session."""
    return await connection_of(session).fetchval(query)


async def add_one(session: Session, x: int) -> None:
    """One more for a number."""
    await connection_of(session).execute("UPDATE n SET y = y + 1 WHERE x = $1", x)


async def test_a_deadlock_is_nobodys_trouble(db: Database) -> None:
    """One of the two is run again, and both are committed."""
    await db.write(lambda s: run(s, "INSERT INTO n VALUES (1, 0), (2, 0)"))
    both = asyncio.Barrier(2)
    tries: list[int] = []

    async def cross(session: Session, first: int, second: int) -> None:
        tries.append(first)
        await add_one(session, first)
        if len(tries) <= 2:
            await both.wait()
        await add_one(session, second)

    # Longer than the server takes to see a deadlock.
    patient = Database(db.address, connections=4, lock_seconds=10)
    await patient.open(prepare)
    await asyncio.gather(
        patient.write(lambda s: cross(s, 1, 2)), patient.write(lambda s: cross(s, 2, 1))
    )
    await patient.close()
    assert len(tries) == 3
    assert await db.read(lambda s: run(s, "SELECT sum(y) FROM n")) == 4


async def test_who_comes_second_sees_what_the_first_has_made(db: Database) -> None:
    """Two that would insert the same: one of them finds it, the second time."""
    both = asyncio.Barrier(2)
    tries: list[bool] = []

    async def find_or_make(session: Session) -> bool:
        found = await run(session, "SELECT x FROM n WHERE x = 7")
        tries.append(found is not None)
        if len(tries) <= 2:
            await both.wait()
        if found is None:
            await run(session, "INSERT INTO n VALUES (7, 7)")
        return found is not None

    assert sorted(await asyncio.gather(db.write(find_or_make), db.write(find_or_make))) == [
        False,
        True,
    ]


async def test_a_connection_that_is_cut_before_the_commit_is_replaced(db: Database) -> None:
    """The work is done again on another one, and once in all."""
    tries: list[int] = []

    async def cut(session: Session) -> None:
        await connection_of(session).execute("INSERT INTO n VALUES ($1, 0)", len(tries))
        tries.append(len(tries))
        if len(tries) == 1:
            connection_of(session).terminate()
        await run(session, "SELECT 1")

    await db.write(cut)
    assert tries == [0, 1]
    assert await db.read(lambda s: run(s, "SELECT count(*) FROM n")) == 1


async def test_one_that_is_cut_while_it_commits_is_told(db: Database) -> None:
    """Nobody can know, so it is not done again behind the caller's back."""
    await db.write(lambda s: run(s, _CUT_AT_COMMIT_1))
    await db.write(lambda s: run(s, _CUT_AT_COMMIT_2))
    done: list[int] = []

    async def work(session: Session) -> None:
        done.append(1)
        await run(session, "INSERT INTO n VALUES (1, 1)")

    with pytest.raises(StoreUnavailable, match="nobody can say whether"):
        await db.write(work)
    assert done == [1]
    assert await db.read(lambda s: run(s, "SELECT count(*) FROM n")) == 0, "the pool goes on"


async def test_who_is_cancelled_while_it_commits_is_cancelled(db: Database) -> None:
    """Whoever cancels is not told of an error instead, and the pool goes on."""
    await db.write(lambda s: run(s, _SLOW_COMMIT_1))
    await db.write(lambda s: run(s, _SLOW_COMMIT_2))
    begun = asyncio.Event()

    async def work(session: Session) -> None:
        await run(session, "INSERT INTO n VALUES (1, 1)")
        begun.set()

    task = asyncio.create_task(db.write(work))
    await begun.wait()
    while not await db.ask(_COMMITTING):  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await db.read(lambda s: run(s, "SELECT count(*) FROM n")) == 0


#: A commit of an insertion takes its time.
_SLOW_COMMIT_1 = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$
"""
_SLOW_COMMIT_2 = """
CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON n DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION wait()
"""
_COMMITTING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def test_what_asyncpg_calls_internal_is_a_lost_connection() -> None:
    """It is what comes of a farewell of the server's to a process that slept meanwhile."""
    error = asyncpg.InternalClientError("cannot switch to state 12; another operation (2) ...")
    assert passing(error, 0)
    assert isinstance(translated(error, "here"), StoreUnavailable)


#: The server cuts the connection of whoever commits an insertion, in the middle of it.
_CUT_AT_COMMIT_1 = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$
"""
_CUT_AT_COMMIT_2 = """
CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON n DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION cut()
"""


async def test_what_a_stopped_process_holds_is_free_before_long(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends its transaction; it finds out, and does its work again."""
    monkeypatch.setattr(module, "_STOPPED_SECONDS", 0.3)
    address = postgres_address(postgres_url)
    stopped, other = Database(address), Database(address, lock_seconds=10)
    await stopped.open(prepare)
    await other.open(prepare)
    await other.write(lambda s: run(s, "INSERT INTO n VALUES (1, 0)"))
    holds, goes_on = asyncio.Event(), asyncio.Event()
    tries: list[int] = []

    async def stop_in_the_middle(session: Session) -> None:
        tries.append(1)
        await run(session, "UPDATE n SET y = y + 1 WHERE x = 1")
        holds.set()
        await goes_on.wait()
        await run(session, "UPDATE n SET y = y + 10 WHERE x = 1")

    task = asyncio.create_task(stopped.write(stop_in_the_middle))
    await holds.wait()
    await other.write(lambda s: run(s, "UPDATE n SET y = y + 100 WHERE x = 1"))
    assert await other.read(lambda s: run(s, "SELECT y FROM n")) == 100
    goes_on.set()
    await task
    assert len(tries) == 2
    assert await other.read(lambda s: run(s, "SELECT y FROM n")) == 111
    await stopped.close()
    await other.close()


async def test_anothers_lock_is_not_waited_for_for_ever(db: Database, postgres_url: str) -> None:
    """The caller is told what is the matter, and may try again."""
    await db.write(lambda s: run(s, "INSERT INTO n VALUES (1, 0)"))
    other = await asyncpg.connect(postgres_url)
    async with other.transaction():
        await other.execute("SELECT * FROM n FOR UPDATE")
        with pytest.raises(StoreUnavailable, match="try again"):
            await db.write(lambda s: run(s, "UPDATE n SET y = 1"))
    await other.close()


async def test_a_server_that_does_not_sync_commits_is_told_to(
    db: Database, postgres_url: str
) -> None:
    """Accepted means committed, whatever the database's own default is."""
    other = await asyncpg.connect(postgres_url)
    name = await other.fetchval("SELECT current_database()")
    await other.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await other.close()
    careful = Database(db.address)
    await careful.open(prepare)
    for _ in range(2):
        assert await careful.write(lambda s: run(s, "SHOW synchronous_commit")) == "on"
    await careful.close()


@pytest.mark.parametrize("option", ["?pooler=true", ""])
async def test_it_looks_at_one_state(postgres_url: str, option: str) -> None:
    """Whatever others commit meanwhile, with and without a pooler in between."""
    url = postgres_url.replace("?", f"{option}&") if option else postgres_url
    reader = Database(postgres_address(url))
    writer = Database(postgres_address(postgres_url))
    await reader.open(prepare)
    await writer.open(prepare)

    async def twice(session: Session) -> tuple[object, object]:
        before = await run(session, "SELECT count(*) FROM n")
        await writer.write(lambda s: run(s, "INSERT INTO n VALUES (1, 1)"))
        return before, await run(session, "SELECT count(*) FROM n")

    assert await reader.look(twice) == (0, 0)
    await reader.close()
    await writer.close()
