"""Database faults in short: ``make proof`` plays all of them."""

from __future__ import annotations

import pytest

from proofs.database import on_postgres, on_sqlite

SERVER = {"server killed", "answers cut in their middle"}
CLOCK = {"clock 6 h ahead", "clock 6 h back", "clock 6 h further back", "clock right again"}


@pytest.mark.timeout(120)
async def test_a_server_that_is_killed_and_a_way_that_is_cut() -> None:
    """It is told, nothing acknowledged is lost, and all goes on by itself."""
    outcomes = [each async for each in on_postgres(SERVER.__contains__)]
    assert {each.name for each in outcomes} == SERVER
    for each in outcomes:
        assert each.holds, each.figures
        assert each.accepted > 20


@pytest.mark.timeout(120)
async def test_a_clock_that_jumps_by_hours() -> None:
    """In both directions: everything is delivered at once all the same."""
    outcomes = [each async for each in on_sqlite(CLOCK.__contains__)]
    assert {each.name for each in outcomes} == CLOCK
    for each in outcomes:
        assert each.holds, each.figures
