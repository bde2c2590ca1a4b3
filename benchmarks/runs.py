"""Starts the loopback channel and the senders, each in a process of its own."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from benchmarks.load import Load, conversation_id
from benchmarks.sender import Run

_ROOT: Final = Path(__file__).parents[1]
#: No run takes longer, in seconds; one that does is ended.
_LIMIT: Final = 120


class RunError(Exception):
    """A sender did not do what it was asked to."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A sender that could not be run because a module it stands on is not installed."""

    module: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the channel took: how many requests, and when each conversation's first came."""

    requests: int
    first: dict[str, int]


class Channel:
    """The loopback channel's process, seen from outside."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.service_url = f"http://127.0.0.1:{port}"

    def arrived(self) -> Arrived:
        """What has arrived since this was asked last."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", "/")
            told = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        first: dict[str, int] = {}
        for target, at in told["first"].items():
            # /v3/conversations/<id>/activities, and some senders put more behind it.
            first.setdefault(unquote(target.split("/")[3]), at)
        return Arrived(told["requests"], first)


@contextmanager
def channel(delay: float = 0) -> Iterator[Channel]:
    """A loopback channel for as long as the block runs; it answers after *delay* seconds."""
    command = [sys.executable, "-m", "benchmarks.channel", str(delay)]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Channel(int(process.stdout.readline()))
        finally:
            process.stdin.close()  # it ends with its standard input
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()


def run(peer: str, channel: Channel, load: Load) -> tuple[Run | Missing, Arrived]:
    """Let a sender send, and hold what it says against what the channel took.

    Args:
        peer: the sender's name.
        channel: where it sends to.
        load: how much; the run gets a directory of its own in the load's, removed afterwards.

    Raises:
        RunError: it failed, or something it should have delivered did not arrive.
    """
    with tempfile.TemporaryDirectory(dir=load.directory) as own:
        load = replace(load, service_url=channel.service_url, directory=own)
        command = [sys.executable, "-m", "benchmarks.sender", peer, json.dumps(asdict(load))]
        try:
            ended = subprocess.run(
                command, cwd=_ROOT, timeout=_LIMIT, check=True, capture_output=True, text=True
            )
        except subprocess.TimeoutExpired as error:
            raise RunError(f"{peer} was not ready after {_LIMIT} s.") from error
        except subprocess.CalledProcessError as error:
            raise RunError(f"{peer} failed:\n{error.stderr}") from error
    arrived = channel.arrived()
    told = json.loads(ended.stdout)
    if "missing" in told:
        return Missing(told["missing"]), arrived
    found = Run(**told)
    check(peer, found, arrived)
    return found, arrived


def check(peer: str, found: Run, arrived: Arrived) -> None:
    """What is counted has arrived, everywhere and once, and is written down if it should be."""
    if arrived.requests != found.posts or len(arrived.first) != found.spoken_to:
        raise RunError(
            f"{peer} should have sent {found.posts} messages to {found.spoken_to} conversations, "
            f"and {arrived.requests} arrived in {len(arrived.first)}."
        )
    if found.durable and found.recorded != found.posts:
        raise RunError(
            f"{peer} sent {found.posts} messages and wrote down {found.recorded} as delivered."
        )


def delays(found: Run, arrived: Arrived) -> list[float]:
    """Seconds from each call to its arrival, sorted."""
    return sorted(
        (arrived.first[conversation_id(found.first + place)] - called) / 1e9
        for place, called in enumerate(found.called)
    )
