"""Promise 2 against a real process: killed while many deliveries are in flight."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp

from recado.testing import FakeConnector
from tests.scene.server import PATIENCE, Server, free_port

_CONVERSATIONS = 60
_ROUNDS = 25
_KILLS = 3
#: In flight plus one settle batch (promise 2), per kill.
_REPEATS_PER_KILL = 64 + 64


async def test_kill_in_flight(tmp_path: Path) -> None:
    """Nothing accepted is lost, order is kept, and repeats stay within what is promised."""
    database, port = tmp_path / "recado.db", free_port()
    async with FakeConnector(channel="emulator") as channel, aiohttp.ClientSession() as session:
        server = await Server.start("demo", database=database, port=port)
        try:
            for number in range(_CONVERSATIONS):
                name = f"conversation-{number}|live"
                person = channel.person(f"user-{number}", conversation=name, tenant=None)
                await channel.introduce(person, server.url)
            accepted = 0
            for kill in range(_KILLS):
                seen = channel.record.taken
                for _ in range(_ROUNDS):
                    await _notify_all(session, server, f"{accepted:04d}")
                    accepted += 1
                async with asyncio.timeout(PATIENCE):
                    await channel.until(seen + _CONVERSATIONS * (3 + kill))
                await server.kill()
                server = await Server.start("demo", database=database, port=port)
            wanted = [f"{number:04d}" for number in range(accepted)]
            async with asyncio.timeout(PATIENCE):
                await channel.until_true(
                    lambda: (
                        not any(
                            set(wanted) - set(channel.texts[f"conversation-{number}|live"])
                            for number in range(_CONVERSATIONS)
                        )
                    )
                )
        finally:
            await server.kill()
        repeats = 0
        for number in range(_CONVERSATIONS):
            got = [text for text in channel.texts[f"conversation-{number}|live"] if text in wanted]
            assert got == sorted(got), f"conversation {number} got {got}"
            repeats += len(got) - len(wanted)
        print(f"{_KILLS} kills, {accepted * _CONVERSATIONS} deliveries, {repeats} repeats, 0 lost")  # noqa: T201 - the figures are the point; `pytest -s` shows them
        assert repeats <= _KILLS * _REPEATS_PER_KILL


async def _notify_all(session: aiohttp.ClientSession, server: Server, text: str) -> None:
    body = {"to": "all", "text": text}
    async with session.post(f"{server.url}/api/notify", json=body) as answer:
        assert answer.status == 202, (answer.status, await answer.text())
