"""The storage port over SQL: the job log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from recado.domain.job import Job, JobScope
from recado.domain.notification import Notification
from recado.domain.reference import Reference
from recado.store.over_sql.transactions import Transactions
from recado.store.port import (
    Accepted,
    Page,
)
from recado.store.verbs import (
    jobs,
)
from recado.store.verbs.rows import micros


class SqlJobs(Transactions):
    """Implements :class:`recado.store.port.JobStore`."""

    async def start_job(  # noqa: PLR0913 - the port's verb
        self,
        scope: JobScope,
        reference: Reference,
        *,
        user: Mapping[str, Any] | None,
        now: datetime,
        title: str | None = None,
        source: str | None = None,
    ) -> Job:
        work = partial(
            jobs.start,
            scope=scope,
            reference=reference,
            user=user,
            now=micros(now),
            title=title,
            source=source,
        )
        return await self._write(work)

    async def job(self, scope: JobScope, number: int) -> Job | None:
        return await self._read(lambda db: jobs.one(db, scope, number))

    async def jobs(
        self, scope: JobScope | None, *, after: str | None = None, limit: int = 100
    ) -> Page[Job]:
        return await self._read(lambda db: jobs.page(db, scope, after, limit))

    async def complete_job(
        self,
        scope: JobScope,
        number: int,
        *,
        result: Any,
        notification: Notification,
        now: datetime,
    ) -> Accepted:
        work = partial(
            jobs.complete,
            scope=scope,
            number=number,
            result=result,
            notification=notification,
            now=micros(now),
        )
        return await self._working(work)

    # -- odds and ends
