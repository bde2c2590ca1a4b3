"""The fake channel as a process of its own, steered by lines of JSON.

Run as ``python -m proofs.channel <settings>``. It writes its service URL to standard output, then
one line for each line it is given: see :class:`Steering`. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, Final

from recado.testing import FOR_EVER, TEAMS, UNLIMITED, FakeConnector, Latency, faults
from recado.testing.faults import Fault
from recado.testing.script import Rule

#: Seconds between two times that what was said is forgotten; its texts are kept.
_FORGET: Final = 1.0

#: What can go wrong in a soak, and how often among what goes wrong.
TROUBLE: Final[tuple[tuple[Fault, float], ...]] = (
    (faults.throttled(1), 2),
    (faults.throttled(), 1),
    (faults.PRECONDITION_FAILED, 8),
    (faults.SERVER_ERROR, 8),
    (faults.UNAVAILABLE, 8),
    (faults.BAD_GATEWAY, 8),
    (faults.GATEWAY_TIMEOUT, 4),
    (faults.accepted_then(faults.BAD_GATEWAY), 8),
    (faults.accepted_then(faults.GATEWAY_TIMEOUT), 4),
    (faults.CUT_UNREAD, 4),
    (faults.CUT_READ, 4),
    (faults.TAKE_AND_CUT, 4),
    (faults.HALF, 4),
    (faults.HANG, 2),
    (faults.TAKE_AND_HANG, 2),
    (faults.slow(0.05), 2),
    (faults.WITHOUT_BODY, 2),
    (faults.CONVERSATION_NOT_FOUND, 2),
    (faults.BARE_FORBIDDEN, 1),
    (faults.BLOCKED, 1),
    (faults.NOT_IN_ROSTER, 1),
    (faults.WRITES_BLOCKED, 1),
    (faults.BAD_SYNTAX, 3),
    (faults.TOO_LARGE, 3),
)


class Steering:
    """What the channel can be told; each method answers with what is told back.

    Args:
        channel: the channel.
    """

    def __init__(self, channel: FakeConnector) -> None:
        self._channel = channel
        self._trouble: list[Rule] = []

    def told(self) -> Any:
        """Counts so far."""
        return self._channel.service.told()

    def counted(self, keys: list[str], tenants: list[str]) -> Any:
        """How many requests were let through, by pace key and by tenant."""
        judge = self._channel.judge
        return [[judge.count(key) for key in keys], [judge.count_in(each) for each in tenants]]

    def rival(self, **how: Any) -> Any:
        """Let a second sender use up budget."""
        self._channel.rival(**how)

    def trouble(self, share: float) -> Any:
        """Let a share of all requests go wrong, each in one of many ways."""
        whole = sum(weight for _, weight in TROUBLE)
        left = 1.0
        for fault, weight in TROUBLE:
            # Each request meets the first that happens, so those behind see fewer of them.
            odds = share * weight / whole
            self._trouble.append(self._channel.fail(fault, probability=odds / left, times=FOR_EVER))
            left -= odds

    def heal(self) -> Any:
        """Let nothing go wrong any more; how often each thing did."""
        self._channel.heal()
        return [
            [rule.fault.name, rule.fault.takes, FOR_EVER - rule.times] for rule in self._trouble
        ]

    def texts(self) -> Any:
        """Everything that was said, by conversation, in the order it was taken."""
        return self._channel.texts


async def _forget(channel: FakeConnector) -> None:
    while True:
        await asyncio.sleep(_FORGET)
        for room in channel.world.rooms.values():
            room.said.clear()


async def serve(told: dict[str, Any]) -> None:
    """Listen until standard input ends."""
    mean, spread = told.get("latency", (0.0, 0.0))
    channel = FakeConnector(
        limits=TEAMS if told.get("enforce") else UNLIMITED,
        latency=Latency(mean, spread),
        seed=told.get("seed", 0),
        keep=False,
    )
    reader = asyncio.StreamReader(limit=2**20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with channel:
        forgetting = asyncio.create_task(_forget(channel))
        print(channel.url, flush=True)
        steering = Steering(channel)
        while line := await reader.readline():
            name, more = json.loads(line)
            print(json.dumps(getattr(steering, name)(**more)), flush=True)
        forgetting.cancel()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
