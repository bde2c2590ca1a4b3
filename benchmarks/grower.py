"""One run of Recado on a database that has grown, in a process of its own.

Run as ``python -m benchmarks.grower <task> <task as JSON>``; it writes what it measured to
standard output, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.load import TEXT, Load, conversation_id
from benchmarks.peers import recado_notify
from benchmarks.peers._recado import RecadoSender
from benchmarks.sender import cpu_seconds, peak_bytes
from recado.store.sqlite.database import Database
from recado.telemetry import AttemptEnded, Event

#: An urgent message is sent every so many seconds.
_URGENT_EVERY: Final = 0.05
#: No step of an expansion is to hold the writer longer, in seconds (promise 1).
_STEP_LIMIT: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be run.

    Attributes:
        load: where the channel listens, and where the database is.
        references: how many conversations the database knows.
        count: how many single messages are sent, or how often everyone is spoken to.
        urgent: how many urgent messages are sent at most while a broadcast is being expanded.
        fresh: the number of the first conversation that nobody has spoken of.
        kill: ``expansion`` or ``delivery``: where in a broadcast the process kills itself.
    """

    load: Load
    references: int
    count: int = 1
    urgent: int = 0
    fresh: int = 0
    kill: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What was measured.

    Attributes:
        deliveries: how many were settled.
        warmed: how many before anything was measured, all of them to conversation 0.
        cpu: seconds of CPU they took, from before acceptance to the last settlement.
        wall: seconds they took.
        accepting: seconds the broadcast's call took.
        called: when it was called, on the machine's monotonic clock, in nanoseconds.
        expanding: seconds from acceptance until everyone had a delivery.
        expansion_commits: how long the writer's transactions took until then.
        commits: the same until everything was settled.
        growth: bytes of memory the process grew by, at the most.
        notification: the broadcast's id.
        urgent: when each urgent message was called for, in nanoseconds.
    """

    deliveries: int
    cpu: float
    wall: float
    warmed: int = 0
    accepting: float = 0
    called: int = 0
    expanding: float = 0
    expansion_commits: dict[str, float] = field(default_factory=dict)
    commits: dict[str, float] = field(default_factory=dict)
    growth: int = 0
    notification: str = ""
    urgent: tuple[int, ...] = ()


class Commits:
    """How long the writer's transactions take."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def watch(self) -> None:
        """Time every transaction from here on, of databases that are opened from here on.

        The store tells nobody how long it holds the writer, so its inside is reached into.
        """
        commit: Callable[..., None] = Database._commit  # noqa: SLF001 - as said above

        def timed(database: Database, connection: Any, orders: Any) -> None:
            start = time.perf_counter()
            commit(database, connection, orders)
            self.seconds.append(time.perf_counter() - start)

        setattr(Database, "_commit", timed)  # noqa: B010 - it is not meant to be assigned to

    def told(self) -> dict[str, float]:
        """How many there were, and how long they took."""
        ascending = sorted(self.seconds)
        return {
            "count": len(ascending),
            "p50": ascending[len(ascending) // 2],
            "p99": ascending[len(ascending) * 99 // 100],
            "longest": ascending[-1],
            "over 50 ms": sum(each > _STEP_LIMIT for each in ascending),
        }


class Expansion:
    """How far the expansion of a broadcast is."""

    def __init__(self, expand: Callable[..., Awaitable[int]], kill_after: int | None) -> None:
        self._expand = expand
        self._kill_after = kill_after
        self._made = 0
        self.over = asyncio.Event()

    async def __call__(self, *arguments: Any, **named: Any) -> int:
        made = await self._expand(*arguments, **named)
        self._made += made
        if self._kill_after is not None and self._made >= self._kill_after:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._made and not made:
            self.over.set()
        return made


async def probe(task: Task) -> Grown:
    """Single messages to conversations spread over all that are known."""
    sender = recado_notify.Peer(task.load)
    await sender.open()
    apart = max(1, task.references // 1000)
    numbers = range(0, task.references, apart)
    await sender.say_to_all(numbers[:200])
    await sender.settled()
    cpu, wall = cpu_seconds(), time.perf_counter()
    for _ in range(task.count):
        await sender.say_to_all(numbers)
        await sender.settled()
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    await sender.close()
    return Grown(deliveries=len(numbers) * task.count, cpu=cpu, wall=wall)


async def broadcast(task: Task) -> Grown:
    """One or several broadcasts to everyone."""
    commits = Commits()
    commits.watch()
    sender = RecadoSender(task.load)
    expansion = _watched(sender, task.references // 2 if task.kill == "expansion" else None)
    if task.kill == "delivery":
        sender.recado.telemetry.subscribe(_kill_after(task.references // 2))
    await sender.open()
    warmed = 0 if task.kill else await _warm_up(sender)
    before = _resident()
    commits.seconds.clear()
    called, cpu, wall = time.monotonic_ns(), cpu_seconds(), time.perf_counter()
    sender.expect(task.references)
    accepted = await sender.recado.notify("all", TEXT)
    accepting = time.perf_counter() - wall
    urgent = await _urgently(sender, task, expansion)
    await expansion.over.wait()
    expanding, expansion_commits = time.perf_counter() - wall, commits.told()
    await sender.settled()
    for _ in range(task.count - 1):
        sender.expect(task.references)
        await sender.recado.notify("all", TEXT)
        await sender.settled()
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    growth = peak_bytes() - before
    await sender.close()
    return Grown(
        deliveries=task.references * task.count + len(urgent),
        warmed=warmed,
        cpu=cpu,
        wall=wall,
        accepting=accepting,
        called=called,
        expanding=expanding,
        expansion_commits=expansion_commits,
        commits=commits.told(),
        growth=growth,
        notification=accepted.id,
        urgent=tuple(urgent),
    )


async def resume(task: Task) -> Grown:
    """Start where another process was killed, and finish what it had begun."""
    sender = RecadoSender(task.load)
    expansion = _watched(sender, None)
    cpu, wall = cpu_seconds(), time.perf_counter()
    await sender.open()
    if task.kill == "expansion":
        await expansion.over.wait()
    while (await sender.recado.store.backlog()).waiting:  # noqa: ASYNC110 - it was not told how many
        await asyncio.sleep(0.1)
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    await sender.close()
    return Grown(deliveries=sender.delivered, cpu=cpu, wall=wall)


async def idle(task: Task) -> Grown:
    """Urgent messages while nothing else is to be done."""
    sender = RecadoSender(task.load)
    await sender.open()
    await sender.learn(range(task.fresh, task.fresh + task.urgent))
    await _warm_up(sender)
    urgent = [await _urgent(sender, task.fresh + place) for place in range(task.urgent)]
    await sender.settled()
    await sender.close()
    return Grown(deliveries=len(urgent), cpu=0, wall=0, urgent=tuple(urgent))


async def _warm_up(sender: RecadoSender) -> int:
    """Send something, as any process has that has run for a while; how many messages."""
    sender.expect(1)
    await sender.recado.notify(f"conversation:{conversation_id(0)}", TEXT)
    await sender.settled()
    return 1


def _watched(sender: RecadoSender, kill_after: int | None) -> Expansion:
    """Learn of every step the expansion makes; kill the process after so many deliveries."""
    store = sender.recado.store
    expansion = Expansion(store.expand, kill_after)
    store.expand = expansion  # type: ignore[method-assign]  # the one seam that sees each step
    return expansion


async def _urgently(sender: RecadoSender, task: Task, expansion: Expansion) -> list[int]:
    """Urgent messages to conversations the broadcast does not reach, until it is expanded."""
    called: list[int] = []
    if task.urgent:
        # Known only from now on, so that they are not in the audience.
        await sender.learn(range(task.fresh, task.fresh + task.urgent))
        while len(called) < task.urgent and not expansion.over.is_set():
            called.append(await _urgent(sender, task.fresh + len(called)))
    return called


async def _urgent(sender: RecadoSender, number: int) -> int:
    called = time.monotonic_ns()
    sender.expect(1)
    whom = f"conversation:{conversation_id(number)}"
    await sender.recado.notify(whom, TEXT, priority="urgent")
    await asyncio.sleep(_URGENT_EVERY)
    return called


def _kill_after(count: int) -> Callable[[Event], None]:
    ended = 0

    def hear(event: Event) -> None:
        nonlocal ended
        ended += isinstance(event, AttemptEnded)
        if ended >= count:
            os.kill(os.getpid(), signal.SIGKILL)

    return hear


def _resident() -> int:
    """Bytes of memory this process has now, and from here on also its peak."""
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")  # begins VmHWM anew (proc_pid_clear_refs(5))
    return peak_bytes()


_TASKS: Final = {"probe": probe, "broadcast": broadcast, "resume": resume, "idle": idle}


def main() -> None:
    """Do what the command line says."""
    name, told = sys.argv[1:]
    fields = json.loads(told)
    task = Task(**(fields | {"load": Load(**fields["load"])}))
    print(json.dumps(asdict(uvloop.run(_TASKS[name](task)))))


if __name__ == "__main__":
    main()
