"""Fixtures for pytest: ``pytest_plugins = ["recado.testing.fixtures"]`` in a ``conftest.py``.

They need pytest and pytest-asyncio, which Recado itself does not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from recado.app import Recado
from recado.testing.clock import HandClock, simulate
from recado.testing.connector import FakeConnector
from recado.testing.service import Latency
from recado.testing.simulated import SimulatedChannel
from recado.testing.windows import TEAMS, RateLimits
from recado.testing.wired import wired

__all__ = ["Stage", "fake_connector", "hand_clock", "recado_in_memory", "simulation"]


#: What a round trip to a channel service takes.
_LATENCY = Latency(0.08, 0.04)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a simulated scene plays on.

    Attributes:
        clock: winds itself; ``await clock.run_until(…)`` or ``asyncio.sleep`` lets time pass.
        channel: what Recado sends to.
        recado: delivers in the background.
    """

    clock: HandClock
    channel: SimulatedChannel
    recado: Recado


@pytest.fixture
def hand_clock() -> HandClock:
    """A clock that stands at ``START`` until it is wound."""
    return HandClock()


@pytest_asyncio.fixture
async def fake_connector() -> AsyncIterator[FakeConnector]:
    """A channel service on loopback that obeys until it is told otherwise."""
    async with FakeConnector() as channel:
        yield channel


@pytest_asyncio.fixture
async def recado_in_memory(fake_connector: FakeConnector) -> AsyncIterator[Recado]:
    """A started Recado that sends to ``fake_connector`` and forgets everything afterwards."""
    async with wired(fake_connector) as recado:
        yield recado


@pytest.fixture
def simulation() -> Callable[..., Any]:
    """A function that plays a scene in simulated time: ``simulation(scene, limits=TEAMS)``.

    The scene is an ``async def scene(stage: Stage)``; what it returns is returned. Keyword
    arguments are ``limits`` (Teams' own if left out), ``latency`` and those of
    :class:`SimulatedChannel`.
    """
    return _play


def _play(
    scene: Callable[[Stage], Awaitable[Any]],
    *,
    limits: RateLimits = TEAMS,
    latency: Latency = _LATENCY,
    **more: Any,
) -> Any:
    async def main(clock: HandClock) -> Any:
        channel = SimulatedChannel(clock, limits=limits, latency=latency, **more)
        async with wired(channel) as recado:
            return await scene(Stage(clock, channel, recado))

    return simulate(main)
