"""docs/postgresql.md does what it says: its roles have the rights they need, its URLs are read."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from benchmarks import postgres
from recado.app import Recado
from recado.config import Settings
from recado.database_url import PostgresAddress, read_database_url
from recado.store.port import DeliveryFilter
from recado.testing import FakeConnector, make_sighting

_DOCS = Path(__file__).parents[2] / "docs"
_PAGE = (_DOCS / "postgresql.md").read_text("utf-8")
_ONE, _TWO, _RIGHTS = re.findall(r"```sql\n(.*?)```", _PAGE, re.DOTALL)
_COMMANDS = re.findall(r"^\$ (.*)$", _PAGE, re.MULTILINE)


def _ours(sql: str) -> str:
    """The page's statements, on names that the tests' server does not have."""
    return re.sub(r"\brecado(_\w+)?\b", r"page\1", sql)


def _execute(url: str, script: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in filter(str.strip, script.split(";")):
            connection.execute(statement.encode())


def _as(server: postgres.Server, user: str) -> str:
    return urlsplit(server.url)._replace(netloc=f"{user}@", path="/page").geturl()


@pytest.fixture(autouse=True)
def cleared(postgres_server: postgres.Server) -> Iterator[None]:
    """No role or database of the page's stays behind."""
    yield
    _execute(postgres_server.url, "DROP DATABASE IF EXISTS page WITH (FORCE)")
    _execute(postgres_server.url, "DROP ROLE IF EXISTS page, page_owner, page_app")


def _run(command: str, url: str) -> subprocess.CompletedProcess[str]:
    program, *words = shlex.split(command)
    assert program == "recado"
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("RECADO_", "PORT"))}
    return subprocess.run(
        [sys.executable, "-m", "recado", *words],
        env=environ | {"RECADO_DATABASE_URL": url, "RECADO_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


async def _deliver(url: str) -> None:
    """All that a process does: it remembers, accepts, delivers and looks."""
    async with (
        FakeConnector() as channel,
        Recado(Settings(database_url=url)) as recado,
    ):
        await recado.references.remember(make_sighting("a:1", service_url=channel.url))
        handle = await recado.notify("all", "hello")
        assert (await handle.wait(30)).counts == {"delivered": 1}
        assert len((await recado.outbox.deliveries(DeliveryFilter())).items) == 1


async def test_one_role(postgres_server: postgres.Server) -> None:
    """It makes the tables and does everything."""
    _execute(postgres_server.url, _ours(_ONE))
    url = _as(postgres_server, "page")
    assert _COMMANDS == ["recado migrate", "recado doctor"]
    for command in _COMMANDS:
        ended = _run(command, url)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    await _deliver(url)


async def test_two_roles(postgres_server: postgres.Server) -> None:
    """The lesser one makes nothing, and has all it needs for the rest."""
    _execute(postgres_server.url, _ours(_TWO))
    owner, app = _as(postgres_server, "page_owner"), _as(postgres_server, "page_app")
    _execute(owner, _ours(_RIGHTS))
    refused = _run("recado migrate", app)
    assert refused.returncode == 6
    assert "run `recado migrate` as a user who has it" in refused.stderr
    assert _run("recado migrate", owner).returncode == 0
    ended = _run("recado doctor", app)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "another one has to run `recado migrate`" in ended.stdout
    await _deliver(app)


def test_urls_are_read_as_the_page_says() -> None:
    """Each of them, and poolers are known."""
    urls = re.findall(r"postgresql://[^\s'`…]+", _PAGE)
    assert len(urls) > 3
    for url in urls:
        address = read_database_url(url.rstrip(",.:"))
        assert isinstance(address, PostgresAddress)
        assert address.pooler == ("pooler" in url)


def test_every_setting_exists() -> None:
    """Under the name the page gives it."""
    for name in re.findall(r"RECADO_(\w+)", _PAGE):
        assert name.lower().removesuffix("_file") in Settings.model_fields


def test_every_link_leads_somewhere() -> None:
    """To a page, and a heading, that is there."""
    for link, anchor in re.findall(r"\]\(([^)#:]+)(#[^)]+)?\)", _PAGE):
        page = (_DOCS / link).read_text("utf-8")
        headings = {
            re.sub(r"[^\w -]", "", each).strip().lower().replace(" ", "-")
            for each in re.findall(r"^#+ (.*)$", page, re.MULTILINE)
        }
        assert not anchor or anchor[1:] in headings
