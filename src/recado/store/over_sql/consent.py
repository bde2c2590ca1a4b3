"""The storage port over SQL: what people have allowed and refused."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial

from recado.domain.consent import ConsentRecord, Identity, Standing, Subject
from recado.domain.reference import Reference
from recado.store.over_sql.transactions import Transactions
from recado.store.port import Delivered, Page, TakenIn
from recado.store.verbs import consent, expected
from recado.store.verbs.rows import micros


class SqlConsent(Transactions):
    """Implements :class:`recado.store.port.ConsentStore`."""

    async def record_consent(
        self, records: Sequence[ConsentRecord], now: datetime, *, audited: bool = True
    ) -> list[bool]:
        work = partial(consent.record, records=records, now=micros(now), audited=audited)
        return await self._working(work)

    async def take_in_consent(
        self, records: Sequence[ConsentRecord], undated: Collection[str], now: datetime
    ) -> list[TakenIn]:
        work = partial(consent.take_in, records=records, undated=undated, now=micros(now))
        return await self._write(work)

    async def consent(self, bot: str, subject: Subject, now: datetime) -> Standing:
        return await self._read(lambda db: consent.standing(db, bot, subject, micros(now)))

    async def consents(
        self, bot: str, subject: Subject, *, after: str | None = None, limit: int = 100
    ) -> Page[ConsentRecord]:
        return await self._read(lambda db: consent.history(db, bot, subject, after, limit))

    async def has_agreed(
        self, bot: str, name: str, category: str | None, *, also: Sequence[Identity] = ()
    ) -> bool:
        return await self._read(lambda db: consent.agreed(db, bot, name, also, category))

    async def expect(self, bot: str, name: str) -> Reference:
        now = micros(self._clock.now())
        return await self._write(lambda db: expected.expect(db, bot, name, now))

    async def categories(self, bot: str) -> list[str]:
        return await self._read(lambda db: consent.categories(db, bot))

    async def last_delivered(self, reference: Reference) -> Delivered | None:
        return await self._read(lambda db: consent.last_delivered(db, reference.number))
