"""The storage port over SQL: long answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

from recado.domain.answer import AnswerState, LongAnswer, Promise
from recado.domain.notification import Notification
from recado.store.over_sql.transactions import Transactions
from recado.store.port import Accepted, Page, Replacing, Stint, WorksOutlook
from recado.store.verbs import answers
from recado.store.verbs.rows import micros


class SqlAnswers(Transactions):
    """Implements :class:`recado.store.port.AnswerStore`."""

    async def promise_answer(
        self, promise: Promise, lease_until: datetime
    ) -> tuple[LongAnswer, bool]:
        return await self._write(lambda db: answers.promise(db, promise, micros(lease_until)))

    async def answer(self, answer_id: str) -> LongAnswer | None:
        return await self._read(lambda db: answers.one(db, answer_id))

    async def answers(
        self,
        bot: str,
        *,
        state: AnswerState | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[LongAnswer]:
        return await self._read(lambda db: answers.page(db, bot, state, after, limit))

    async def works_outlook(self, owner: str, names: Collection[str]) -> WorksOutlook:
        return await self._read(lambda db: answers.outlook(db, owner, names))

    async def claim_works(  # noqa: PLR0913 - the port's verb
        self,
        owner: str,
        names: Collection[str],
        *,
        now: datetime,
        lease_until: datetime,
        limit: int,
        ended: Collection[str] = (),
    ) -> Sequence[Stint]:
        work = partial(
            answers.claim,
            owner=owner,
            names=names,
            now=micros(now),
            lease_until=micros(lease_until),
            limit=limit,
            ended=ended,
        )
        return await self._write(work)

    async def renew_works(
        self, owner: str, ids: Collection[str], lease_until: datetime
    ) -> Mapping[str, int]:
        return await self._write(lambda db: answers.renew(db, owner, ids, micros(lease_until)))

    async def shorten_works(self, latest: datetime) -> None:
        await self._write(lambda db: answers.shorten(db, micros(latest)))

    async def say_answer(
        self,
        stint: Stint,
        number: int,
        notification: Notification,
        now: datetime,
        *,
        replaces: bool = False,
    ) -> Accepted | None:
        work = partial(
            answers.say,
            stint=stint,
            number=number,
            notification=notification,
            now=micros(now),
            replaces=replaces,
        )
        return await self._working(work)

    async def show_progress(
        self,
        stint: Stint,
        share: float,
        text: str | None,
        notification: Notification | None,
        now: datetime,
    ) -> Accepted | None:
        at = micros(now)
        return await self._working(
            lambda db: answers.progress(db, stint, share, text, notification, at)
        )

    async def end_answer(  # noqa: PLR0913 - the port's verb
        self,
        answer_id: str,
        state: AnswerState,
        now: datetime,
        *,
        reason: str | None = None,
        detail: str | None = None,
        notification: Notification | None = None,
        token: int | None = None,
        lapsed: bool = False,
    ) -> tuple[bool, Accepted | None]:
        work = partial(
            answers.end,
            answer_id=answer_id,
            state=state,
            now=micros(now),
            reason=reason,
            detail=detail,
            notification=notification,
            token=token,
            lapsed=lapsed,
        )
        return await self._working(work)

    async def hand_back_work(
        self, stint: Stint, now: datetime, *, lapsed: bool = False, counted: bool = True
    ) -> bool:
        at = micros(now)
        return await self._write(
            lambda db: answers.hand_back(db, stint, at, lapsed=lapsed, counted=counted)
        )

    async def lapsed_works(self, now: datetime, limit: int) -> Sequence[Stint]:
        return await self._read(lambda db: answers.lapsed(db, micros(now), limit))

    async def overdue_answers(self, now: datetime, limit: int) -> Sequence[LongAnswer]:
        return await self._read(lambda db: answers.overdue(db, micros(now), limit))

    async def replacing_answers(self, after: str, limit: int) -> Sequence[Replacing]:
        return await self._read(lambda db: answers.replacing(db, after, limit))

    async def settle_replacing(
        self, answer_id: str, change: str, notification: Notification | None
    ) -> Accepted | None:
        return await self._working(
            lambda db: answers.settle_replacing(db, answer_id, change, notification)
        )
