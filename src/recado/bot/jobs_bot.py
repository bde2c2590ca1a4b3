"""The jobs bot: starts jobs for people, shows the log, and tells them when a job is done.

It behaves as the documents under ``reference/`` describe, where their samples do so as meant.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from microsoft_agents.activity import Activity, ActivityTypes, ChannelAccount
from microsoft_agents.hosting.core import Agent, TurnContext

from recado.bot.attach import BotBridge
from recado.bot.faults import report
from recado.bot.jobs import BotJobs
from recado.bot.run import current_run
from recado.bot.words import words_of
from recado.domain.job import Job
from recado.domain.phrases import Phrase, phrase
from recado.errors import JobAlreadyComplete, StoreError, UnknownJob
from recado.telemetry import Telemetry

_log = logging.getLogger("recado.bot")

#: Names of the event that says a job is done: both documents' spellings.
_JOB_EVENTS = frozenset({"jobComplete", "jobCompleted"})
#: How many jobs the log shows, so that it fits in a message on every channel.
_SHOWN = 50


def create_jobs_bot(bridge: BotBridge, *, also: Sequence[Phrase] = ()) -> Agent:
    """Make the bot; attach *bridge* to it and its adapter.

    Args:
        bridge: has the job log.
        also: what the help says besides, of parts that are used with the bot.
    """
    return JobsBot(bridge.jobs, bridge.telemetry, also=also)


class JobsBot(Agent):
    """The bot of the documents.

    Args:
        jobs: the job log.
        telemetry: hears of faults.
        also: what the help says besides.
    """

    def __init__(self, jobs: BotJobs, telemetry: Telemetry, *, also: Sequence[Phrase] = ()) -> None:
        self._jobs = jobs
        self._telemetry = telemetry
        self._helps: tuple[Phrase, ...] = ("jobs_help", *also)

    async def on_turn(self, context: TurnContext) -> None:
        """Handle an activity, and apologise for what goes wrong to the person who asked."""
        try:
            await self._handle(context)
        except Exception as fault:
            if current_run() is not None:
                raise
            report(self._telemetry, context.activity.conversation.id, fault)
            failed_log = isinstance(fault, StoreError)
            await _say(context, "job_log_failed" if failed_log else "apology")

    async def _handle(self, context: TurnContext) -> None:
        match context.activity.type:
            case ActivityTypes.message:
                await self._obey(context)
            case ActivityTypes.event:
                await self._hear(context)
            case ActivityTypes.conversation_update:
                await self._welcome(context)

    async def _obey(self, context: TurnContext) -> None:
        """Do what a person says."""
        match words_of(context.activity):
            case ["run"] | ["run", "job"]:
                job = await self._jobs.start(context)
                await _say(context, "job_started", number=job.number)
            case ["show"] | ["show", "jobs"]:
                await self._show(context)
            case ["done", number] if (chosen := _integer(number)) is not None:
                await self._complete(context, chosen)
            case ["done", *_]:
                await _say(context, "job_number_missing")
            case _:
                await _send(context, self._help(context.activity.locale))

    async def _hear(self, context: TurnContext) -> None:
        """Complete the job that a job system says is done, in whatever conversation it says it."""
        activity = context.activity
        if activity.name not in _JOB_EVENTS:
            return
        number = _integer(activity.value)
        if number is None:
            _log.warning("The value of a %s event is no job number: it is ignored.", activity.name)
            return
        try:
            await self._jobs.complete(number, scope=self._jobs.scope(context))
        except (UnknownJob, JobAlreadyComplete) as nothing_to_do:
            _log.warning("A %s event is ignored: %s", activity.name, nothing_to_do)

    async def _welcome(self, context: TurnContext) -> None:
        """Welcome people who joined, but not the bot itself."""
        activity = context.activity
        for member in activity.members_added or ():
            if _joined(member, activity):
                known = phrase("welcome_by_name", activity.locale, name=member.name)
                hello = known if member.name else phrase("welcome", activity.locale)
                await _send(context, f"{hello}\n\n{self._help(activity.locale)}")

    def _help(self, locale: str | None) -> str:
        return "\n\n".join(phrase(name, locale) for name in self._helps)

    async def _complete(self, context: TurnContext, number: int) -> None:
        try:
            await self._jobs.complete(number, scope=self._jobs.scope(context))
        except UnknownJob:
            await _say(context, "job_unknown", number=number)
        except JobAlreadyComplete:
            await _say(context, "job_already_complete", number=number)
        else:
            await _say(context, "job_completing", number=number)

    async def _show(self, context: TurnContext) -> None:
        jobs: list[Job] = []
        page = await self._jobs.page(context)
        jobs.extend(page.items)
        while page.next is not None:
            page = await self._jobs.page(context, after=page.next)
            jobs.extend(page.items)
        if jobs:
            await _send(context, _table(jobs, context.activity.locale))
        else:
            await _say(context, "job_log_empty")


def _table(jobs: list[Job], locale: str | None) -> str:
    lines = [phrase("job_log_header", locale), "| :--- | :---: | :---: |"]
    for job in jobs[-_SHOWN:]:
        completed = phrase("yes" if job.completed else "no", locale)
        lines.append(f"| {job.number} | {job.short_conversation_id} | {completed} |")
    hidden = len(jobs) - _SHOWN
    if hidden > 0:
        lines += ["", phrase("job_log_shortened", locale, count=hidden)]
    return "\n".join(lines)


def _joined(member: ChannelAccount, activity: Activity) -> bool:
    return bool(member.id) and (activity.recipient is None or member.id != activity.recipient.id)


def _integer(value: object) -> int | None:
    """A job number as people and systems write it."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    return value if isinstance(value, int) else None


async def _say(context: TurnContext, name: Phrase, **values: object) -> None:
    await _send(context, phrase(name, context.activity.locale, **values))


async def _send(context: TurnContext, text: str) -> None:
    # The format is said because its default differs between specifications (protocol §1.7).
    await context.send_activity(Activity(type="message", text=text, text_format="markdown"))
