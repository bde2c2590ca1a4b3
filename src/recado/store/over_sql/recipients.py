"""The storage port over SQL: what recipients have set."""

from __future__ import annotations

from datetime import datetime

from recado.domain.audience import Single
from recado.domain.recipient import Change, Preferences
from recado.store.over_sql.transactions import Transactions
from recado.store.verbs import recipients
from recado.store.verbs.rows import micros


class SqlRecipients(Transactions):
    """Implements :class:`recado.store.port.RecipientStore`."""

    async def preferences(self, bot: str, who: Single) -> Preferences:
        return await self._read(lambda db: recipients.preferences(db, bot, who))

    async def prefer(self, bot: str, who: Single, change: Change, now: datetime) -> Preferences:
        at = micros(now)
        return await self._working(lambda db: recipients.prefer(db, bot, who, change, at))

    async def told_zone(self, bot: str, who: Single) -> str | None:
        return await self._read(lambda db: recipients.told_zone(db, bot, who))
