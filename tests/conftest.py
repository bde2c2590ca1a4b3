from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import psycopg
import pytest

from benchmarks import postgres
from recado.database_url import PostgresAddress, read_database_url
from recado.store.postgres import PostgresStore

_numbers = itertools.count(1)

#: What starts processes, or goes by real time: beside others it would measure them.
_ALONE: Final = (
    "browser",
    "channel/test_connector_bounds",
    "cli/test_running",
    "cli/test_worker",
    "docs",
    "engine/test_many",
    "enqueue/test_processes",
    "moving/test_interrupted",
    "scene",
    "store/test_sqlite_processes",
    "test_benchmarks",
    "testing/test_fake_channel_command",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what has to run alone."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(_ALONE):
            item.add_marker("alone")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    """A PostgreSQL server of the tests' own, from PyPI's binaries."""
    # Nobody cuts its power: what is on the disk does not matter, and time does.
    fast = ("fsync=off", "max_connections=200", "autovacuum=off")
    with postgres.server(tmp_path_factory.mktemp("postgres"), *fast) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> Iterator[str]:
    """An empty database, for this test alone."""
    with _database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_database(postgres_server: postgres.Server) -> Iterator[str]:
    """A database with the present schema."""
    with _database(postgres_server) as url:
        address = read_database_url(url)
        assert isinstance(address, PostgresAddress)

        async def migrate() -> None:
            store = PostgresStore(address)
            await store.open()
            await store.close()

        # In a thread, because a test's own event loop may be running.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: asyncio.run(migrate())).result()
        yield url


@pytest.fixture
def migrated_url(migrated_database: str) -> str:
    """A database with the present schema and nothing in it.

    Emptied, because that takes a tenth of the time that making one does.
    """
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        connection.execute(EMPTY)
    return migrated_database


#: Ends what an earlier test has left, and deletes all rows; truncating would take longer.
EMPTY: Final = """
DO $$
DECLARE
    found RECORD;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
    FOR found IN
        SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
        AND relname LIKE 'recado\\_%' AND relname NOT IN ('recado_schema', 'recado_transition')
    LOOP
        EXECUTE format('DELETE FROM %I', found.relname);
    END LOOP;
    FOR found IN SELECT relname FROM pg_class WHERE relkind = 'S' AND relname LIKE 'recado\\_%' LOOP
        PERFORM setval(CAST(found.relname AS regclass), 1, false);
    END LOOP;
END $$
"""


@pytest.fixture
async def looker(migrated_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection for whoever looks at what processes do in that database."""
    connection = await asyncpg.connect(migrated_url)
    yield connection
    await connection.close()


@contextmanager
def _database(server: postgres.Server) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield urlsplit(server.url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
