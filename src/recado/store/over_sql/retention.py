"""The storage port over SQL: forgetting what is old."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from recado.store.over_sql.transactions import Transactions
from recado.store.port import (
    Forgotten,
    Old,
)
from recado.store.verbs import (
    retention,
)


class SqlRetention(Transactions):
    """Implements :class:`recado.store.port.RetentionStore`."""

    async def make_months(self, now: datetime) -> None:
        """Nothing is to be done."""

    async def forget(
        self, what: Old, before: datetime, *, after: str = "", limit: int = 500
    ) -> Forgotten | None:
        if what is Old.MONTHS:
            return Forgotten(0, None)
        work = partial(
            retention.forget,
            what=what,
            before=before,
            after=after,
            limit=limit,
            by_months=self._by_months,
        )
        return await self._write(work)

    # -- moving
