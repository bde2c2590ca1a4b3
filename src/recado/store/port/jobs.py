"""The job log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from recado.domain.job import Job, JobScope
from recado.domain.notification import Notification
from recado.domain.reference import Reference
from recado.store.port.values import (
    Accepted,
    Page,
)


class JobStore(Protocol):
    """The job log."""

    async def start_job(  # noqa: PLR0913 - one job's worth of facts
        self,
        scope: JobScope,
        reference: Reference,
        *,
        user: Mapping[str, Any] | None,
        now: datetime,
        title: str | None = None,
        source: str | None = None,
    ) -> Job:
        """Add a job to the log under the scope's next number.

        Args:
            source: what caused it (an inbound activity's id). The same source in the same
                conversation gets the job it got before, whatever the scope.
        """

    async def job(self, scope: JobScope, number: int) -> Job | None:
        """The job with that number."""

    async def jobs(
        self, scope: JobScope | None, *, after: str | None = None, limit: int = 100
    ) -> Page[Job]:
        """The job log, in the order of numbers; None lists every scope.

        Raises:
            InvalidInput: *after* is not from a page of this listing.
        """

    async def complete_job(
        self,
        scope: JobScope,
        number: int,
        *,
        result: Any,
        notification: Notification,
        now: datetime,
    ) -> Accepted:
        """Complete a job and accept its notification in its conversation, in one commit.

        Raises:
            UnknownJob: the log has no such number.
            JobAlreadyComplete: it was completed before; nothing is accepted.
        """
