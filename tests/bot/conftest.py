"""Fixtures of the tests of the bot edge."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.bot.kit import Bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """Everything behind a bot, with nothing attached yet."""
    made = Bench()
    await made.store.open()
    yield made
    await made.store.close()
