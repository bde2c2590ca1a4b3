"""``recado jobs``: the job log, and the way to say that a job is done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recado.cli.delivering import see_off, tell
from recado.cli.invocation import After, Invocation, Limit, command, group
from recado.cli.others import others_jobs, own
from recado.cli.output import Column, shown_time
from recado.cli.records import job_record
from recado.domain.job import JobScope
from recado.errors import InvalidInput, UnknownJob

if TYPE_CHECKING:
    from recado.app import Recado

#: The largest number a job can have in the database.
_LARGEST = 2**53

_COLUMNS = (
    Column("number", lambda job: job["number"], whole=True),
    Column("tenant", lambda job: job["tenant"], rank=4, whole=True),
    Column("completed", lambda job: job["completed"], rank=1, whole=True),
    Column("started (UTC)", lambda job: shown_time(job["started_at"]), rank=3, whole=True),
    Column("title", lambda job: job["title"], rank=2),
    Column("conversation", lambda job: job["conversation_id"], rank=5, whole=True),
)


def register(app: typer.Typer) -> None:
    """Add the group to *app*."""
    jobs = group(app, "jobs", summary="The job log.", panel="Look and steer")
    command(jobs, "list", examples=("recado jobs list", "recado jobs list --json --limit 1000"))(
        list_jobs
    )
    command(
        jobs,
        "complete",
        examples=(
            "recado jobs complete 17",
            'recado jobs complete 17 --say "Your report is ready."',
            "recado jobs complete 17 --result '{\"rows\": 120}'",
        ),
    )(complete)


async def list_jobs(
    invocation: Invocation,
    *,
    tenant: Annotated[
        str | None, typer.Option(metavar="ID", help="Only the log of this tenant.")
    ] = None,
    limit: Limit = 100,
    after: After = None,
) -> None:
    """Show the job log, in the order of numbers."""
    async with invocation.opened() as recado:
        bot = recado.settings.bot
        scope = None if tenant is None else JobScope(bot=bot, tenant=tenant)
        # Other bots may share the database; their numbers mean something else.
        page = await own(
            lambda after, limit: recado.job_log.page(scope, after=after, limit=limit),
            lambda job: job.scope.bot == bot,
            after=after,
            limit=limit,
        )
        jobs = [job_record(job) for job in page.items]
        others = "" if jobs or after else await others_jobs(recado)
    invocation.out.listing(jobs, page.next, _COLUMNS, nothing=f"The job log is empty.{others}")


async def complete(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    number: Annotated[
        int, typer.Argument(metavar="N", min=1, max=_LARGEST, help="The job's number.")
    ],
    tenant: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Whose log; needed when several have that number."),
    ] = None,
    say: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help='What to tell, instead of "Job N is complete."'),
    ] = None,
    result: Annotated[
        str | None, typer.Option(metavar="JSON", help="A JSON value to keep with the job.")
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=86_400,
            help="Wait this long for the message to arrive; as with `recado send`.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Complete a job and tell the conversation it was started in; both or neither."""
    value = _json_value(result)
    async with invocation.opened() as recado:
        scope = await _scope(recado, number, tenant)
        handle = await recado.job_log.complete(scope, number, value, say=say)
        after = await see_off(recado, handle, invocation, wait=wait)
    invocation.out.say(f"Job {number} is complete.")
    tell(invocation, handle, after, number=number, tenant=scope.tenant)


def _json_value(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"--result is not JSON ({error}): text needs quotes inside quotes, '\"done\"'."
        ) from None


async def _scope(recado: Recado, number: int, tenant: str | None) -> JobScope:
    """The log that has the job.

    Raises:
        UnknownJob: none has it.
        InvalidInput: several have it.
    """
    bot = recado.settings.bot
    if tenant is not None:
        return JobScope(bot=bot, tenant=tenant)
    found: list[JobScope] = []
    after = None
    while True:
        page = await recado.job_log.page(None, after=after, limit=1000)
        found += [job.scope for job in page.items if job.number == number and job.scope.bot == bot]
        if page.next is None:
            break
        after = page.next
    if not found:
        raise UnknownJob(number)
    if len(found) > 1:
        tenants = ", ".join(repr(scope.tenant) for scope in found)
        raise InvalidInput(f"Several logs have a job {number}: add --tenant, one of {tenants}.")
    return found[0]
