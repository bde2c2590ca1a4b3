"""Processes that are to be killed, started quickly.

To start Python and read everything takes a second, so a module is read once and then forks for
each process that is asked for: a line of JSON on standard input starts one. Lines on standard
output say what has become of them: ``["started", name, pid]``, ``["stopped", name]``,
``["ended", name, code]``.
"""

from __future__ import annotations

import json
import os
import select
import signal
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol, TypeVar

import uvloop


class Named(Protocol):
    """What a process is told."""

    @property
    def name(self) -> str:
        """How it is called."""


N = TypeVar("N", bound=Named)


def serve(
    errors: Path, read: Callable[[str], N], live: Callable[[N], Coroutine[Any, Any, None]]
) -> None:
    """Start what is asked for until standard input ends, then end it all.

    Args:
        errors: where the processes write what goes wrong.
        read: what a line says.
        live: what a process is.
    """
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
                    _become(live(told), errors)
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


def _become(life: Coroutine[Any, Any, None], errors: Path) -> None:
    """In the forked process: be one of those that are killed."""
    log = os.open(errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number, where in ((0, nothing), (1, nothing), (2, log)):
        os.dup2(where, number)
    code = 1
    try:
        uvloop.run(life)
        code = 0
    except BaseException:  # noqa: BLE001 - the forked child must not return into its parent's code
        traceback.print_exc()
    finally:
        os._exit(code)


def _tell(*told: object) -> None:
    print(json.dumps(told), flush=True)
