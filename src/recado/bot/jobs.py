"""Jobs from within a bot: what a job needs to know is taken from the turn that starts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from microsoft_agents.hosting.core import TurnContext

from recado.bot.capture import account_json, speaker_of
from recado.bot.contexts import Contexts
from recado.domain.job import Job, JobScope
from recado.errors import UnknownJob
from recado.jobs import Jobs
from recado.outbox import Handle
from recado.store.port import Page

#: Job numbers are stored in 64 bits.
_LARGEST = 2**63 - 1
#: Where a turn counts the jobs it has started.
_STARTED = "recado.jobs_started"


class BotJobs:
    """The job log, for the code of a bot.

    Args:
        jobs: the use cases.
        contexts: finds what belongs to a turn.
        bot: the bot's name.
    """

    def __init__(self, jobs: Jobs, contexts: Contexts, *, bot: str) -> None:
        self._jobs = jobs
        self._contexts = contexts
        self._bot = bot

    async def start(self, context: TurnContext, *, title: str | None = None) -> Job:
        """Start a job for the person and conversation of a turn.

        The same activity sent again starts no second job.

        Args:
            context: the turn.
            title: what the job is, for people.
        """
        activity = context.activity
        reference = await self._contexts.find(context)
        if reference is None:
            reference = await self._contexts.remember(context)
        started = context.turn_state.get(_STARTED, 0)
        number = started + 1 if isinstance(started, int) else 1
        context.turn_state[_STARTED] = number
        source = activity.id
        if source is not None and number > 1:
            source = f"{source}/{number}"
        speaker = speaker_of(activity, self._bot)
        return await self._jobs.start(
            reference,
            scope=self.scope(context),
            user=account_json(activity.from_property) if speaker is not None else None,
            title=title,
            source=source,
        )

    async def complete(
        self,
        job: Job | int,
        result: Any = None,
        *,
        scope: JobScope | None = None,
        say: str | Mapping[str, Any] | None = None,
    ) -> Handle:
        """Complete a job and tell the conversation it was started in.

        Args:
            job: the job, or its number.
            result: JSON value kept with it.
            scope: whose log a number is of, see :meth:`scope`; without it, the one that bots
                have which know no tenants.
            say: what to tell; "Job <n> is complete." when left out.

        Raises:
            UnknownJob: the log does not contain it.
            JobAlreadyComplete: it was completed before; nothing is said again.
        """
        if isinstance(job, Job):
            scope, number = job.scope, job.number
        else:
            scope, number = scope or JobScope(bot=self._bot), job
        if not 0 < number <= _LARGEST:
            raise UnknownJob(number)
        return await self._jobs.complete(scope, number, result, say=say)

    async def page(
        self, context: TurnContext, *, after: str | None = None, limit: int = 100
    ) -> Page[Job]:
        """The job log of the context's tenant, in the order of numbers."""
        return await self._jobs.page(self.scope(context), after=after, limit=limit)

    def scope(self, context: TurnContext) -> JobScope:
        """The job log that belongs to a turn."""
        return self._contexts.scope(context)
