"""The storage port over SQL: topics and who is subscribed to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from recado.domain.reference import Reference
from recado.domain.topic import Subscription, Topic
from recado.store.over_sql.transactions import Transactions
from recado.store.port import Page
from recado.store.verbs import topics
from recado.store.verbs.rows import micros


class SqlTopics(Transactions):
    """Implements :class:`recado.store.port.topics.TopicStore`."""

    async def create_topic(
        self, bot: str, name: str, now: datetime, *, title: str | None = None
    ) -> Topic:
        return await self._write(lambda db: topics.create(db, bot, name, micros(now), title))

    async def topic(self, bot: str, name: str) -> Topic:
        return await self._read(lambda db: topics.one(db, bot, name))

    async def topics(self, bot: str, *, after: str | None = None, limit: int = 100) -> Page[Topic]:
        return await self._read(lambda db: topics.page(db, bot, after, limit))

    async def remove_topic(self, bot: str, name: str) -> None:
        await self._write(lambda db: topics.remove(db, bot, name))

    async def subscribe(self, bot: str, name: str, reference: Reference, now: datetime) -> bool:
        return await self._write(lambda db: topics.subscribe(db, bot, name, reference, micros(now)))

    async def unsubscribe(self, bot: str, name: str, reference: Reference) -> bool:
        return await self._write(lambda db: topics.unsubscribe(db, bot, name, reference))

    async def subscribers(
        self, bot: str, name: str, *, after: str | None = None, limit: int = 100
    ) -> Page[Subscription]:
        return await self._read(lambda db: topics.subscribers(db, bot, name, after, limit))

    async def topics_of(self, reference: Reference) -> Sequence[Topic]:
        return await self._read(lambda db: topics.of(db, reference))

    async def prefer_chat(self, reference: Reference) -> None:
        await self._write(lambda db: topics.prefer(db, reference))
