"""The storage port over SQL: everything that is kept about one person."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from recado.domain.consent import Subject
from recado.store.over_sql.transactions import Transactions
from recado.store.port import About, Erased
from recado.store.verbs import privacy
from recado.store.verbs.rows import micros


class SqlPrivacy(Transactions):
    """Implements :class:`recado.store.port.PrivacyStore`."""

    async def about(self, bot: str, subject: Subject, *, after: str | None, limit: int) -> About:
        return await self._look(
            partial(privacy.about, bot=bot, subject=subject, after=after, limit=limit)
        )

    async def erase(
        self, bot: str, subject: Subject, now: datetime, *, after: str | None, limit: int
    ) -> Erased:
        work = partial(
            privacy.erase, bot=bot, subject=subject, now=micros(now), after=after, limit=limit
        )
        return await self._write(work)
