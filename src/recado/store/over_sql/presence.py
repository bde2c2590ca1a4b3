"""The storage port over SQL: what goes on in conversations, and questions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from recado.domain.question import Overheard
from recado.domain.reference import ConversationKey
from recado.store.over_sql.transactions import Transactions
from recado.store.port.presence import Mark
from recado.store.verbs import presence, questions
from recado.store.verbs.rows import maybe_micros, micros


class SqlPresence(Transactions):
    """Implements :class:`recado.store.port.PresenceStore`."""

    async def mark_turns(self, marks: Sequence[Mark], now: datetime) -> int:
        at = micros(now)
        marked = await self._write(lambda db: presence.mark(db, marks, at))
        released = marked.released
        if marked.again:
            released += await self._write(lambda db: presence.let_go(db, marked.again, at))
        if released:
            self._tell()
        return released

    async def be_busy(self, key: ConversationKey, until: datetime | None, now: datetime) -> bool:
        ends, at = maybe_micros(until), micros(now)
        released = await self._write(lambda db: presence.be_busy(db, key, ends, at))
        if released:
            self._tell()
        return released is not None

    async def overhear(
        self, key: ConversationKey, activity: str | None, now: datetime
    ) -> Overheard:
        return await self._read(lambda db: questions.overhear(db, key, activity, now))

    async def answer_question(self, delivery_id: str, activity: str, now: datetime) -> bool:
        return await self._write(
            lambda db: questions.answer(db, delivery_id, activity, micros(now))
        )

    async def reopen_question(self, delivery_id: str, activity: str) -> None:
        await self._write(lambda db: questions.ask_again(db, delivery_id, activity))
