"""The example with consent runs, over real connections."""

from __future__ import annotations

import runpy
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from recado.testing import FakeConnector
from tests.bot.kit import BEN, message

EXAMPLE = Path(__file__).parents[2] / "examples" / "consent_bot.py"


@pytest.fixture
async def channel() -> AsyncIterator[FakeConnector]:
    """The service the example sends to."""
    async with FakeConnector() as service:
        yield service


async def test_who_has_stopped_prices_is_left_out(
    channel: FakeConnector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ben hears of them, and Ana does not until she says so again."""
    monkeypatch.setenv("RECADO_DATABASE_URL", "sqlite://")
    monkeypatch.chdir(tmp_path)
    names = runpy.run_path(str(EXAMPLE))
    transport = httpx.ASGITransport(names["server"])
    async with (
        names["lifespan"](names["server"]),
        httpx.AsyncClient(transport=transport, base_url="http://bot") as client,
    ):
        ben = {"from": BEN, "conversation": {"id": "a:ben", "conversationType": "personal"}}
        for number, (text, changes) in enumerate(
            [("stop prices", {}), ("price 3", ben), ("resume prices", {}), ("price 2", ben)], 1
        ):
            told = message(text, serviceUrl=channel.url, **changes)
            answer = await client.post("/api/messages", json=told)
            assert answer.status_code == 202, answer.text
            await channel.until((1, 2, 3, 5)[number - 1])
    assert channel.texts["a:ben"] == ["Apples cost 3 now.", "Apples cost 2 now."]
    stopped, resumed, told_again = channel.texts["a:ana"]
    assert "nothing about prices" in stopped
    assert "hear about prices again" in resumed
    assert told_again == "Apples cost 2 now."
