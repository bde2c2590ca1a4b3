"""Processes of the kill matrix for long answers, started quickly.

Run as ``python -m proofs.answering`` (see :mod:`proofs.forking`): a line says what a :class:`Told`
has. Each process is a Recado with a bot; it is handed activities, as by a channel that has had no
answer to them, and the bot promises a long answer to each. A process ends with SIGKILL, or falls
asleep with SIGSTOP, at its point.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from microsoft_agents.hosting.core import Agent, TurnContext

from proofs.forking import serve
from proofs.points import Plan, Points, marked
from recado.app import Recado
from recado.bot.answering import Answering
from recado.bot.hosting import HostedBot
from recado.channel.connector import ConnectorChannel, ConnectorSettings
from recado.channel.hosts import HostRules
from recado.channel.tokens import NoTokens
from recado.clock import SystemClock
from recado.config import Settings, sdk_configuration
from recado.errors import StoreError

#: What the bot says: at once, of its work, and if it comes to nothing.
ACK: Final = "On it."
PARTS: Final = ("one", "two")
FALLBACK: Final = "Nothing."


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a process is told.

    Attributes:
        name: how it is called.
        url: of the database.
        plan: where it meets its fate.
        lease: seconds.
        activities: what it is handed.
        resumable: whether the work is registered.
        pause: seconds that the work takes between two things it says.
        deadline: seconds.
    """

    name: str
    url: str
    plan: Plan
    lease: float
    activities: tuple[dict[str, Any], ...]
    resumable: bool = True
    pause: float = 0.05
    deadline: float = 600


class _Bot(Agent):
    """Promises a long answer to whatever it hears."""

    def __init__(self, recado: Recado, told: Told) -> None:
        self._recado = recado
        self._told = told
        if told.resumable:
            recado.work("parts")(self.work)

    async def on_turn(self, context: TurnContext) -> None:
        await self._recado.later(
            context,
            "parts" if self._told.resumable else self.work,
            context.activity.text,
            ack=ACK,
            fallback=FALLBACK,
            deadline=timedelta(seconds=self._told.deadline),
            resumable=self._told.resumable,
        )

    async def work(self, answer: Answering, payload: Any) -> None:
        """Say how far it is, then the parts."""
        await answer.progress(0.5)
        for part in PARTS:
            await asyncio.sleep(self._told.pause)
            await answer.send(f"{payload} {part}")


def build(told: Told) -> tuple[Recado, HostedBot]:
    """A Recado whose points are watched, and its bot."""
    settings = Settings(database_url=told.url, pace={"msteams": None}, works_grace_seconds=0)
    # Shorter than anybody may set it, so that nobody has to wait for it here.
    settings = settings.model_copy(update={"lease_seconds": told.lease})
    channel = ConnectorChannel(
        ConnectorSettings(connections=8, proxy_from_environment=False),
        HostRules(allow_loopback=True),
        NoTokens(),
        SystemClock(),
    )
    recado = Recado(settings, store=marked(settings.database, Points(told.plan)), channel=channel)
    bot = _Bot(recado, told)
    return recado, HostedBot(recado.bridge, bot, sdk_configuration(settings.credentials))


async def live(told: Told) -> None:
    """Hear what there is to hear, and run works, until told to stop."""
    recado, host = build(told)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    while True:
        try:
            await recado.start()
            break
        except StoreError:
            await asyncio.sleep(0.1)  # another one holds the database just now
    for activity in told.activities:
        await host.receive(activity)
    await stopping.wait()
    await recado.stop()


def read(line: str) -> Told:
    """What a line says."""
    told = json.loads(line)
    return Told(**told | {"plan": Plan(**told["plan"]), "activities": tuple(told["activities"])})


if __name__ == "__main__":
    serve(Path(sys.argv[1]), read, live)
