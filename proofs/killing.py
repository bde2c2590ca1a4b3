"""The processes of the kill matrix, started quickly.

Run as ``python -m proofs.killing`` (see :mod:`proofs.forking`): a line says what a :class:`Told`
has.

Each process is a Recado that delivers, as ``recado serve`` has it, and accepts something now and
then; what has been acknowledged to it stands in its log. SIGTERM has it stop in order.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from microsoft_agents.hosting.core import Agent, TurnContext

from proofs.forking import serve
from proofs.points import STOPPING, MarkedChannel, Plan, Points, marked
from recado.app import Recado
from recado.bot.hosting import HostedBot
from recado.channel.connector import ConnectorChannel, ConnectorSettings
from recado.channel.hosts import HostRules
from recado.channel.tokens import NoTokens
from recado.clock import SystemClock
from recado.config import Settings, sdk_configuration
from recado.errors import RecadoError, StoreError

#: Requests under way at once, and outcomes settled in one commit: what a kill may repeat.
CONNECTIONS: Final = 8
SETTLE_BATCH: Final = 8
#: What is sent by one turn.
SENDS: Final = 2
#: What is accepted, and how often.
KINDS: Final = {
    "plain": 50,
    "park": 15,
    "urgent": 6,
    "turn": 6,
    "turn-retry": 6,
    "later": 8,
    "all": 2,
    "update": 5,
    "recall": 2,
}
CHANGES: Final = frozenset({"update", "recall"})
#: A lane takes so much, so that claims have to be handed back now and then.
_PACE: Final = {"send": "12/1s", "tenant": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a process is told.

    Attributes:
        name: how the channel knows it.
        url: of the database.
        plan: where it meets its fate.
        lease: seconds.
        lanes: ids of the conversations it speaks in.
        every: seconds between two things it accepts; 0 to accept nothing.
        seed: of what it accepts.
        log: where it writes down what was acknowledged.
    """

    name: str
    url: str
    plan: Plan
    lease: float
    lanes: tuple[str, ...]
    every: float
    seed: int
    log: str


class _Bot(Agent):
    """Nobody talks to it."""

    async def on_turn(self, context: TurnContext) -> None:
        pass


def build(told: Told, points: Points) -> Recado:
    """A Recado whose points are watched."""
    settings = Settings(
        database_url=told.url,
        connections=CONNECTIONS,
        settle_batch=SETTLE_BATCH,
        pace={"msteams": _PACE},
    )
    # Shorter than anybody may set it, so that nobody has to wait for it here.
    settings = settings.model_copy(update={"lease_seconds": told.lease})
    channel = ConnectorChannel(
        ConnectorSettings(connections=CONNECTIONS, proxy_from_environment=False),
        HostRules(allow_loopback=True),
        NoTokens(),
        SystemClock(),
    )
    recado = Recado(
        settings,
        store=marked(settings.database, points),
        channel=MarkedChannel(channel, points, told.name),
    )
    HostedBot(recado.bridge, _Bot(), sdk_configuration(settings.credentials))

    @recado.handler("report")
    async def report(context: TurnContext, value: Any) -> None:
        for number in range(SENDS):
            await context.send_activity(f"{value}#{number}")

    return recado


class _Acceptor:
    """Accepts something now and then, and writes down what was acknowledged."""

    def __init__(self, recado: Recado, told: Told) -> None:
        self._recado = recado
        self._told = told
        self._rng = random.Random(told.seed)
        self._log = os.open(told.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._number = 0
        #: Notifications that can be changed.
        self._lately: list[str] = []

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await asyncio.sleep(self._rng.random() * 2 * self._told.every)
            # What could not be stored was not acknowledged.
            with suppress(RecadoError):
                await self._accept()

    async def _accept(self) -> None:
        self._number += 1
        kind = self._rng.choices(list(KINDS), list(KINDS.values()))[0]
        text = f"{self._told.name}.{self._number:05d}.{kind}"
        if kind in CHANGES and not self._lately:
            return
        if kind == "update":
            made = await self._recado.outbox.update(self._rng.choice(self._lately[-10:]), text)
        elif kind == "recall":
            made = await self._recado.outbox.recall(self._rng.choice(self._lately[-10:]))
        else:
            made = await self._say(kind, text)
        self._write(made.id)

    async def _say(self, kind: str, text: str) -> Any:
        to = "all" if kind == "all" else f"conversation:{self._rng.choice(self._told.lanes)}"
        options: dict[str, Any] = {"idempotency_key": text}
        if kind.startswith("turn"):
            options |= {"handler": "report", "value": text}
            if kind == "turn-retry":
                options["on_unknown"] = "retry"
            return await self._recado.notify(to, **options)
        match kind:
            case "park":
                options["on_unknown"] = "park"
            case "urgent":
                options["priority"] = "urgent"
            case "later":
                options["when"] = timedelta(seconds=self._rng.random() / 2)
        if kind == "plain" and self._rng.random() < 0.5:
            del options["idempotency_key"]  # the usual kind, which is accepted with others
        made = await self._recado.notify(to, text, **options)
        if kind in {"plain", "later", "all"}:
            self._lately.append(made.id)
        return made

    def _write(self, notification_id: str) -> None:
        os.write(self._log, f"{notification_id}\n".encode())


async def live(told: Told) -> None:
    """Deliver, and accept, until told to stop."""
    points = Points(told.plan)
    recado = build(told, points)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    while True:
        try:
            await recado.start()
            break
        except StoreError:
            await asyncio.sleep(0.1)  # another one holds the database just now
    accepting = None
    if told.every:
        accepting = asyncio.create_task(_Acceptor(recado, told).run())
    await stopping.wait()
    points.reach(STOPPING)
    if accepting is not None:
        accepting.cancel()
    await recado.stop()


def read(line: str) -> Told:
    """What a line says."""
    told = json.loads(line)
    return Told(**told | {"plan": Plan(**told["plan"]), "lanes": tuple(told["lanes"])})


if __name__ == "__main__":
    serve(Path(sys.argv[1]), read, live)
