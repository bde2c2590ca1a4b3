"""The storage port over SQL: what is known of conversations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial

from recado.domain.audit import AuditEntry
from recado.domain.health import Finding, HealthCount
from recado.domain.reference import ConversationKey, Health, Reference, Sighting
from recado.store.over_sql.transactions import Transactions
from recado.store.port import (
    Captured,
    Page,
)
from recado.store.session import Session
from recado.store.verbs import (
    audit,
    healing,
    references,
)
from recado.store.verbs.rows import micros


class SqlReferences(Transactions):
    """Implements :class:`recado.store.port.ReferenceStore`."""

    async def capture(self, sightings: Sequence[Sighting]) -> list[Captured]:
        captured = await self._write(lambda db: references.capture(db, sightings))
        if any(each.released for each in captured):
            self._tell()
        return captured

    def touch(self, sighting: Sighting) -> None:
        async def work(db: Session) -> None:
            (captured,) = await references.capture(db, [sighting])
            if captured.released:
                self._soon(self._tell)

        self._ride(work)

    async def reference(self, reference_id: str) -> Reference | None:
        return await self._read(lambda db: references.by_id(db, reference_id))

    async def references_by_ids(self, reference_ids: Sequence[str]) -> Sequence[Reference]:
        return await self._read(lambda db: references.by_ids(db, reference_ids))

    async def reference_by_key(self, key: ConversationKey) -> Reference | None:
        return await self._read(lambda db: references.by_key(db, key))

    async def references(  # noqa: PLR0913 - one parameter a filter
        self,
        *,
        bot: str | None = None,
        channel: str | None = None,
        tenant: str | None = None,
        health: Collection[Health] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Reference]:
        work = partial(
            references.page,
            bot=bot,
            channel=channel,
            tenant=tenant,
            health=health,
            after=after,
            limit=limit,
        )
        return await self._read(work)

    async def learn(self, reference_id: str, finding: Finding) -> None:
        await self._working(lambda db: healing.learn_of(db, reference_id, finding))

    async def try_offers(self, now: datetime, limit: int) -> int:
        return await self._releasing(lambda db: healing.try_offers(db, micros(now), limit))

    async def health_report(self, bot: str) -> list[HealthCount]:
        return await self._read(lambda db: healing.report(db, bot))

    async def audit(
        self,
        *,
        bot: str | None = None,
        reference_id: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[AuditEntry]:
        return await self._read(lambda db: audit.page(db, bot, reference_id, after, limit))

    async def find_conversation(self, bot: str, conversation_id: str) -> Reference | None:
        return await self._read(lambda db: references.by_conversation(db, bot, conversation_id))

    async def find_references(self, bot: str, name: str) -> list[Reference]:
        return await self._read(lambda db: references.of_person(db, bot, name))

    # -- people
