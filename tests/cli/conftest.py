"""The command line over real SQLite files, in a home of its own."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from recado.cli import main
from tests.cli.kit import Database, Ended, Run, local


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory and user data of the test's own, and no settings from outside."""
    for name in list(os.environ):
        if name.upper().startswith(("RECADO_", "CONNECTIONS", "MICROSOFT")) or name == "PORT":
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """Commands set logging up for their process, which is not this one."""
    root, ours = logging.getLogger(), logging.getLogger("recado")
    before = list(root.handlers), root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line, through its one door."""

    def run_one(*words: str) -> Ended:
        capsys.readouterr()
        code = main(words)
        told = capsys.readouterr()
        assert "Traceback" not in told.out + told.err
        return Ended(code, told.out, told.err)

    return run_one


@pytest.fixture
def database(home: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """An empty database, which every command of the test uses."""
    made = Database(f"sqlite:///{home / 'recado.db'}")
    monkeypatch.setenv("RECADO_DATABASE_URL", made.url)
    made.remember()
    return made


@pytest.fixture
def talking(database: Database) -> Database:
    """A database that knows Ana and Ben, each in a local conversation."""
    database.remember(local("conv-ana", "ana"), local("conv-ben", "ben"))
    return database


@pytest.fixture
def shared(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database of a PostgreSQL server that knows Ana and Ben."""
    made = Database(postgres_url)
    monkeypatch.setenv("RECADO_DATABASE_URL", made.url)
    made.remember(local("conv-ana", "ana"), local("conv-ben", "ben"))
    return made
