"""A SQLite store in trouble: locked, read-only, full, broken. Nothing is acknowledged wrongly."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from recado.domain.audience import Conversation
from recado.domain.delivery import Evidence, State
from recado.domain.job import JobScope
from recado.errors import (
    InvalidInput,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from recado.store.port import Store
from recado.store.sqlite import SqliteStore
from recado.store.sqlite.database import Database, translated
from recado.testing import START, HandClock, make_notification, make_sighting
from tests.store.kit import Desk, plainly

BUSY = 0.05
NOBODY = 65534


@asynccontextmanager
async def store_at(path: Path) -> AsyncIterator[SqliteStore]:
    """A store that does not wait long for locks."""
    store = SqliteStore(path, HandClock(), busy_seconds=BUSY)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The database file."""
    return tmp_path / "recado.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """An open store."""
    async with store_at(path) as opened:
        yield opened


@pytest.fixture
def desk(store: SqliteStore) -> Desk:
    """A desk at the store."""
    return Desk(store, HandClock())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program is writing."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def database_of(store: SqliteStore) -> Database:
    """What is beneath a store, to bring it into trouble."""
    return store._db  # noqa: SLF001 - see above


# -- locked ----------------------------------------------------------------------------------


async def test_a_locked_database_is_told_and_nothing_is_stored(desk: Desk, path: Path) -> None:
    """The caller learns what to do; reading goes on, and afterwards writing does."""
    reference = await desk.meet()
    with locked(path):
        with pytest.raises(StoreUnavailable, match="locked by another program"):
            await desk.say("hello", reference)
        with pytest.raises(StoreUnavailable):
            await desk.store.check()
        assert await desk.store.reference(reference.id) == reference
        assert await desk.ids() == []
    await desk.store.check()
    await desk.say("hello", reference)
    assert await desk.drain() == ["hello"]


async def test_callers_do_not_wait_for_each_others_locks(desk: Desk, path: Path) -> None:
    """A hundred callers who find the database locked are told after one wait, not a hundred."""
    reference = await desk.meet()
    with locked(path):
        begun = time.monotonic()
        results = await asyncio.gather(
            *(desk.say("hello", reference) for _ in range(100)), return_exceptions=True
        )
        waited = time.monotonic() - begun
    assert all(isinstance(each, StoreUnavailable) for each in results)
    assert waited < 20 * BUSY
    assert len(set(map(id, results))) == 100, "each caller gets an error of its own"


async def test_a_refresh_waits_for_the_lock_to_go(desk: Desk, path: Path) -> None:
    """What rides is not lost because somebody else was writing."""
    await desk.see()
    with locked(path):
        desk.store.touch(make_sighting(at=desk.later(1), name="Touched"))
        with pytest.raises(StoreUnavailable):
            await desk.store.check()
    await desk.store.check()
    assert (await desk.find()).name == "Touched"


async def test_a_fresh_database_that_is_locked(path: Path) -> None:
    """Opening says so too, and works once the lock has gone."""
    with locked(path), pytest.raises(StoreUnavailable, match="locked"):
        async with store_at(path):
            pass
    async with store_at(path) as store:
        await store.check()


# -- read-only -------------------------------------------------------------------------------


@contextmanager
def without_privileges() -> Iterator[None]:
    """Permissions count, also when the tests are run as root."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shelf() -> Iterator[Path]:
    """A directory everybody can look into and nobody can write to, once it is closed."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def close_shelf(shelf: Path, mode: int = 0o444) -> None:
    """Let nobody make anything new in it; what is there gets *mode*."""
    for file in shelf.iterdir():
        file.chmod(mode)
    shelf.chmod(0o555)


async def test_a_read_only_database_is_told(shelf: Path) -> None:
    """What to make writable is in the message."""
    async with store_at(shelf / "recado.db"):
        pass
    close_shelf(shelf, 0o444)
    with without_privileges(), pytest.raises(StoreError, match=r"permissions|writable"):
        async with store_at(shelf / "recado.db"):
            pass


async def test_a_directory_that_cannot_be_made(shelf: Path) -> None:
    """The message names the path and the setting."""
    close_shelf(shelf)
    with (
        without_privileges(),
        pytest.raises(StoreUnavailable, match=r"new/recado\.db.*RECADO_DATABASE_URL"),
    ):
        async with store_at(shelf / "new" / "recado.db"):
            pass


async def test_a_database_that_becomes_read_only(store: SqliteStore, desk: Desk) -> None:
    """Writing fails with a name of its own and stores nothing; reading goes on."""
    reference = await desk.meet()
    await database_of(store).write(plainly(lambda db: db.execute("PRAGMA query_only = ON").close()))
    with pytest.raises(StoreReadOnly, match="writable"):
        await desk.say("hello", reference)
    assert await desk.ids() == []
    await database_of(store).read(plainly(lambda db: db.execute("SELECT 1").close()))


async def test_the_lock_of_a_server_that_cannot_be_made(shelf: Path) -> None:
    """It is told, not taken for another server that is running."""
    async with store_at(shelf / "recado.db") as store:
        close_shelf(shelf, 0o666)
        with without_privileges(), pytest.raises(StoreUnavailable, match="writable"):
            await store.try_serve("me")


async def test_readers_cannot_write(store: SqliteStore) -> None:
    """The reading connection is one by construction."""
    forget = plainly(lambda db: db.execute("DELETE FROM recado_secret").close())
    with pytest.raises(StoreReadOnly):
        await database_of(store).read(forget)


# -- full ------------------------------------------------------------------------------------


async def limit_pages(store: SqliteStore, more: int) -> None:
    """Let the database grow by *more* pages and not further."""

    def work(db: sqlite3.Connection) -> None:
        (used,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {used + more}").close()

    await database_of(store).write(plainly(work))


async def test_a_full_disk_is_told_and_nothing_is_stored(store: SqliteStore, desk: Desk) -> None:
    """What was acknowledged before stays, what did not fit is not there, and later it goes on."""
    reference = await desk.meet()
    kept = [await desk.say("kept", reference) for _ in range(3)]
    await limit_pages(store, 2)
    with pytest.raises(StoreFull, match="make room"):
        await desk.say("x" * 50_000, reference)
    # A probe writes so little that it would find room.
    with pytest.raises(StoreFull, match="make room"):
        await store.check()
    assert sorted(await desk.ids()) == kept
    assert await desk.store.progress("none") is None
    await limit_pages(store, 1_000_000)
    await desk.say("fits", reference)
    await store.check()
    assert await desk.drain() == ["kept", "kept", "kept", "fits"]


async def test_only_what_does_not_fit_is_refused(store: SqliteStore, desk: Desk) -> None:
    """Of many who commit together, the small ones are accepted; each answer is true."""
    reference = await desk.meet()
    await limit_pages(store, 12)
    results = await asyncio.gather(
        *(
            desk.say("x" * 200_000 if number % 4 == 0 else "small", reference)
            for number in range(16)
        ),
        return_exceptions=True,
    )
    refused = [number for number, each in enumerate(results) if isinstance(each, StoreFull)]
    accepted = [each for each in results if isinstance(each, str)]
    assert refused == [0, 4, 8, 12]
    assert sorted(await desk.ids()) == sorted(accepted)


async def test_a_job_is_not_completed_on_a_full_disk(store: SqliteStore, desk: Desk) -> None:
    """Completion and notification are one: neither happened."""
    reference = await desk.meet()
    scope = JobScope(bot="local")
    job = await store.start_job(scope, reference, user=None, now=START)
    await limit_pages(store, 2)
    with pytest.raises(StoreFull):
        await store.complete_job(
            scope,
            job.number,
            result="done",
            notification=make_notification("x" * 50_000, audience=Conversation(reference.id)),
            now=START,
        )
    assert await store.job(scope, 1) == job


async def test_a_settlement_that_does_not_fit_can_be_repeated(
    store: SqliteStore, desk: Desk
) -> None:
    """The delivery is still being sent, and is settled once there is room."""
    made = await desk.say("hello", await desk.meet())
    (claim,) = await desk.claim()
    await limit_pages(store, 0)
    evidence = Evidence(status=200, message="x" * 50_000)
    with pytest.raises(StoreFull):
        await desk.settle(claim, evidence=evidence)
    assert await desk.state(made) is State.SENDING
    await limit_pages(store, 1_000)
    await desk.settle(claim, evidence=evidence)
    assert await desk.state(made) is State.DELIVERED


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """The kernel refuses to write beyond *size*, in the middle of whatever is being written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_write_that_breaks_off_leaves_nothing(desk: Desk, path: Path) -> None:
    """The disk fails in the middle of a commit: the caller is told, and the file is whole."""
    reference = await desk.meet()
    kept = await desk.say("kept", reference)
    log = path.with_name(path.name + "-wal")
    with files_no_longer_than(log.stat().st_size + 5_000), pytest.raises(StoreError):
        await desk.say("x" * 100_000, reference)
    assert await desk.ids() == [kept]
    await desk.say("after", reference)
    await desk.store.close()
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    await desk.store.open()
    assert await desk.drain() == ["kept", "after"]


# -- no database -----------------------------------------------------------------------------


@contextmanager
def left_alone(path: Path) -> Iterator[None]:
    """A file that is something else, and stays it."""
    letter = b"This is a letter.\n" * 100
    path.write_bytes(letter)
    yield
    assert path.read_bytes() == letter


def damage(path: Path) -> None:
    """Break everything behind the first page."""
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


async def test_a_file_that_is_no_database(path: Path) -> None:
    """It is not touched, and the message says what to do."""
    with left_alone(path), pytest.raises(StoreUnavailable, match="not a usable SQLite database"):
        async with store_at(path):
            pass


async def test_a_directory_is_no_database(tmp_path: Path) -> None:
    """Nor is anything else that cannot be opened."""
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        async with store_at(tmp_path):
            pass


async def test_an_impossible_path_is_an_error_not_a_wait() -> None:
    """Whatever keeps the database from being opened, whoever opens it is told."""
    with pytest.raises(ValueError, match="null"):
        async with store_at(Path("with\0null")):
            pass


async def test_directories_are_made(tmp_path: Path) -> None:
    """A fresh machine has none."""
    async with store_at(tmp_path / "a" / "b" / "recado.db") as store:
        await store.check()


async def test_a_broken_page_is_told(desk: Desk, path: Path) -> None:
    """Damage on the disk does not come out as our own words."""
    for number in range(50):
        await desk.meet(f"a:{number}")
    await desk.store.close()
    damage(path)
    with pytest.raises(StoreUnavailable, match="restore a backup"):
        await desk.store.open()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SQLITE_BUSY", StoreUnavailable),
        ("SQLITE_BUSY_SNAPSHOT", StoreUnavailable),
        ("SQLITE_LOCKED", StoreUnavailable),
        ("SQLITE_FULL", StoreFull),
        ("SQLITE_READONLY", StoreReadOnly),
        ("SQLITE_READONLY_DIRECTORY", StoreReadOnly),
        ("SQLITE_CANTOPEN", StoreUnavailable),
        ("SQLITE_IOERR_FSYNC", StoreUnavailable),
        ("SQLITE_NOTADB", StoreUnavailable),
        ("SQLITE_CORRUPT_VTAB", StoreUnavailable),
        ("SQLITE_CONSTRAINT_UNIQUE", StoreError),
        ("", StoreError),
    ],
)
def test_errors_are_translated_once(name: str, kind: type[StoreError]) -> None:
    """SQLite's own errors never leave the adapter; the most specific name wins."""
    error = sqlite3.OperationalError("whatever")
    error.sqlite_errorname = name
    told = translated(error, Path("recado.db"))
    assert type(told) is kind
    assert str(told).endswith(".")


def test_other_errors_are_left_as_they_are() -> None:
    """A programming error keeps its name."""
    error = KeyError("x")
    assert translated(error) is error


# -- how it is set up ------------------------------------------------------------------------


async def test_commits_are_on_the_disk(store: SqliteStore) -> None:
    """Write-ahead log, synchronous on every commit; a STRICT schema with foreign keys."""

    def ask(db: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [db.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await database_of(store).write(plainly(ask)) == ["wal", 2, 1]
    assert await database_of(store).read(plainly(ask)) == ["wal", 2, 1]


async def test_an_old_sqlite_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is needed and what is there."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(Exception, match=r"needs SQLite 3\.37"):
        async with store_at(path):
            pass


def _is_a_store(store: SqliteStore) -> Store:
    """The type checker sees that the adapter has the port's shape."""
    return store


async def test_a_file_that_was_deleted_is_noticed(tmp_path: Path) -> None:
    """SQLite itself would write on into a file that is lost when the process ends."""
    path = tmp_path / "recado.db"
    store = SqliteStore(path)
    await store.open()
    await store.check()
    path.unlink()
    with pytest.raises(StoreUnavailable, match="deleted or replaced"):
        await store.check()
    await store.close()


async def test_text_that_no_database_can_hold_is_bad_input(desk: Desk) -> None:
    """A shell hands over bytes that are no UTF-8 as half surrogate pairs."""
    with pytest.raises(InvalidInput, match="surrogate"):
        await desk.store.delivery("\udcff")
