"""Starts the loopback channel and the senders, each in a process of its own."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from benchmarks import peers, postgres
from benchmarks.load import Load, conversation_id
from benchmarks.sender import Run

_ROOT: Final = Path(__file__).parents[1]
#: No run takes longer, in seconds; one that does is ended.
_LIMIT: Final = 120


class RunError(Exception):
    """A sender did not do what it was asked to."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A sender that could not be run, and why; mostly a module that is not installed."""

    why: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the channel took: how many requests, and when each conversation's first came."""

    requests: int
    first: dict[str, int]


class Channel:
    """The loopback channel's process, seen from outside.

    Args:
        port: where it listens.
        ca: a file with the authority its certificate is from, if it speaks TLS.
    """

    def __init__(self, port: int, ca: str = "") -> None:
        self._port = port
        self.ca = ca
        self.service_url = f"http{'s' if ca else ''}://127.0.0.1:{port}"

    def arrived(self) -> Arrived:
        """What has arrived since this was asked last."""
        connection = self._connection()
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

    def _connection(self) -> http.client.HTTPConnection:
        if not self.ca:
            return http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        tls = ssl.create_default_context(cafile=self.ca)
        return http.client.HTTPSConnection("127.0.0.1", self._port, timeout=30, context=tls)


@contextmanager
def channel(delay: float = 0, tls: Path | None = None) -> Iterator[Channel]:
    """A loopback channel for as long as the block runs.

    Args:
        delay: seconds after which it answers.
        tls: it speaks TLS, and its certificate and the authority's are kept in this directory.
    """
    command, ca = [sys.executable, "-m", "benchmarks.channel", str(delay)], ""
    if tls is not None:
        certificate, ca = _certificate(tls)
        command.append(certificate)
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Channel(int(process.stdout.readline()), ca)
        finally:
            process.stdin.close()  # it ends with its standard input
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()


def _certificate(directory: Path) -> tuple[str, str]:
    """A certificate for this machine with its key, and the authority that vouches for it."""
    import trustme  # noqa: PLC0415 - a run without TLS does not need it

    authority = trustme.CA()
    certificate, ca = directory / "channel.pem", directory / "authority.pem"
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
        str(certificate)
    )
    authority.cert_pem.write_to_path(str(ca))
    return str(certificate), str(ca)


class Databases:
    """A PostgreSQL server, started when the first sender needs it."""

    def __init__(self, stack: ExitStack, directory: Path) -> None:
        self._stack = stack
        self._directory = directory
        self._server: postgres.Server | Missing | None = None

    def server(self) -> postgres.Server | Missing:
        """The server, or what there is none for the lack of."""
        if self._server is None:
            try:
                self._server = self._stack.enter_context(postgres.server(self._directory))
            except postgres.NoServerError as error:
                self._server = Missing(str(error))
        return self._server


@contextmanager
def databases(directory: Path) -> Iterator[Databases]:
    """Databases for as long as the block runs, kept in *directory*."""
    with ExitStack() as stack:
        yield Databases(stack, directory)


def run(
    peer: str, channel: Channel, load: Load, databases: Databases
) -> tuple[Run | Missing, Arrived]:
    """Let a sender send, and hold what it says against what the channel took.

    Args:
        peer: the sender's name.
        channel: where it sends to.
        load: how much; the run gets a directory of its own in the load's, removed afterwards.
        databases: where a sender that needs a database server finds one.

    Raises:
        RunError: it failed, or something it should have delivered did not arrive.
    """
    if peer in peers.POSTGRES:
        found = databases.server()
        if isinstance(found, Missing):
            return found, Arrived(0, {})
        load = replace(load, postgres=found.url, postgres_pid=found.pid)
    with tempfile.TemporaryDirectory(dir=load.directory) as own:
        load = replace(load, service_url=channel.service_url, ca=channel.ca, directory=own)
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
        return Missing(f"{told['missing']} is not installed"), arrived
    measured = Run(**told)
    check(peer, measured, arrived)
    return measured, arrived


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
