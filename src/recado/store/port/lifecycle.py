"""Opening, closing, and who delivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from recado.clock import Clock
from recado.store.port.values import ServerFacts


class Lifecycle(Protocol):
    """Opening, closing, and who delivers."""

    @property
    def clock(self) -> Clock:
        """The time that all who work on this database share."""

    async def open(self, *, make: bool = True, importing: bool = False) -> None:
        """Connect, and bring the schema to this program's version.

        Args:
            make: whether a database with nothing of ours in it is made one of ours.
            importing: whether it may be one into which an import has not finished.

        Raises:
            StoreTooNew: the database was written by a newer program.
            StoreEmpty: nothing of ours is in it, and that is not to be changed.
            StoreUnfinished: an import into it has not finished.
            StoreUnavailable: it cannot be reached, or its directory cannot be made.
        """

    async def server(self) -> ServerFacts | None:
        """How the database server stands towards this process; None where there is no server.

        The store need not be open.

        Raises:
            ConfigurationError: the server is too old.
            StoreError: it cannot be reached, or does not let us in.
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
