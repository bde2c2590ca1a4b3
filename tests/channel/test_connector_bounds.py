"""The Connector channel against answers without end: time and memory it takes at most."""

from __future__ import annotations

import pytest

from proofs.network import play


@pytest.mark.parametrize("name", ["body in drops", "endless headers", "endless chunks"])
async def test_what_never_ends_takes_little(name: str) -> None:
    """Sixty-four at once; `make proof` plays a dozen more."""
    outcome = await play(name, 64)
    assert outcome.holds, outcome.figures
    assert sum(outcome.ended.values()) == 64
