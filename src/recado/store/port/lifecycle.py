"""Opening, closing, and who delivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Lifecycle(Protocol):
    """Opening, closing, and who delivers."""

    async def open(self) -> None:
        """Connect, and bring the schema to this program's version.

        Raises:
            StoreTooNew: the database was written by a newer program.
            StoreUnavailable: it cannot be reached, or its directory cannot be made.
        """

    async def close(self) -> None:
        """Finish what was begun and disconnect. Closing twice is allowed."""

    async def schema_version(self) -> int:
        """The schema version of the open database."""

    async def check(self) -> None:
        """Prove that the database can be written now.

        Raises:
            StoreError: it cannot, and why.
        """

    def on_work(self, wake: Callable[[], None], later: Callable[[], None] = lambda: None) -> None:
        """Have *wake* called after commits of this process that may have made something due.

        Both are called on the event loop. Work committed by other processes is found by polling
        :meth:`changed`.

        Args:
            wake: something may be due now.
            later: there may be something to expand, or a time to come.
        """

    async def changed(self) -> bool:
        """Whether another process may have committed since the last call.

        Cheap, and true in doubt.
        """

    async def try_serve(self, owner: str) -> bool:
        """Ask to be a process that delivers.

        SQLite has one such process at a time, because only then may a predecessor's leases be
        taken over at once: its lock is the operating system's and ends with the process. On
        databases where any number of processes deliver the answer is always yes.

        Args:
            owner: this process's name in leases, unique per start.

        Raises:
            StoreError: it cannot be found out.
        """

    async def stop_serving(self) -> None:
        """Give the role up again."""

    async def served(self) -> bool:
        """Whether some process, this one included, is delivering from this database."""

    async def secret(self, name: str) -> str:
        """A random secret that is made on first use and kept: 32 bytes, as hexadecimal."""
