"""``/api/notify``: the notify endpoint, as a page to load and as an API to call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import jinja2
from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import HTMLResponse, JSONResponse

from recado.clock import Clock
from recado.config import Settings
from recado.domain.delivery import State
from recado.domain.notification import Progress
from recado.errors import StoreError
from recado.outbox import Handle, Outbox
from recado.web.answers import Accepted, Forecast, accepted_response, counted_of, planned_of
from recado.web.asking import LONGEST_WAIT, NotifyRequest, key_of, notification_asked
from recado.web.auth import Caller, KeyCheck
from recado.web.pauses import PauseOut
from recado.web.problems import HttpProblem

#: What loading the page says to everybody, as the documented sample does.
HELLO = "proactive hello"

#: Seconds the page waits for the messages to be out.
_PAGE_WAITS = 5.0

_PAGE = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True
).get_template("notified.html")


def notify_routes(outbox: Outbox, clock: Clock, settings: Settings) -> APIRouter:
    """The notify endpoint and what it answers for later."""
    router = APIRouter(tags=["notifications"])
    may_call = Depends(KeyCheck(settings))
    may_load = Depends(KeyCheck(settings, open_in_demo=True))

    @router.get(
        "/api/notify",
        summary=f"Say “{HELLO}” in every known conversation",
        response_class=HTMLResponse,
        dependencies=[may_load],
    )
    async def load(request: Request) -> HTMLResponse:
        """Commits, waits up to five seconds, and answers a page that says how far it got."""
        if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
            # Browsers fetch ahead what they think is being typed.
            raise HttpProblem(503, "prefetch", "This page is not for fetching ahead: load it.")
        if request.query_params:
            raise HttpProblem(
                422,
                "invalid_input",
                "This page always tells everybody and takes no query parameters "
                f"({', '.join(request.query_params)}): leave them out, or POST to say something "
                "else or to somebody in particular.",
            )
        handle = await outbox.notify("all", HELLO)
        progress = await _wait(handle, _PAGE_WAITS)
        return HTMLResponse(_page(handle, progress), headers={"cache-control": "no-store"})

    @router.post(
        "/api/notify",
        summary="Accept something to be said",
        status_code=202,
        response_model=Accepted,
        openapi_extra={
            # As parameters of the function they would lose their repetitions.
            "parameters": [
                {
                    "name": name,
                    "in": where,
                    "required": False,
                    "schema": {"type": "string"},
                    "description": "Whom a text/plain body is for; one of to and X-To is required.",
                }
                for name, where in (("to", "query"), ("x-to", "header"))
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": NotifyRequest.model_json_schema()},
                    "text/plain": {"schema": {"type": "string"}},
                },
            },
        },
    )
    async def notify(
        request: Request,
        caller: Caller = may_call,
        *,
        idempotency_key: Annotated[str | None, Header()] = None,
        dry_run: Annotated[
            bool, Query(description="Say who would get it and how long it would take.")
        ] = False,
    ) -> JSONResponse:
        """Committed when it is answered; delivered afterwards, in order and at the channel's pace.

        A text/plain body is a message to whom the query's `to` or the header X-To says.
        """
        asked = await notification_asked(request)
        if dry_run:
            options = asked.options(key_of(idempotency_key), caller.scope)
            plan = await outbox.plan(asked.to, asked.content, options)
            return JSONResponse(planned_of(plan).model_dump(mode="json"))
        handle = await outbox.accept(
            asked.to,
            asked.content,
            asked.options(key_of(idempotency_key), caller.scope),
        )
        progress = None
        if asked.wait is not False:
            progress = await _wait(handle, LONGEST_WAIT if asked.wait is True else asked.wait)
        return accepted_response(request, handle, progress)

    @router.get(
        "/api/notifications/{notification_id}",
        summary="How far a notification has come, and when it will be out",
        dependencies=[may_call],
        response_model_exclude_none=True,
    )
    async def progress(notification_id: str) -> Forecast:
        """Of one with very many deliveries the counts may be a few seconds old."""
        detail = await outbox.notification(notification_id)
        come = await outbox.progress(notification_id)
        now = clock.now()
        return Forecast(
            **counted_of(come).model_dump(),
            eta=None if come.settled else await outbox.eta(notification_id),
            cancelled_at=detail.cancelled_at,
            not_made=detail.not_made or None,
            pauses=[PauseOut.of(each) for each in detail.pauses if each.active(now)] or None,
        )

    return router


async def _wait(handle: Handle, seconds: float) -> Progress | None:
    """How far it came within *seconds*; it is accepted whatever the database does now."""
    try:
        return await handle.wait(seconds)
    except StoreError:
        return None


def _page(handle: Handle, progress: Progress | None) -> str:
    counts = progress.counts if progress else {}
    out = counts.get(State.DELIVERED, 0)
    ended = sum(n for state, n in counts.items() if state.final or state is State.UNKNOWN) - out
    return _PAGE.render(
        id=handle.id,
        known=progress is not None and progress.expanded,
        total=sum(counts.values()),
        out=out,
        ended=ended,
        waiting=sum(counts.values()) - out - ended,
    )
