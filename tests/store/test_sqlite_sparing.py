"""Counting is not done anew for everybody who asks, and keeps nobody waiting who delivers."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from recado.store.sqlite import sparing
from recado.store.sqlite.database import Database
from recado.store.sqlite.sparing import Sparing
from tests.store.kit import Desk

DB = sqlite3.connect(":memory:")


def asked(spare: Sparing, cost: float) -> list[int]:
    """How often work that takes *cost* seconds is done, for three who ask in a row."""
    done: list[int] = []

    def work(_: sqlite3.Connection) -> int:
        until = time.thread_time() + cost
        while time.thread_time() < until:
            pass
        done.append(len(done))
        return len(done)

    for _ in range(3):
        spare.sparing("question", work)(DB)
    return done


def test_what_is_cheap_is_always_new() -> None:
    """So nobody sees yesterday's counts of small things."""
    assert len(asked(Sparing(), 0)) == 3


def test_what_is_dear_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """In proportion to what it cost."""
    monkeypatch.setattr(sparing, "_REST", 10_000)
    assert len(asked(Sparing(), 0.03)) == 1
    monkeypatch.setattr(sparing, "_REST", 0)
    assert len(asked(Sparing(), 0.03)) == 3


def test_questions_are_told_apart() -> None:
    """Each has its own answer, however many are asked."""
    spare = Sparing()
    for number in range(2_000):
        assert spare.sparing(number, lambda _, n=number: n)(DB) == number  # type: ignore[misc]


async def test_whoever_delivers_does_not_wait_for_who_looks(tmp_path: Path) -> None:
    """A look that takes long is done beside the reads of the dispatcher."""
    database = Database(tmp_path / "recado.db")
    await database.open()
    looking, go_on = threading.Event(), threading.Event()

    def look(_: sqlite3.Connection) -> str:
        looking.set()
        go_on.wait(10)
        return "seen"

    slow = asyncio.create_task(database.look(look))
    await asyncio.to_thread(looking.wait, 10)
    assert await database.read(lambda _: "read") == "read"
    assert not slow.done()
    go_on.set()
    assert await slow == "seen"
    await database.close()


async def test_a_look_sees_what_was_committed(desk: Desk) -> None:
    """Just as a read does."""
    accepted = await desk.accept("hello", await desk.meet())
    progress = await desk.store.progress(accepted.notification_id)
    assert progress is not None
    assert progress.total == 1
