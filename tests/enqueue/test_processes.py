"""Real processes: one enqueues and may die, another delivers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from recado.testing import FakeConnector, make_sighting
from tests.cli.process import started
from tests.enqueue.conftest import open_recado

#: Enqueues in a transaction of its own, says so, and commits when it is told to.
PROGRAM = """
import sqlite3, sys
import psycopg
from recado import Recado, Settings

url, text = sys.argv[1:]
recado = Recado(Settings(database_url=url))
if url.startswith("sqlite"):
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
else:
    connection = psycopg.connect(url)
recado.enqueue(connection, "conversation:a:1", text)
print("enqueued", flush=True)
sys.stdin.readline()
connection.commit()
"""


@pytest.fixture
async def channel() -> AsyncIterator[FakeConnector]:
    """A channel that takes everything."""
    async with FakeConnector() as made:
        yield made


@pytest.fixture(params=["sqlite_url", "server_url"])
def url(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def database(url: str, channel: FakeConnector) -> str:
    """The database, in which Ana can be reached at the channel."""
    async with open_recado(url) as recado:
        await recado.store.capture([make_sighting("a:1", service_url=channel.url)])
    return url


def enqueuing(url: str, text: str) -> subprocess.Popen[str]:
    """A process that has enqueued something and not committed it."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, text],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "enqueued\n"
    return process


async def test_what_a_killed_process_had_not_committed_is_never_sent(
    database: str, channel: FakeConnector
) -> None:
    """And what another one commits is sent by a third that is no part of either."""
    killed = enqueuing(database, "never committed")
    killed.kill()
    killed.communicate()
    going = enqueuing(database, "committed")
    going.communicate("commit\n")
    assert going.returncode == 0
    with started("worker", "--database-url", database):
        await channel.until(1)
    async with open_recado(database) as recado:
        backlog = await recado.store.backlog()
    assert channel.texts == {"a:1": ["committed"]}
    assert sum(backlog.waiting.values()) <= 1  # the worker may have ended before it settled


async def test_a_worker_that_runs_already_finds_it(database: str, channel: FakeConnector) -> None:
    """Without being asked to look."""
    with started("worker", "--database-url", database):
        first = enqueuing(database, "first")
        first.communicate("commit\n")
        await channel.until(1)
        second = enqueuing(database, "second")
        second.communicate("commit\n")
        await channel.until(2)
    assert channel.texts == {"a:1": ["first", "second"]}
