"""One SQLite file under many callers: group commit, snapshots, and callers that go away."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from recado.store.session import Work
from recado.store.sqlite.database import Database
from tests.store.kit import plainly


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with one table of numbers."""
    database = Database(tmp_path / "numbers.db")
    await database.open(lambda c: c.execute("CREATE TABLE n (x INTEGER UNIQUE) STRICT").close())
    yield database
    await database.close()


class Held:
    """The writer, held until it is let go."""

    def __init__(self, db: Database) -> None:
        self._go = threading.Event()
        self._arrived = threading.Event()
        self.task = asyncio.ensure_future(db.write(plainly(self._work)))

    def _work(self, _: sqlite3.Connection) -> None:
        self._arrived.set()
        self._go.wait()

    async def arrived(self) -> None:
        """Wait until the writer is in our hands."""
        await asyncio.to_thread(self._arrived.wait)

    async def let_go(self) -> None:
        """Let it go on with what has queued up."""
        self._go.set()
        await self.task


async def hold(db: Database) -> Held:
    """Hold the writer."""
    held = Held(db)
    await held.arrived()
    return held


def insert(number: int) -> Work[int]:
    """Work that inserts a number."""

    def work(c: sqlite3.Connection) -> int:
        c.execute("INSERT INTO n VALUES (?)", (number,))
        return number

    return plainly(work)


async def numbers(db: Database) -> list[int]:
    """What is committed."""

    def work(c: sqlite3.Connection) -> list[int]:
        return [row[0] for row in c.execute("SELECT x FROM n ORDER BY x")]

    return await db.read(plainly(work))


async def trace(db: Database, said: Callable[[str], None] | None) -> None:
    """Tell *said* every statement the writer is given from now on."""
    await db.write(plainly(lambda c: c.set_trace_callback(said)))


async def commits_of(db: Database, *work: Work[object]) -> tuple[list[object], list[str]]:
    """Results of work that queued up while the writer was held, and the statements it took."""
    said: list[str] = []
    await trace(db, said.append)
    held = await hold(db)
    asked = [asyncio.ensure_future(db.write(each)) for each in work]
    await asyncio.sleep(0)
    await held.let_go()
    results = await asyncio.gather(*asked, return_exceptions=True)
    await trace(db, None)
    # The first COMMIT is the tracing order's own, the second the holder's.
    endings = [each for each in said if each in ("COMMIT", "ROLLBACK")]
    return results, endings[2:]


async def test_who_comes_during_a_commit_shares_the_next(db: Database) -> None:
    """A hundred callers, one commit, and each learns that its own work is done."""
    results, endings = await commits_of(db, *(insert(number) for number in range(100)))
    assert results == list(range(100))
    assert endings == ["COMMIT"]
    assert await numbers(db) == list(range(100))


async def test_groups_are_limited(db: Database) -> None:
    """Nobody waits for too many others."""
    results, endings = await commits_of(db, *(insert(number) for number in range(600)))
    assert results == list(range(600))
    assert endings == ["COMMIT", "COMMIT"]


async def test_one_that_fails_disturbs_no_other(db: Database) -> None:
    """It alone is told; the others are committed, once each."""

    def broken(c: sqlite3.Connection) -> None:
        c.execute("INSERT INTO n VALUES (1000)")
        raise KeyError("mine")

    results, endings = await commits_of(
        db, insert(1), plainly(broken), insert(2), insert(1), insert(3)
    )
    assert results[0] == 1
    assert isinstance(results[1], KeyError)
    assert results[2] == 2
    assert isinstance(results[3], Exception)
    assert results[4] == 3
    assert endings == ["ROLLBACK", "COMMIT", "ROLLBACK", "COMMIT", "ROLLBACK", "COMMIT"]
    assert await numbers(db) == [1, 2, 3]


async def test_who_goes_away_disturbs_no_other(db: Database) -> None:
    """A cancelled caller's work may be done; those who stay are told of theirs."""
    held = await hold(db)
    asked = [asyncio.ensure_future(db.write(insert(number))) for number in range(4)]
    await asyncio.sleep(0)
    asked[1].cancel()
    await held.let_go()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [results[0], results[2], results[3]] == [0, 2, 3]
    assert isinstance(results[1], asyncio.CancelledError)
    assert await numbers(db) == [0, 1, 2, 3]


async def test_reading_sees_one_state(db: Database) -> None:
    """A commit between two looks of one read is not seen by the second."""
    looked, committed = threading.Event(), threading.Event()

    def twice(c: sqlite3.Connection) -> tuple[int, int]:
        wanted = "SELECT count(*) FROM n"
        first = c.execute(wanted).fetchone()[0]
        looked.set()
        committed.wait()
        return first, c.execute(wanted).fetchone()[0]

    reading = asyncio.ensure_future(db.read(plainly(twice)))
    await asyncio.to_thread(looked.wait)
    await db.write(insert(1))
    committed.set()
    assert await reading == (0, 0)
    assert await numbers(db) == [1]


async def test_reading_does_not_wait_for_writing(db: Database) -> None:
    """Nor does a long write keep anyone from looking."""
    held = await hold(db)
    assert await numbers(db) == []
    await held.let_go()


async def test_whoever_delivers_does_not_wait_for_who_looks(db: Database) -> None:
    """A look that takes long is done beside the reads of the dispatcher."""
    looking, go_on = threading.Event(), threading.Event()

    def look(_: sqlite3.Connection) -> str:
        looking.set()
        go_on.wait(10)
        return "seen"

    slow = asyncio.create_task(db.look(plainly(look)))
    await asyncio.to_thread(looking.wait, 10)
    assert await numbers(db) == []
    assert not slow.done()
    go_on.set()
    assert await slow == "seen"


async def test_an_error_while_reading_leaves_the_reader_usable(db: Database) -> None:
    """The next one sees the present."""

    def broken(c: sqlite3.Connection) -> None:
        c.execute("SELECT * FROM n")
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await db.read(plainly(broken))
    await db.write(insert(1))
    assert await numbers(db) == [1]


async def test_a_failed_opening_leaves_no_thread_behind(tmp_path: Path) -> None:
    """Writer and reader end with it."""
    before = set(threading.enumerate())
    with pytest.raises(Exception, match="cannot be opened"):
        await Database(tmp_path).open(lambda _: None)
    ours = [
        thread
        for thread in set(threading.enumerate()) - before
        if thread.name.startswith("recado-")
    ]
    for thread in ours:
        await asyncio.to_thread(thread.join, 5)
    assert not any(thread.is_alive() for thread in ours)


async def test_riders_are_written_without_company(db: Database) -> None:
    """If nobody else commits, a refresh is written after a moment nevertheless."""
    written = threading.Event()

    def work(c: sqlite3.Connection) -> None:
        c.execute("INSERT INTO n VALUES (7)")
        written.set()

    db.ride(plainly(work))
    assert await asyncio.to_thread(written.wait, 10)


async def test_a_rider_that_fails_disturbs_nobody(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Who shares its commit is told the truth, and the log says what was not stored."""

    def broken(c: sqlite3.Connection) -> None:
        c.execute("INSERT INTO missing VALUES (1)")

    db.ride(plainly(broken))
    db.ride(insert(1))
    assert await db.write(insert(2)) == 2
    assert await numbers(db) == [1, 2]
    assert "A refresh was not stored" in caplog.text
