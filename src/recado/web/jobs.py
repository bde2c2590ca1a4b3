"""``/api/jobs``: the job log, and the way for whoever does the work to say that it is done."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from recado.config import Settings
from recado.domain.job import Job, JobScope
from recado.errors import JobAlreadyComplete
from recado.jobs import Jobs
from recado.web.answers import Accepted, accepted_response
from recado.web.asked import body_of, maybe_asked
from recado.web.auth import KeyCheck

Tenant = Annotated[
    str, Query(max_length=255, description="Whose job log; that of jobs without a tenant if empty.")
]


class CompleteRequest(BaseModel):
    """How the job ended."""

    model_config = ConfigDict(extra="forbid", strict=True)

    result: Any = Field(default=None, description="Any JSON value, kept with the job.")
    say: str | dict[str, Any] | None = Field(
        default=None, description="What to tell the user, as text or activity."
    )


class JobOut(BaseModel):
    """One job in the log."""

    number: int
    tenant: str
    title: str | None
    conversation_id: str
    reference_id: str
    user: dict[str, Any] | None
    started_at: datetime
    completed: bool
    completed_at: datetime | None
    result: Any

    @classmethod
    def of(cls, job: Job) -> JobOut:
        return cls(
            number=job.number,
            tenant=job.scope.tenant,
            title=job.title,
            conversation_id=job.conversation_id,
            reference_id=job.reference_id,
            user=dict(job.user) if job.user else None,
            started_at=job.started_at,
            completed=job.completed,
            completed_at=job.completed_at,
            result=job.result,
        )


class JobPage(BaseModel):
    """A page of the job log."""

    items: list[JobOut]
    next: str | None = Field(description="Send this as `after` for the next page; null at the end.")


def jobs_routes(jobs: Jobs, settings: Settings) -> APIRouter:
    """The job log over HTTP."""
    router = APIRouter(tags=["jobs"], dependencies=[Depends(KeyCheck(settings))])

    @router.get("/api/jobs", summary="The job log")
    async def job_log(
        tenant: Annotated[
            str | None, Query(max_length=255, description="All tenants when left out.")
        ] = None,
        after: Annotated[str | None, Query(max_length=255)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> JobPage:
        """In the order of numbers. A page can be shorter than its limit and have a next one."""
        scope = None if tenant is None else JobScope(bot=settings.bot, tenant=tenant)
        page = await jobs.page(scope, after=after, limit=limit)
        # Other bots may share the database; their jobs are none of this caller's business.
        items = [JobOut.of(job) for job in page.items if job.scope.bot == settings.bot]
        return JobPage(items=items, next=page.next)

    @router.post(
        "/api/jobs/{number}/complete",
        summary="Complete a job and tell its conversation",
        status_code=202,
        response_model=Accepted,
        responses={200: {"description": "It was complete already; nothing is said again."}},
        openapi_extra=body_of(CompleteRequest, required=False),
    )
    async def complete(
        request: Request,
        number: Annotated[int, Path(ge=1, le=2**53)],
        tenant: Tenant = "",
    ) -> JSONResponse:
        """Safe to repeat: a job is completed, and its user told, once."""
        wanted = await maybe_asked(request, CompleteRequest)
        scope = JobScope(bot=settings.bot, tenant=tenant)
        try:
            handle = await jobs.complete(scope, number, wanted.result, say=wanted.say)
        except JobAlreadyComplete:
            return JSONResponse({"number": number, "already": True})
        return accepted_response(request, handle, number=number, already=False)

    return router
