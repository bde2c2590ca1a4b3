"""Promises 1 to 3 at once, in short: ``make proof`` soaks fifty times as long."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.soak import Plan, check_file, soak


@pytest.mark.timeout(120)
async def test_soak(tmp_path: Path) -> None:
    """A channel that goes wrong in two dozen ways, and a process that is killed: all of it ends."""
    plan = Plan(deliveries=2_400, lanes=200, kills=1, share=0.05, seed=4)
    outcome = await soak(plan, tmp_path)
    broken = [claim for claim in outcome.claims() if not claim.holds]
    assert not broken, outcome
    assert outcome.kills == 2
    assert sum(outcome.faults.values()) >= 60
    assert check_file(tmp_path / "recado.db") == "ok"
