"""Counting is not done anew for everybody who asks."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest

from recado.store import sparing
from recado.store.session import Session
from recado.store.sparing import Sparing
from tests.store.kit import Desk

#: No work here looks at it.
DB: Any = object()


async def asked(cost: float) -> list[int]:
    """How often work that takes *cost* seconds is done, for three who ask in a row."""
    spare = Sparing(time.thread_time)
    done: list[int] = []

    async def work(_: Session) -> int:
        until = time.thread_time() + cost
        while time.thread_time() < until:
            pass
        done.append(len(done))
        return len(done)

    for _ in range(3):
        await spare.sparing("question", work)(DB)
    return done


async def test_what_is_cheap_is_always_new() -> None:
    """So nobody sees yesterday's counts of small things."""
    assert len(await asked(0)) == 3


async def test_what_is_dear_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """In proportion to what it cost."""
    monkeypatch.setattr(sparing, "_REST", 10_000)
    assert len(await asked(0.03)) == 1
    monkeypatch.setattr(sparing, "_REST", 0)
    assert len(await asked(0.03)) == 3


async def test_questions_are_told_apart() -> None:
    """Each has its own answer, however many are asked."""
    spare = Sparing(time.thread_time)

    async def answer(_: Session, number: int) -> int:
        return number

    for number in range(2_000):
        assert await spare.sparing(number, partial(answer, number=number))(DB) == number


async def test_a_look_sees_what_was_committed(desk: Desk) -> None:
    """Just as a read does."""
    accepted = await desk.accept("hello", await desk.meet())
    progress = await desk.store.progress(accepted.notification_id)
    assert progress is not None
    assert progress.total == 1
