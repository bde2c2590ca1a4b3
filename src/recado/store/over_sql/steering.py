"""The storage port over SQL: looking at what was said, and steering it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from recado.domain.audience import Broadcast
from recado.domain.delivery import Delivery
from recado.domain.notification import Once, Progress
from recado.domain.plan import Place, Survey
from recado.domain.politeness import NO_RULES, Rules
from recado.domain.steering import Cancelled, Retried
from recado.store.over_sql.transactions import Transactions
from recado.store.port import (
    Backlog,
    DeliveryDetail,
    DeliveryFilter,
    NotificationDetail,
    Page,
)
from recado.store.session import Session
from recado.store.verbs import (
    listing,
    looking,
    once,
    reach,
    steering,
)
from recado.store.verbs.rows import micros


class SqlSteering(Transactions):
    """Implements :class:`recado.store.port.SteeringStore`."""

    async def progress(self, notification_id: str, *, exact: bool = False) -> Progress | None:
        async def work(db: Session) -> Progress | None:
            return await looking.progress(db, notification_id)

        asked = ("progress", notification_id)
        return await self._look(work if exact else self._spare.sparing(asked, work))

    async def settled(self, notification_id: str) -> bool | None:
        return await self._read(lambda db: looking.settled(db, notification_id))

    async def notification(self, notification_id: str) -> NotificationDetail | None:
        return await self._look(lambda db: looking.notification(db, notification_id))

    async def remaining(self, notification_id: str) -> Mapping[Place, int]:
        async def work(db: Session) -> Mapping[Place, int]:
            return await reach.remaining(db, notification_id)

        return await self._look(self._spare.sparing(("remaining", notification_id), work))

    async def survey(
        self, bot: str, audience: Broadcast, now: datetime, wanted: Once | None = None
    ) -> Survey:
        at = micros(now)
        return await self._look(lambda db: reach.survey(db, bot, audience, at, wanted))

    async def duplicates(
        self, bot: str, wanted: Once, now: datetime, numbers: Sequence[int] | None = None
    ) -> int:
        since = micros(now - wanted.every)
        return await self._look(lambda db: once.count(db, bot, wanted.key, since, numbers))

    async def delivery(self, delivery_id: str, *, rules: Rules = NO_RULES) -> DeliveryDetail | None:
        now = micros(self._clock.now())
        return await self._look(lambda db: looking.delivery(db, delivery_id, rules, now))

    async def deliveries(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 100
    ) -> Page[Delivery]:
        return await self._look(lambda db: listing.deliveries(db, wanted, after, limit))

    async def find(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 500
    ) -> list[str]:
        return await self._look(lambda db: listing.find(db, wanted, after, limit))

    async def retry(self, delivery_id: str, now: datetime) -> None:
        await self._working(lambda db: steering.retry(db, delivery_id, micros(now)))

    async def retry_many(self, ids: Sequence[str], now: datetime) -> Retried:
        return await self._working(lambda db: steering.retry_many(db, ids, micros(now)))

    async def cancel(self, delivery_id: str, now: datetime, by: str | None = None) -> None:
        await self._working(lambda db: steering.cancel(db, delivery_id, micros(now), by))

    async def cancel_many(
        self, ids: Sequence[str], now: datetime, by: str | None = None
    ) -> Cancelled:
        return await self._working(lambda db: steering.cancel_many(db, ids, micros(now), by))

    async def end_expansion(self, notification_id: str, now: datetime) -> None:
        await self._write(lambda db: steering.end_expansion(db, notification_id, micros(now)))

    async def notification_of_key(self, bot: str, scope: str, key: str) -> str | None:
        return await self._read(lambda db: steering.of_key(db, bot, scope, key))

    async def mark_delivered(self, delivery_id: str, now: datetime, by: str | None = None) -> None:
        await self._write(lambda db: steering.mark_delivered(db, delivery_id, micros(now), by))

    async def backlog(self) -> Backlog:
        return await self._look(self._spare.sparing("backlog", looking.backlog))

    # -- forgetting
