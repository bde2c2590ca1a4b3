"""The bell: processes tell each other that there may be something to do, by LISTEN and NOTIFY.

It is a convenience: what is missed is found by looking from time to time. So nothing is rung in a
transaction, where NOTIFY would make all commits of the database wait for each other, but a moment
after it, once for all that was committed meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from recado.errors import StoreError
from recado.store.postgres.failures import TROUBLE, translated

if TYPE_CHECKING:
    from recado.store.postgres.database import Database

_log = logging.getLogger("recado.store")

_CHANNEL: Final = "recado"
#: Seconds that rings are gathered for.
_MOMENT: Final = 0.01
#: Seconds until a lost connection is made anew, and until it is proved that one is alive.
_AGAIN: Final = 2.0
_PROVE: Final = 15.0
#: The kind of the sessions' locks among all advisory locks; the statement ``take`` names it, too.
_LOCKS: Final = 0x7265_6361


class Bell:
    """Rings when this process has made something due, and hears when others have.

    Args:
        database: whose connection it uses beside the pool.
        heard: called on the event loop when another process has rung.
        missed: called when it may have rung unheard.
        lost: called when others may take this process for dead.

    Attributes:
        session: the number of a lock that its connection holds. The server lets go of it in the
            moment the process dies, and others see that.
    """

    def __init__(
        self,
        database: Database,
        heard: Callable[[], None],
        missed: Callable[[], None],
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._heard = heard
        self._missed = missed
        self._lost = lost
        self.session: int | None = None
        self._connection: asyncpg.Connection | None = None
        self._rung = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def listening(self) -> bool:
        """Whether another's ring would be heard now."""
        return self._connection is not None and not self._connection.is_closed()

    def start(self) -> None:
        """Begin listening; it goes on through lost connections."""
        self._task = asyncio.create_task(self._run(), name="recado-bell")

    async def stop(self) -> None:
        """Stop listening. What has been rung is passed on first, as far as that can be done."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def ring(self) -> None:
        """Tell the others, a moment later."""
        self._rung.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (StoreError, *TROUBLE) as error:
                told = translated(error, self._database.address.shown)
                _log.debug("Other processes are not heard for the moment: %s", told)
            await asyncio.sleep(_AGAIN)

    async def _listen(self) -> None:
        connection = await self._database.connect()
        try:
            connection.add_termination_listener(self._on_end)
            await connection.add_listener(_CHANNEL, self._on_ring)
            session = secrets.randbelow(2**31)
            await connection.execute(f"SELECT pg_advisory_lock({_LOCKS}, {session})")
            self._connection, self.session = connection, session
            self._missed()
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_PROVE):
                        await self._rung.wait()
                if self._rung.is_set():
                    await asyncio.sleep(_MOMENT)
                    self._rung.clear()
                    await connection.execute(f"NOTIFY {_CHANNEL}")
                else:
                    await connection.execute("SELECT 1")
        finally:
            self._connection = self.session = None
            if self._rung.is_set() and not connection.is_closed():
                with suppress(*TROUBLE):
                    await connection.execute(f"NOTIFY {_CHANNEL}", timeout=1)
            connection.terminate()

    def _on_end(self, _: Any) -> None:
        self.session = None
        self._lost()
        self._rung.set()  # so that it is made anew

    def _on_ring(self, connection: Any, who: int, *_: Any) -> None:
        if who != connection.get_server_pid():
            self._heard()
