"""One run of one sender, in a process of its own, so that its CPU time is all of the process's.

Run as ``python -m benchmarks.sender <peer> <load as JSON>``; it writes what it measured to
standard output, as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar

import uvloop

from benchmarks import postgres
from benchmarks.load import Load


class Sender:
    """A way to say one text in each of many conversations.

    Only :meth:`say_to_all` (or, when times are measured, :meth:`say`) and :meth:`settled` are on
    the clock. A sender is used once, in this order: ``open``; ``learn``, ``say_to_all`` and
    ``settled`` for the warm-up and again for the measurement; ``close``; ``recorded``.
    """

    #: As the table calls it.
    title: ClassVar[str]
    #: Distributions whose versions the results name.
    packages: ClassVar[tuple[str, ...]]
    #: Whether a power cut after acceptance loses nothing.
    durable: ClassVar[bool] = False
    #: Calls of :meth:`say` under way at once.
    callers: ClassVar[int] = 64
    #: How much less of the load tells enough of a slow sender; under 1, a fast one gets more.
    divisor: ClassVar[float] = 1

    def __init__(self, load: Load) -> None:
        self.load = load

    async def open(self) -> None:
        """Make ready to send."""

    async def learn(self, numbers: range) -> None:
        """Come to know conversations that will be spoken to."""

    async def say(self, number: int) -> None:
        """Say the text in one conversation.

        It returns when the channel has taken it, or once it is committed that it will be said.
        """
        raise NotImplementedError

    async def say_to_all(self, numbers: range) -> None:
        """Say the text in every one of *numbers*, with as many callers as the sender has."""
        queue = iter(numbers)
        async with asyncio.TaskGroup() as callers:
            for _ in range(self.callers):
                callers.create_task(self._say_from(queue))

    async def _say_from(self, queue: Iterator[int]) -> None:
        for number in queue:
            await self.say(number)

    async def settled(self) -> None:
        """Wait until all that was said has arrived, and whatever is to be written down is."""

    async def close(self) -> None:
        """Put everything away."""

    def elsewhere(self) -> float:
        """Seconds of CPU of other processes that send with this one, so far."""
        return 0

    async def recorded(self) -> int | None:
        """How many its own records say were delivered; None when it keeps none."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of one sender measured.

    Attributes:
        title: as the table calls the sender.
        durable: whether a power cut after acceptance loses nothing.
        versions: of the packages it stands on.
        posts: how many requests it should have made in all.
        spoken_to: in how many conversations.
        recorded: what its own records say was delivered; None when it keeps none.
        count: how many messages were measured.
        wall: seconds they took.
        cpu: seconds of CPU they took, all threads of the process and its children together.
        server_cpu: seconds of CPU its database server took besides; 0 when it has none.
        peak: the most memory the process had, in bytes.
        called: when each was called for, in order, on the machine's monotonic clock; empty
            unless times were measured.
        first: the number of the first conversation in *called*.
    """

    title: str
    durable: bool
    versions: dict[str, str]
    posts: int
    spoken_to: int
    recorded: int | None
    count: int
    wall: float
    cpu: float
    server_cpu: float
    peak: int
    called: list[int]
    first: int


async def measure(sender: Sender) -> Run:
    """Warm up, then send what is measured."""
    load = sender.load
    warm_up = range(load.warm_up)
    if load.rate:
        # Each conversation is a new one, because the channel remembers the first arrival.
        numbers = range(load.warm_up, load.warm_up + load.count)
    else:
        # The warm-up's are spoken to again, because a broadcast reaches them too.
        numbers = range(max(load.warm_up, round(load.count / sender.divisor)))
    await sender.open()
    try:
        await sender.learn(warm_up)
        await sender.say_to_all(warm_up)
        await sender.settled()
        await sender.learn(range(warm_up.stop, numbers.stop))
        called: list[int] = []
        wall, server = time.perf_counter(), postgres.cpu(load.postgres_pid)
        cpu = cpu_seconds() + sender.elsewhere()
        if load.rate:
            called = await _say_steadily(sender, numbers)
        else:
            await sender.say_to_all(numbers)
        await sender.settled()
        cpu, wall = cpu_seconds() + sender.elsewhere() - cpu, time.perf_counter() - wall
        server = postgres.cpu(load.postgres_pid) - server
        peak = peak_bytes()
    finally:
        await sender.close()
    return Run(
        title=sender.title,
        durable=sender.durable,
        versions={name: _version(name) for name in sender.packages},
        posts=len(warm_up) + len(numbers),
        spoken_to=numbers.stop,
        recorded=await sender.recorded(),
        count=len(numbers),
        wall=wall,
        cpu=cpu,
        server_cpu=server,
        peak=peak,
        called=called,
        first=numbers.start,
    )


async def _say_steadily(sender: Sender, numbers: range) -> list[int]:
    """Say it at the load's rate, whatever becomes of the ones before; when each was called for."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    called: list[int] = []
    async with asyncio.TaskGroup() as calls:
        for place, number in enumerate(numbers):
            await asyncio.sleep(start + place / sender.load.rate - loop.time())
            called.append(time.monotonic_ns())
            calls.create_task(sender.say(number))
    return called


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # Recado run from its source
        return "not installed"


def cpu_seconds() -> float:
    """Seconds of CPU of this process, all its threads, and its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def peak_bytes() -> int:
    """The most memory this process had.

    ``ru_maxrss`` counts the parent's from before ``exec`` too, so the kernel's own word for this
    program is taken where there is one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    """Do what the command line says."""
    name, told = sys.argv[1:]
    load = Load(**json.loads(told))
    try:
        module = importlib.import_module(f"benchmarks.peers.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith(("recado", "benchmarks")):
            raise
        print(json.dumps({"missing": error.name}))
        return
    run = uvloop.run(measure(module.Peer(load)))
    print(json.dumps(asdict(run)))


if __name__ == "__main__":
    main()
