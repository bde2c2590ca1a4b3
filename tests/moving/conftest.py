from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from recado.testing import HandClock
from tests.moving.kit import Place, postgres_place, sqlite_place


@pytest.fixture
def clock() -> HandClock:
    """The time; today, because ids tell when they were made."""
    return HandClock(datetime.now(UTC))


def place(kind: str, request: pytest.FixtureRequest, fixture: str) -> Place:
    """A database of a kind."""
    if kind == "sqlite":
        path: Path = request.getfixturevalue("tmp_path")
        return sqlite_place(path / f"{fixture}.db")
    return postgres_place(request.getfixturevalue(fixture))


@pytest.fixture(params=["sqlite", "postgres"])
def source(request: pytest.FixtureRequest) -> Place:
    """Where things are moved from."""
    return place(request.param, request, "migrated_url")


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest) -> Place:
    """An empty database that they are moved to."""
    return place(request.param, request, "postgres_url")
