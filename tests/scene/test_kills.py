"""The kill matrix in short: ``make proof`` plays it a hundred times as long."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.kills import Outcome, Size, on_postgres, on_sqlite


def check(outcome: Outcome) -> None:
    """Everything that is claimed holds, and enough was played for that to mean something."""
    broken = [claim for claim in outcome.claims() if not claim.holds]
    assert not broken
    assert outcome.verdict.accepted > 100
    assert sum(outcome.requests.values()) > 100


@pytest.mark.timeout(120)
async def test_kills_on_sqlite(tmp_path: Path) -> None:
    """One process delivers, and when it is killed the next one has the role."""
    outcome = await on_sqlite(tmp_path, Size(kills=16, pauses=1, seed=1, in_time=1))
    check(outcome)
    assert outcome.kills >= 10


@pytest.mark.timeout(120)
async def test_kills_on_postgres(tmp_path: Path, migrated_url: str) -> None:
    """Three deliver at once, and whoever lives takes over from whoever does not."""
    outcome = await on_postgres(migrated_url, tmp_path, Size(kills=14, pauses=2, seed=1, in_time=1))
    check(outcome)
    assert outcome.kills >= 10
