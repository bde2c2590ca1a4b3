"""``recado`` as a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Generous, because the machine may be busy; a test that waits this long fails.
PATIENCE = 30.0


class Process:
    """One start of ``recado``."""

    def __init__(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "recado", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUTF8": "1"},
            text=True,
            encoding="utf-8",
        )

    def lines_until(self, last: str) -> list[str]:
        """What it prints, up to and with the line *last*."""
        assert self._process.stdout is not None
        lines: list[str] = []
        for line in self._process.stdout:
            lines.append(line.rstrip("\n"))
            if lines[-1] == last:
                return lines
        raise AssertionError(f"recado ended: {lines} {self.end()}")

    def ready(self) -> Any:
        """The document a server started with ``--json`` prints when it answers."""
        return json.loads("\n".join(self.lines_until("}")))

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Wait until it has ended; its exit code and what it printed since."""
        out, err = self._process.communicate(timeout=PATIENCE)
        return self._process.returncode, out, err

    def interrupt(self) -> tuple[int, str, str]:
        """Press Ctrl-C and wait for its end."""
        self.signal(signal.SIGINT)
        return self.end()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@contextmanager
def started(*words: str) -> Iterator[Process]:
    """A process for the length of the block."""
    process = Process(*words)
    try:
        yield process
    finally:
        process.kill()
