"""Databases of the tests' own, one of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from recado.testing import HandClock
from tests.moving.kit import Place, postgres_place, sqlite_place


@pytest.fixture
def clock() -> HandClock:
    """The time."""
    return HandClock()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each of the databases in turn."""
    if request.param == "sqlite":
        return sqlite_place(tmp_path / "recado.db")
    return postgres_place(request.getfixturevalue("migrated_url"))
