"""The storage port over SQL: people and conversations that nothing has come from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from recado.domain.making import Wish
from recado.domain.reference import Reference
from recado.domain.roster import Reading, RosterMember
from recado.store.over_sql.transactions import Transactions
from recado.store.port import (
    Page,
)
from recado.store.verbs import (
    making,
    rosters,
)
from recado.store.verbs.rows import micros


class SqlPeople(Transactions):
    """Implements :class:`recado.store.port.PeopleStore`."""

    async def wish(self, wanted: Wish) -> Reference:
        now = micros(self._clock.now())
        return await self._write(lambda db: making.wish(db, wanted, now))

    async def thread(self, channel: Reference, conversation_id: str) -> Reference:
        now = micros(self._clock.now())
        return await self._write(lambda db: making.thread(db, channel, conversation_id, now))

    async def find_channel(self, bot: str, channel_id: str) -> Reference | None:
        return await self._read(lambda db: making.threads_channel(db, bot, channel_id))

    async def keep_roster(  # noqa: PLR0913 - the port's verb
        self,
        reference_id: str,
        members: Sequence[RosterMember],
        *,
        began_at: datetime,
        now: datetime,
        continuation: str | None,
        listed: int,
    ) -> None:
        work = partial(
            rosters.keep,
            reference_id=reference_id,
            members=members,
            began_at=micros(began_at),
            now=micros(now),
            continuation=continuation,
            listed=listed,
        )
        await self._write(work)

    async def roster_reading(self, reference_id: str) -> Reading | None:
        return await self._read(lambda db: rosters.reading(db, reference_id))

    async def roster(
        self, reference_id: str, *, after: str | None = None, limit: int = 500
    ) -> Page[RosterMember]:
        return await self._read(lambda db: rosters.page(db, reference_id, after, limit))

    async def find_listed(self, bot: str, name: str) -> tuple[RosterMember, Reference] | None:
        return await self._read(lambda db: rosters.of_person(db, bot, name))

    # -- acceptance
