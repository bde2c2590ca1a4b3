"""The storage port over SQL: everything there is, read and taken in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from recado.errors import StoreUnavailable, StoreUnfinished
from recado.store.over_sql.transactions import Transactions
from recado.store.port import (
    RecordKind,
    Unfinished,
)
from recado.store.session import Session, StreamingSession
from recado.store.verbs import (
    moving,
)
from recado.store.verbs.rows import micros


class SqlMoving(Transactions):
    """Implements :class:`recado.store.port.MovingStore`."""

    async def read_records(
        self,
        begin: Callable[[Mapping[str, int]], None],
        take: Callable[[RecordKind, Sequence[Sequence[Any]]], None],
        *,
        with_state: bool,
    ) -> None:
        async def work(db: Session) -> None:
            # Ours do; those of somebody else's transaction never come here.
            streaming = cast("StreamingSession", db)
            await moving.read(streaming, begin, take, with_state=with_state)

        await self._look(work)

    async def begin_import(self, export_id: str, now: datetime) -> Unfinished:
        if await self._in_use():
            raise StoreUnavailable(
                "A process delivers from this database, or has just ended: stop it before "
                "something is imported, then try again."
            )
        return await self._write(lambda db: moving.begin(db, export_id, micros(now)))

    async def take_in(
        self,
        export_id: str,
        kind: RecordKind,
        records: Sequence[str],
        *,
        before: int,
        now: datetime,
    ) -> None:
        async def work(db: Session) -> None:
            await self._before_records(db, kind, records, now)
            await moving.take_in(db, export_id, kind, records, before)

        await self._write(work)

    async def _in_use(self) -> bool:
        """Whether another process delivers from this database, or else keep it from that."""
        return True

    async def _before_records(
        self, db: Session, kind: RecordKind, records: Sequence[str], now: datetime
    ) -> None:
        """Make room for them."""

    async def verify_import(self, export_id: str) -> None:
        await self._write(lambda db: moving.verify(db, export_id))

    async def end_import(self, export_id: str, now: datetime, limit: int) -> bool:
        return await self._write(lambda db: moving.end(db, export_id, micros(now), limit))

    async def _check_finished(self, where: str) -> None:
        """Refuse a database into which an import has not finished."""
        if await self._read(moving.unfinished) is not None:
            raise StoreUnfinished(where)

    # -- jobs
