"""Events and power cuts: what was answered with 202 is told exactly once, whenever it goes dark."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.scene.server import Server, Window, free_port

pytestmark = pytest.mark.timeout(180)


def event(number: int, price: float) -> dict[str, object]:
    """A price of the shop's."""
    return {
        "specversion": "1.0",
        "id": str(number),
        "source": "/shop",
        "type": "price.changed",
        "subject": "tea",
        "data": price,
    }


async def push(
    session: aiohttp.ClientSession, server: Server, number: int, price: float
) -> dict[str, object]:
    """Say what tea costs, as the shop's program does."""
    async with session.post(
        f"{server.url}/api/v1/events",
        json=event(number, price),
        headers={"Content-Type": "application/cloudevents+json"},
    ) as answer:
        assert answer.status == 202, await answer.text()
        told: dict[str, object] = await answer.json()
        return told


async def test_an_event_that_was_answered_is_told_once(tmp_path: Path) -> None:
    """Killed right after each answer, and each event sent again after the start: told once each."""
    database, port = tmp_path / "demo.db", free_port()
    servers = [await Server.start("demo", database=database, port=port)]
    async with aiohttp.ClientSession() as session:
        ana = Window(session, servers[0], "dl_ana")
        try:
            await ana.open()
            await push(session, servers[0], 0, 10)
            await ana.say("watch tea below 9")
            await ana.sees(lambda text: "I am watching tea" in text)
            for number, price in enumerate([8, 10, 7], 1):
                told = await push(session, servers[-1], number, price)
                assert told["accepted"] == 1
                await servers[-1].kill()
                servers.append(await Server.start("demo", database=database, port=port))
                ana.move_to(servers[-1])
                again = await push(session, servers[-1], number, price)
                assert again["replayed"] == 1
                if price < 9:
                    await ana.sees(f"tea is now {price}, below 9.")
            await ana.say("watches")
            await ana.sees(lambda text: text.startswith("| Number |"))
            told_of = [text for text in ana.texts if text.startswith("tea is now")]
            assert told_of == [f"tea is now {price}, below 9." for price in (8, 7)]
        finally:
            for server in servers:
                await server.kill()
