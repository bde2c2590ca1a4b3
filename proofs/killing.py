"""The processes of the kill matrix, started quickly.

Run as ``python -m proofs.killing``. To start Python and read everything takes a second, so this
reads it once and then forks for each process that is asked for: a line of JSON on standard input
(see :class:`Told`) starts one. Lines on standard output say what has become of them:
``["started", name, pid]``, ``["stopped", name]``, ``["ended", name, code]``.

Each process is a Recado that delivers, as ``recado serve`` has it, and accepts something now and
then; what has been acknowledged to it stands in its log. SIGTERM has it stop in order.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import select
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import uvloop
from microsoft_agents.hosting.core import Agent, TurnContext

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


def _become(told: Told, errors: Path) -> None:
    """In the forked process: be one of those that are killed."""
    log = os.open(errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number, where in ((0, nothing), (1, nothing), (2, log)):
        os.dup2(where, number)
    code = 1
    try:
        uvloop.run(live(told))
        code = 0
    except BaseException:  # noqa: BLE001 - there is nothing above us
        traceback.print_exc()
    finally:
        os._exit(code)


def _tell(*told: object) -> None:
    print(json.dumps(told), flush=True)


def main(errors: Path) -> None:
    """Start what is asked for until standard input ends, then end it all."""
    names: dict[int, str] = {}
    buffered = b""
    while True:
        ready, _, _ = select.select([0], [], [], 0.01)
        if ready:
            read_now = os.read(0, 65536)
            if not read_now:
                break
            *lines, buffered = (buffered + read_now).split(b"\n")
            for line in lines:
                told = read(line.decode())
                pid = os.fork()
                if pid == 0:
                    _become(told, errors)
                names[pid] = told.name
                _tell("started", told.name, pid)
        while names:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            if pid == 0:
                break
            if os.WIFSTOPPED(status):
                _tell("stopped", names[pid])
            else:
                _tell("ended", names.pop(pid), os.waitstatus_to_exitcode(status))
    for pid in names:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
