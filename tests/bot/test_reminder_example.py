"""The example with reminders runs: over real connections, on a hand-wound clock, restarted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recado.app import Recado
from recado.bot.hosting import HostedBot
from recado.config import Settings
from recado.testing import FakeConnector, HandClock
from tests.bot.kit import hosted_example, message

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> HandClock:
    """The example's time."""
    return HandClock(NOW)


@pytest.fixture
async def channel() -> AsyncIterator[FakeConnector]:
    """The service the example sends to."""
    async with FakeConnector() as service:
        yield service


@asynccontextmanager
async def running(database: Path, clock: HandClock) -> AsyncIterator[HostedBot]:
    """The example from its start to its stop."""
    recado = Recado(Settings(database_url=f"sqlite:///{database}"), clock=clock)
    bot = hosted_example("reminder_bot.py", recado)
    async with recado:
        yield bot


async def say(bot: HostedBot, text: str, channel: FakeConnector) -> None:
    """Let Ana in Madrid say *text*."""
    told = message(text, serviceUrl=channel.url, localTimezone="Europe/Madrid")
    assert (await bot.receive(told))[0] == 202


async def test_a_reminder_arrives_once_over_a_restart(
    clock: HandClock, channel: FakeConnector, tmp_path: Path
) -> None:
    """It is said at its time although the process that took it is gone, and once."""
    async with running(tmp_path / "recado.db", clock) as bot:
        await say(bot, "remind me tomorrow at 9 to call Ana", channel)
        await say(bot, "recuérdame en 10 minutos sacar el pan", channel)
        clock.advance(timedelta(minutes=10))
        await channel.until(3)
    clock.advance(timedelta(hours=22))
    async with running(tmp_path / "recado.db", clock) as bot:
        await say(bot, "reminders", channel)
        clock.advance(timedelta(minutes=20))
        await channel.until(5)
        await say(bot, "remind me in 1 minute", channel)
        clock.advance(timedelta(minutes=1))
        await channel.until(7)
    async with running(tmp_path / "recado.db", clock) as bot:
        await say(bot, "reminders", channel)
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


async def test_what_was_missed_is_said_late(
    clock: HandClock, channel: FakeConnector, tmp_path: Path
) -> None:
    """A reminder whose time came while nothing ran is said when it runs again."""
    async with running(tmp_path / "recado.db", clock) as bot:
        await say(bot, "remind me in 10 minutes to call Ana", channel)
    clock.advance(timedelta(hours=3))
    async with running(tmp_path / "recado.db", clock):
        await channel.until(2)
    assert channel.texts["a:ana"][1:] == ["Reminder: call Ana"]


async def test_the_bot_comes_back_unless_it_is_answered(
    clock: HandClock, channel: FakeConnector, tmp_path: Path
) -> None:
    """What it planned itself is cancelled by the person's next word."""
    async with running(tmp_path / "recado.db", clock) as bot:
        await say(bot, "hello", channel)
        clock.advance(timedelta(minutes=15))
        await channel.until(2)
        await say(bot, "are you there?", channel)
        clock.advance(timedelta(minutes=1))
        await say(bot, "reminders", channel)
        await say(bot, "remind me in 20 minutes", channel)
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
