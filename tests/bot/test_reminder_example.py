"""The example with reminders runs: over real connections, on a hand-wound clock, restarted."""

from __future__ import annotations

import functools
import runpy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

import recado
from recado.app import Recado
from recado.testing import FakeConnector, HandClock
from tests.bot.kit import message

EXAMPLE = Path(__file__).parents[2] / "examples" / "reminder_bot.py"
NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HandClock:
    """The example's time; what it keeps is in a file, and nothing is read from this machine."""
    clock = HandClock(NOW)
    monkeypatch.setenv("RECADO_DATABASE_URL", f"sqlite:///{tmp_path}/recado.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recado, "Recado", functools.partial(Recado, clock=clock), raising=False)
    return clock


@pytest.fixture
async def channel() -> AsyncIterator[FakeConnector]:
    """The service the example sends to."""
    async with FakeConnector() as service:
        yield service


@asynccontextmanager
async def running() -> AsyncIterator[httpx.AsyncClient]:
    """The example from its start to its stop."""
    names = runpy.run_path(str(EXAMPLE))
    transport = httpx.ASGITransport(names["server"])
    async with (
        names["lifespan"](names["server"]),
        httpx.AsyncClient(transport=transport, base_url="http://bot") as client,
    ):
        yield client


async def say(client: httpx.AsyncClient, text: str, channel: FakeConnector) -> None:
    """Let Ana in Madrid say *text*."""
    told = message(text, serviceUrl=channel.url, localTimezone="Europe/Madrid")
    assert (await client.post("/api/messages", json=told)).status_code == 202


async def test_a_reminder_arrives_once_over_a_restart(
    clock: HandClock, channel: FakeConnector
) -> None:
    """It is said at its time although the process that took it is gone, and once."""
    async with running() as client:
        await say(client, "remind me tomorrow at 9 to call Ana", channel)
        await say(client, "recuérdame en 10 minutos sacar el pan", channel)
        clock.advance(timedelta(minutes=10))
        await channel.until(3)
    clock.advance(timedelta(hours=22))
    async with running() as client:
        await say(client, "reminders", channel)
        clock.advance(timedelta(minutes=20))
        await channel.until(5)
        await say(client, "remind me in 1 minute", channel)
        clock.advance(timedelta(minutes=1))
        await channel.until(7)
    async with running() as client:
        await say(client, "reminders", channel)
    assert channel.texts["a:ana"] == [
        (
            "I'll remind you on Thursday 26 November at 09:00 (Europe/Madrid): call Ana\n\n"
            "Type 'cancel 1' to cancel it."
        ),
        (
            "I'll remind you on Wednesday 25 November at 10:40 (Europe/Madrid): sacar el pan\n\n"
            "Type 'cancel 2' to cancel it."
        ),
        "Reminder: sacar el pan",
        (
            "Your reminders here. Type 'cancel' and a number to cancel one.\n\n"
            "1: on Thursday 26 November at 09:00 (Europe/Madrid): call Ana"
        ),
        "Reminder: call Ana",
        (
            "I'll remind you on Thursday 26 November at 09:01 (Europe/Madrid).\n\n"
            "Type 'cancel 1' to cancel it."
        ),
        "This is the reminder you asked for.",
        "You have no reminders here. Type 'remind me in 10 minutes to call Ana', for example.",
    ]


async def test_what_was_missed_is_said_late(clock: HandClock, channel: FakeConnector) -> None:
    """A reminder whose time came while nothing ran is said when it runs again."""
    async with running() as client:
        await say(client, "remind me in 10 minutes to call Ana", channel)
    clock.advance(timedelta(hours=3))
    async with running():
        await channel.until(2)
    assert channel.texts["a:ana"][1:] == ["Reminder: call Ana"]


async def test_the_bot_comes_back_unless_it_is_answered(
    clock: HandClock, channel: FakeConnector
) -> None:
    """What it planned itself is cancelled by the person's next word."""
    async with running() as client:
        await say(client, "hello", channel)
        clock.advance(timedelta(minutes=15))
        await channel.until(2)
        await say(client, "are you there?", channel)
        clock.advance(timedelta(minutes=1))
        await say(client, "reminders", channel)
        await say(client, "remind me in 20 minutes", channel)
        clock.advance(timedelta(minutes=20))
        await channel.until(6)
    assert [text[:20] for text in channel.texts["a:ana"]] == [
        "What can I do for yo",
        "I am still here if y",
        "What can I do for yo",
        "You have no reminder",
        "I'll remind you on W",
        "This is the reminder",
    ]
