"""Network faults: what the channel's client does with answers that never end.

Run as ``python -m proofs.network``. A process of its own sends many at once to a server of
:mod:`proofs.hostile`, in each of its ways. Every request has to end in time, as one that may have
arrived or, if the head of the answer says so, as what that says; and the sender's memory must not
grow with what it is sent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from proofs.hostile import ANSWERS, Hostile
from proofs.processes import ROOT
from proofs.report import Claim, Report, load
from recado.channel.connector import ConnectorChannel, ConnectorSettings
from recado.channel.hosts import HostRules
from recado.channel.port import Post
from recado.channel.tokens import NoTokens
from recado.clock import SystemClock

#: Seconds a request may take, and how much longer it may take to notice that on a busy machine.
TIME_OUT: Final = 4.0
_GRACE: Final = 3.0
#: MiB that the sender may grow by: a client and its threads, and 64 answers whose first 128 drops
#: have 8 KiB each.
GROWTH: Final = 96
#: Answers whose head is whole and good, so that the message has arrived.
_TAKEN: Final = frozenset({"endless body", "endless chunks", "huge length"})
_REFUSED: Final = frozenset({"endless refusal"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one way to answer."""

    name: str
    #: How requests ended: by failure, or by status.
    ended: dict[str, int]
    seconds: float
    #: MiB of the sender: at the beginning, and the most it ever had.
    before: float
    most: float

    @property
    def holds(self) -> bool:
        """Whether it went as it should."""
        wanted = "ambiguous"
        if self.name in _TAKEN:
            wanted = "201"
        elif self.name in _REFUSED:
            wanted = "503"
        return (
            # A body that does not end in time is one that nobody could read to its end.
            set(self.ended) <= {wanted, "ambiguous"}
            and self.seconds <= TIME_OUT + _GRACE
            and self.most - self.before <= GROWTH
        )

    @property
    def figures(self) -> str:
        """In short."""
        ended = ", ".join(f"{many} {how}" for how, many in self.ended.items())
        return f"{ended} in {self.seconds:.1f} s, {self.before:.0f} to {self.most:.0f} MiB"


async def play(name: str, many: int) -> Outcome:
    """Have one process send *many* at once, which are answered in this way."""
    server = Hostile()
    await server.start()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "proofs.network", "--send", f"{server.url}/{name.replace(' ', '_')}"),
            *("--many", str(many)),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        told, _ = await process.communicate()
    finally:
        await server.stop()
    return Outcome(name, **json.loads(told))


async def _send(url: str, many: int) -> dict[str, Any]:
    settings = ConnectorSettings(
        connections=many, total_timeout=TIME_OUT, proxy_from_environment=False
    )
    channel = ConnectorChannel(settings, HostRules(allow_loopback=True), NoTokens(), SystemClock())
    post = Post(
        bot="local", channel="msteams", service_url=url, conversation_id="a", body=b'{"text":"x"}'
    )
    before, begun = _memory(), time.monotonic()
    answers = await asyncio.gather(*(channel.send(post) for _ in range(many)))
    seconds = time.monotonic() - begun
    await channel.close()
    ended = Counter(str(each.failure or each.status) for each in answers)
    return {"ended": ended, "seconds": seconds, "before": before, "most": _memory()}


def _memory() -> float:
    """The most MiB this process has had so far; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


async def _play_all(many: int) -> list[Outcome]:
    return [await play(name, many) for name in ANSWERS]


def main() -> int:
    """Play all of it, and say by the exit code whether it went as it should."""
    parser = argparse.ArgumentParser(prog="python -m proofs.network", description=__doc__)
    parser.add_argument("--many", type=int, default=64, help="requests at once")
    parser.add_argument("--send", help=argparse.SUPPRESS)
    told: Any = parser.parse_args()
    if told.send:
        print(json.dumps(asyncio.run(_send(told.send, told.many))))
        return 0
    report = Report()
    report.say(f"Network faults ({load()})")
    outcomes = asyncio.run(_play_all(told.many))
    report.table(
        f"{told.many} requests at once, given up after {TIME_OUT:.0f} s",
        ("", "ended", "after", "MiB before", "MiB at most"),
        [
            (
                each.name,
                ", ".join(f"{number} {how}" for how, number in each.ended.items()),
                f"{each.seconds:.1f} s",
                f"{each.before:.0f}",
                f"{each.most:.0f}",
            )
            for each in outcomes
        ],
    )
    report.claims(Claim(each.name, each.holds, each.figures) for each in outcomes)
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
