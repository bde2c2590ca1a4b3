"""Promise 4 across real processes on PostgreSQL, killed at random: ``make proof`` in short."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from proofs.many import Play, play


def test_processes_that_are_killed_keep_to_one_pace(postgres_url: str, tmp_path: Path) -> None:
    """Three that deliver and reply: no 429, nothing out of place, and most of the rate is used.

    How much of it is used when the machine is another's as well says little; the proof does.
    """
    told = Play(seconds=6, processes=3, tenants=(200, 150), every=2.5, replies=1.5)
    outcome = asyncio.run(play(told, postgres_url, tmp_path, random.Random(5)))  # noqa: S311 - moments
    assert outcome.kills >= 1
    assert outcome.refused == 0
    assert outcome.part >= 0.4
    assert outcome.deliveries > 0
    # A killed process leaves at most what it had in flight to be said once more (promise 2).
    assert outcome.repeats <= outcome.kills * 64
