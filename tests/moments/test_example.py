"""examples/polite_bot.py: parcels, orders and soup, over real connections."""

from __future__ import annotations

import runpy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from recado.domain.delivery import State
from recado.store.port import DeliveryFilter
from recado.testing import FakeConnector
from tests.bot.kit import message

EXAMPLE = Path(__file__).parents[2] / "examples" / "polite_bot.py"


@pytest.fixture
async def channel() -> AsyncIterator[FakeConnector]:
    """The service it sends to."""
    async with FakeConnector() as service:
        yield service


@pytest.fixture
async def bot(
    channel: FakeConnector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    """The example, running, with nothing read from or left on this machine."""
    monkeypatch.setenv("RECADO_DATABASE_URL", f"sqlite:///{tmp_path}/recado.db")
    monkeypatch.chdir(tmp_path)
    names = runpy.run_path(str(EXAMPLE))
    transport = httpx.ASGITransport(names["server"])
    async with (
        names["lifespan"](names["server"]),
        httpx.AsyncClient(transport=transport, base_url="http://bot") as client,
    ):
        yield client, names["recado"]


async def test_the_polite_bot(bot: tuple[httpx.AsyncClient, Any], channel: FakeConnector) -> None:
    """A parcel waits for the order, its answer goes to the parcel, and soup comes last."""
    client, recado = bot
    said: list[str] = []

    async def say(text: str, *answers: str) -> None:
        told = message(text, serviceUrl=channel.url)
        assert (await client.post("/api/messages", json=told)).status_code == 202
        said.extend(answers)
        await channel.until(len(said))
        assert channel.texts["a:ana"] == said

    await say("hello", "Say order when you are hungry.")
    await say("order", "What would you like?")
    await client.post("/parcel/17")
    await say("waffles", "How many waffles?")
    page = await recado.outbox.deliveries(DeliveryFilter(state=State.HELD))
    assert [each.reason for each in page.items] == ["busy"]
    question = "Parcel 17 has come. Where shall we leave it?"
    await say("3", "3 waffles, coming up.", question)
    # Nobody answers before the channel has confirmed the question.
    await recado.outbox.wait(page.items[0].notification_id, 10)
    await client.post("/advertise")
    soup = "By the way: there is pumpkin soup today."
    await say("at the back door", "Parcel 17 will be left: at the back door.", soup)
    await say("thanks", "Say order when you are hungry.")
