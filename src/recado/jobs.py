"""The use cases around jobs: work a user starts in a conversation and is told the end of there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recado.clock import Clock
from recado.domain.audience import Conversation
from recado.domain.job import Job, JobScope
from recado.domain.notification import check_json, check_user
from recado.domain.phrases import phrase
from recado.domain.reference import Reference
from recado.errors import UnknownJob
from recado.outbox import Handle, Options, Outbox
from recado.references import References
from recado.store.port import Page, Store


class Jobs:
    """The job log: independent of user and conversation state, one per bot and tenant."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        references: References,
        clock: Clock,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._references = references
        self._clock = clock

    async def start(
        self,
        reference: Reference,
        *,
        scope: JobScope,
        user: Mapping[str, Any] | None = None,
        title: str | None = None,
        source: str | None = None,
    ) -> Job:
        """Add a job to the log; its number is committed when this returns.

        Args:
            reference: the conversation that will be told when the job is complete.
            scope: which log.
            user: ChannelAccount of the person who starts it.
            title: what it is, for people.
            source: the inbound activity's id; the same source gets the same job.

        Raises:
            InvalidInput: *user* is no ChannelAccount.
        """
        if user is not None:
            check_user(user)
        return await self._store.start_job(
            scope, reference, user=user, now=self._clock.now(), title=title, source=source
        )

    async def get(self, scope: JobScope, number: int) -> Job:
        """The job with that number.

        Raises:
            UnknownJob: the log does not contain it.
        """
        job = await self._store.job(scope, number)
        if job is None:
            raise UnknownJob(number)
        return job

    async def page(
        self, scope: JobScope | None = None, *, after: str | None = None, limit: int = 100
    ) -> Page[Job]:
        """The job log, in the order of numbers."""
        return await self._store.jobs(scope, after=after, limit=limit)

    async def complete(
        self,
        scope: JobScope,
        number: int,
        result: Any = None,
        *,
        say: str | Mapping[str, Any] | None = None,
    ) -> Handle:
        """Complete a job and tell its conversation; both are committed together.

        Args:
            scope: which log.
            number: the job.
            result: JSON value kept with the job.
            say: what to tell; when left out, "Job <n> is complete." in the language of the
                conversation.

        Raises:
            UnknownJob: the log does not contain it.
            JobAlreadyComplete: it was completed before; nothing is said again.
            InvalidInput: *result* is not JSON, or *say* is no content.
        """
        check_json(result, "result")
        job = await self.get(scope, number)
        reference = await self._references.get(job.reference_id)
        notification = self._outbox.compose(
            Conversation(reference.id),
            [reference],
            phrase("job_complete", reference.locale, number=number) if say is None else say,
            Options(user=job.user),
            own_lane=self._outbox.own_lane(reference),
        )
        accepted = await self._store.complete_job(
            scope, number, result=result, notification=notification, now=self._clock.now()
        )
        return self._outbox.handle(accepted)
