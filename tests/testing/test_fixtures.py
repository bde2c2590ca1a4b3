from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from recado.testing import START, FakeConnector, SimulatedChannel, faults, simulate, wired
from recado.testing.clock import HandClock

_SUITE = """
import pytest
from recado.testing import faults

@pytest.mark.asyncio
async def test_a_message_arrives(recado_in_memory, fake_connector):
    ana = await fake_connector.meet(recado_in_memory, "ana")
    fake_connector.fail(faults.UNAVAILABLE)
    await recado_in_memory.notify("all", "hello")
    await fake_connector.until(1)
    assert fake_connector.texts[ana.id] == ["hello"]
    assert [each.status for each in fake_connector.requests] == [503, 201]

def test_the_clock_stands(hand_clock):
    hand_clock.advance(60)

def test_a_simulated_hour(simulation):
    async def scene(stage):
        await stage.channel.meet_all(stage.recado, ["ana", "ben"])
        for number in range(100):
            await stage.recado.notify("all", str(number))
        begun = stage.clock.now()
        await stage.channel.until(200)
        return (stage.clock.now() - begun).total_seconds()

    assert 30 < simulation(scene) < 70
"""


def test_the_fixtures_are_found(tmp_path: Path) -> None:
    """In a suite of one's own, by the one line the documentation gives."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["recado.testing.fixtures"]\n')
    (tmp_path / "test_bot.py").write_text(_SUITE)
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        [*line, "--asyncio-mode=strict", "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert re.search(r"\b3 passed\b", ended.stdout), ended.stdout + ended.stderr


async def test_wired_over_real_connections() -> None:
    """Settings can be given; the environment is not asked."""
    async with FakeConnector() as channel, wired(channel, connections=3) as recado:
        assert recado.settings.connections == 3
        (room,) = await channel.meet_all(recado, [channel.person("ana")])
        await recado.notify(f"conversation:{room.id}", "hello")
        await channel.until(1)


def test_wired_in_simulated_time() -> None:
    """What is due in ten minutes is said then, and retried when its time comes."""

    async def main(clock: HandClock) -> list[tuple[float, int | None]]:
        channel = SimulatedChannel(clock)
        async with wired(channel) as recado:
            await channel.meet(recado, "ana")
            channel.fail(faults.throttled(30))
            await recado.notify("all", "later", when=timedelta(minutes=10))
            await channel.until(1)
            await asyncio.sleep(60)
        return [
            (round((each.arrived_at - START).total_seconds()), each.status)
            for each in channel.requests
        ]

    assert simulate(main) == [(600, 429), (630, 201)]
