"""Turns of a PostgreSQL database: rows with a lease, written for many turns at once.

What turns end and begin at the same moment goes to the server together and in order, each
statement a transaction of its own. The table is not logged, so that nobody waits for a disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from recado.domain.reference import ConversationKey
from recado.errors import StoreError
from recado.store.port import Entry
from recado.store.session import Session, statements
from recado.store.verbs.rows import clean, dumps, micros_of

if TYPE_CHECKING:
    from recado.store.postgres.database import Database

_SQL = statements("turns", "postgres")

#: A holder that has died keeps others from a conversation no longer.
LEASE: Final = timedelta(seconds=4)
#: Activities are remembered for so long: Teams repeats one after 15 s.
_REMEMBERED: Final = timedelta(minutes=10)
#: What is to be forgotten is looked for after so many turns have begun.
_FORGET_AFTER: Final = 5_000


class _Begun(NamedTuple):
    """A turn that is to begin, and who waits for the answer."""

    key: ConversationKey
    activity: str | None
    holder: str
    now: int
    told: asyncio.Future[Entry]


class _Ended(NamedTuple):
    """A turn that has ended."""

    key: ConversationKey
    holder: str
    now: int
    answered: str | None


class Turns:
    """Begins and ends turns for a process.

    Args:
        database: where the rows are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begun: list[_Begun] = []
        self._ended: list[_Ended] = []
        self._task: asyncio.Task[None] | None = None
        self._count = 0

    async def begin(
        self, key: ConversationKey, activity: str | None, holder: str, now: int
    ) -> Entry:
        """See the port."""
        told: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        self._begun.append(_Begun(key, clean(activity), holder, now, told))
        self._start()
        return await told

    def end(self, key: ConversationKey, holder: str, now: int, answered: str | None) -> None:
        """See the port."""
        self._ended.append(_Ended(key, holder, now, clean(answered)))
        self._start()

    async def keep(self, keys: Collection[ConversationKey], holder: str, now: int) -> None:
        """See the port."""
        kept = dumps([_named(each) for each in keys])
        told = {"turns": kept, "holder": holder, "until": now + micros_of(LEASE)}
        await self._database.singly(lambda db: db.run(_SQL["keep"], told))

    async def finish(self) -> None:
        """Write what has ended, as far as that can be done; the rest ends with its lease."""
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task], timeout=LEASE.total_seconds())

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="recado-turns")

    async def _run(self) -> None:
        while self._begun or self._ended:
            begun = [each for each in self._begun if not each.told.done()]
            self._begun = []
            ended, self._ended = self._ended, []
            try:
                entries = await self._database.singly(
                    lambda db, ended=ended, begun=begun: _write(db, ended, begun)  # type: ignore[misc]
                )
            except Exception as error:  # noqa: BLE001 - it is handed to whoever asked
                # What has ended and could not be written ends with its lease.
                for each in begun:
                    if not each.told.done():
                        each.told.set_exception(error)
                continue
            for each, entry in zip(begun, entries, strict=True):
                if not each.told.done():
                    each.told.set_result(entry)
                elif entry is Entry.BEGUN:
                    # Whoever asked has gone meanwhile.
                    self._ended.append(_Ended(each.key, each.holder, each.now, None))
            await self._forget(begun)

    async def _forget(self, begun: Sequence[_Begun]) -> None:
        """Now and then, forget turns that ended long ago."""
        self._count += len(begun)
        if self._count < _FORGET_AFTER:
            return
        self._count = 0
        before = begun[-1].now - micros_of(_REMEMBERED)
        try:
            await self._database.singly(lambda db: db.run(_SQL["forget"], (before,)))
        except StoreError:
            self._count = _FORGET_AFTER  # soon


async def _write(db: Session, ended: Sequence[_Ended], begun: Sequence[_Begun]) -> list[Entry]:
    if ended:
        over = [(*_named(each.key), each.holder, each.now, each.answered) for each in ended]
        await db.run(_SQL["end"], (dumps(over),))
    if not begun:
        return []
    lease = micros_of(LEASE)
    wanted = [
        (*_named(each.key), each.holder, each.now, each.now + lease, each.activity)
        for each in begun
    ]
    asked_for = {"turns": dumps(wanted), "lease": lease}
    theirs = {tuple(row) for row in await db.all(_SQL["begin"], asked_for)}
    entries = [Entry.BEGUN if _named(each.key) in theirs else Entry.BUSY for each in begun]
    asked = [each for each, entry in zip(begun, entries, strict=True) if entry is Entry.BUSY]
    if any(each.activity is not None for each in asked):
        told = [(*_named(each.key), each.now, each.activity) for each in asked]
        again = {tuple(row) for row in await db.all(_SQL["repeated"], (dumps(told),))}
        entries = [
            Entry.REPEATED
            if entry is Entry.BUSY and (*_named(each.key), each.activity) in again
            else entry
            for each, entry in zip(begun, entries, strict=True)
        ]
    return entries


def _named(key: ConversationKey) -> tuple[str, str, str]:
    return str(clean(key.bot)), str(clean(key.channel)), str(clean(key.conversation_id))
