"""docs/enqueue.md does what it says: its code runs, and its tables name what there is."""

from __future__ import annotations

import asyncio
import inspect
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from recado import Recado, errors
from recado.testing import FakeConnector, make_sighting

_DOCS = Path(__file__).parents[2] / "docs"
_PAGE = (_DOCS / "enqueue.md").read_text("utf-8")


def _names() -> dict[str, Any]:
    """What the page's code defines, from the first block to the last."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL):
        exec(compile(block, "docs/enqueue.md", "exec"), names)  # noqa: S102 - our own page
    return names


@asynccontextmanager
async def _delivering(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[FakeConnector]:
    """A worker on the database, which Ana is known to, and the channel it sends to."""
    monkeypatch.chdir(tmp_path)  # where no .env is
    monkeypatch.setenv("RECADO_DATABASE_URL", url)
    async with FakeConnector() as channel, Recado() as recado:
        await recado.store.capture([make_sighting("a:ana", service_url=channel.url)])
        yield channel


async def test_the_code_runs(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On PostgreSQL: what each function enqueues arrives."""
    with psycopg.connect(migrated_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS orders (number INTEGER)")
    try:
        async with _delivering(migrated_url, monkeypatch, tmp_path) as channel:
            names = _names()
            names["place_order"](migrated_url, 1)
            await channel.until(1)
            asynchronous = migrated_url.replace("postgresql", "postgresql+asyncpg", 1)
            await names["place_order_async"](asynchronous, 2)
            await channel.until(2)
            await asyncio.to_thread(names["place_order_surely"], migrated_url, 3)
            await channel.until(3)
    finally:
        with psycopg.connect(migrated_url, autocommit=True) as connection:
            connection.execute("DROP TABLE orders")
    assert channel.texts["a:ana"] == [f"Order {number} is on its way." for number in (1, 2, 3)]


async def test_the_code_for_sqlite_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the file a server has open."""
    path = tmp_path / "recado.db"
    async with _delivering(f"sqlite:///{path}", monkeypatch, tmp_path) as channel:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE orders (number INTEGER)")
        connection.close()
        await asyncio.to_thread(_names()["place_order_in_file"], str(path), 1)
        await channel.until(1)
    assert channel.texts["a:ana"] == ["Order 1 is on its way."]


def test_every_error_named_exists() -> None:
    """In the table of errors."""
    table = _PAGE.partition("## When it goes wrong")[2].partition("All isolation levels")[0]
    named = set(re.findall(r"`([A-Z]\w+)`", table))
    assert {"TransactionConflict", "StoreEmpty"} < named
    for name in named:
        assert inspect.isclass(getattr(errors, name)), name


def test_every_link_leads_somewhere() -> None:
    """To a page that is there."""
    for link in re.findall(r"\]\(([^)#:]+)\)", _PAGE):
        assert (_DOCS / link).is_file(), link
