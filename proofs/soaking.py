"""The process a soak kills: a Recado that delivers, on a clock that runs fast.

Run as ``python -m proofs.soaking <database> <speed> <epoch>``. Retries wait for half a minute here
and for minutes there, so that its clock runs *speed* times as fast as the machine's, from *epoch*
on. Requests are given up after a real second. Everything else is as ``recado serve`` has it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import uvloop

from recado.app import Recado
from recado.channel.connector import ConnectorChannel, ConnectorSettings
from recado.channel.hosts import HostRules
from recado.channel.tokens import NoTokens
from recado.clock import SystemClock
from recado.config import Settings

#: Real seconds after which a request is given up.
TIME_OUT: Final = 1.0


class QuickClock(SystemClock):
    """A clock that runs faster than the machine's, and alike in every process.

    Args:
        speed: how many times as fast.
        epoch: the second, since 1970, at which both stood at the same time.
    """

    def __init__(self, speed: float, epoch: float) -> None:
        self._speed = speed
        self._epoch = epoch

    def now(self) -> datetime:
        passed = timedelta(seconds=(time.time() - self._epoch) * self._speed)
        return datetime.fromtimestamp(self._epoch, UTC) + passed

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        return await super().wait(event, None if seconds is None else seconds / self._speed)


def quick(database: Path, speed: float, epoch: float) -> Recado:
    """A Recado on such a clock, that nothing limits but what goes wrong."""
    clock = QuickClock(speed, epoch)
    settings = Settings(
        database_url=f"sqlite:///{database}",
        pace={"msteams": None},
        not_found_over_hours=0.05,
        credential_pause_seconds=5,
        lease_seconds=30 * speed,  # of its clock: half a minute of the machine's
    )
    channel = ConnectorChannel(
        ConnectorSettings(connections=settings.connections, total_timeout=TIME_OUT),
        HostRules(allow_loopback=True),
        NoTokens(),
        clock,
    )
    return Recado(settings, clock=clock, channel=channel)


async def _serve(recado: Recado) -> None:
    async with recado:
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(quick(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))))
