from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recado import Recado
from recado.testing import make_sighting
from tests.enqueue.kit import ON_POSTGRES, ON_SQLITE, ORDERS, Caller, recado_at


async def prepared(url: str) -> None:
    """A database in which Ana is known, and the caller has a table."""
    async with open_recado(url) as recado:
        await recado.store.capture([make_sighting("a:1")])


class open_recado:  # noqa: N801 - used as a function
    """Recado in the process that looks."""

    def __init__(self, url: str) -> None:
        self._recado = recado_at(url)

    async def __aenter__(self) -> Recado:
        await self._recado.open()
        return self._recado

    async def __aexit__(self, *_: object) -> None:
        await self._recado.stop()


@pytest.fixture
async def sqlite_url(tmp_path: Path) -> str:
    """A SQLite database in which Ana is known."""
    url = f"sqlite:///{tmp_path}/recado.db"
    await prepared(url)
    return url


@pytest.fixture
async def server_url(migrated_url: str) -> str:
    """A PostgreSQL database in which Ana is known."""
    await prepared(migrated_url)
    return migrated_url


@pytest.fixture(params=[*ON_SQLITE, *ON_POSTGRES])
def driver(request: pytest.FixtureRequest) -> str:
    """Each kind of transaction in turn."""
    return str(request.param)


@pytest.fixture
def url(driver: str, request: pytest.FixtureRequest) -> str:
    """The database the driver leads to."""
    wanted = "sqlite_url" if driver in ON_SQLITE else "server_url"
    return str(request.getfixturevalue(wanted))


@pytest.fixture
async def caller(driver: str, url: str, office: Recado) -> AsyncIterator[Caller]:
    """A caller who has begun a transaction, after the database was opened elsewhere."""
    async with (ON_SQLITE | ON_POSTGRES)[driver](url) as made:
        await made.begin()
        await made.do(ORDERS)
        await made.commit()
        await made.begin()
        yield made


@pytest.fixture
async def office(url: str) -> AsyncIterator[Recado]:
    """Recado in another process, which has the database open."""
    async with open_recado(url) as recado:
        yield recado
