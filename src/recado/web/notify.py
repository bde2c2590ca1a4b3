"""``/api/notify``: the notify endpoint, as a page to load and as an API to call."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import jinja2
from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic import model_validator as validates_all
from starlette.responses import HTMLResponse, JSONResponse

from recado.config import Settings
from recado.domain.delivery import State
from recado.domain.notification import Progress
from recado.errors import StoreError
from recado.outbox import Handle, Outbox
from recado.web.auth import Caller, KeyCheck
from recado.web.body import is_json, media_type, read_json_object
from recado.web.problems import HttpProblem, invalid_fields

#: What loading the page says to everybody, as the documented sample does.
HELLO = "proactive hello"

#: Seconds the page waits for the messages to be out.
_PAGE_WAITS = 5.0

#: Longest wait a caller can ask for, and what ``true`` means; proxies give up after a minute.
_LONGEST_WAIT = 30.0

#: Beyond this an instant cannot be computed with; nobody waits that long.
_LONGEST_DELAY = timedelta(days=3660)

_PAGE = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True
).get_template("notified.html")


def _moment(value: object) -> datetime | timedelta:
    """An ISO 8601 instant, or seconds from now."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value) or not 0 <= value <= _LONGEST_DELAY.total_seconds():
            raise ValueError("a delay is a number of seconds, 0 or more")
        return timedelta(seconds=value)
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            if moment.tzinfo is None:
                raise ValueError("an instant has a time zone: 2026-12-24T18:00:00+01:00")
            return moment
    raise ValueError("write an instant, 2026-12-24T18:00:00+01:00, or seconds from now")


Moment = Annotated[
    datetime | timedelta,
    PlainValidator(_moment),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number", "minimum": 0}],
            "description": "An instant with a time zone, or seconds from now.",
        }
    ),
]
Whom = Annotated[str, Field(min_length=1, max_length=4096)]
Name = Annotated[str, Field(min_length=1, max_length=255)]


class NotifyRequest(BaseModel):
    """What to say, to whom, and how. Exactly one of text, activity and handler is given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    to: Whom | Annotated[list[Whom], Field(min_length=1, max_length=1000)] = Field(
        description="all, user:<id or e-mail>, conversation:<id>, or a list of the latter two."
    )
    text: str | None = Field(default=None, description="A message, in Markdown.")
    activity: dict[str, Any] | None = Field(
        default=None, description="Any activity of the protocol, without its address."
    )
    handler: Name | None = Field(
        default=None, description="Name of a handler that runs as a turn and says what it wants."
    )
    value: Any = Field(default=None, description="JSON payload for the handler.")
    value_type: Name | None = Field(default=None, description="The event's valueType.")
    mode: Literal["now", "as_turn"] = Field(
        default="now", description="as_turn: the bot's own turn handler decides what is said."
    )
    when: Moment | None = None
    expires: Moment | None = None
    priority: Literal["urgent", "normal", "low"] = "normal"
    on_unknown: Literal["retry", "park"] | None = Field(
        default=None,
        description="When the channel may have it: try again (at least once), or leave it to a "
        "person (at most once).",
    )
    collapse_key: Name | None = Field(
        default=None, description="Supersedes unsent messages with the same key."
    )
    category: Name | None = None
    user: dict[str, Any] | None = Field(
        default=None, description="ChannelAccount of the person it is about, in a group."
    )
    wait: bool | Annotated[float, Field(ge=0, le=_LONGEST_WAIT, allow_inf_nan=False)] = Field(
        default=False,
        description=f"Seconds to wait until it is delivered; true waits {_LONGEST_WAIT:.0f}.",
    )

    @validates_all(mode="after")
    def _check_content(self) -> NotifyRequest:
        if self.text is not None and self.activity is not None:
            raise ValueError("give text or activity, not both")
        return self


class Counted(BaseModel):
    """How far a notification has come."""

    id: str
    accepted_at: datetime
    expanded: bool = Field(description="Whether every recipient is counted already.")
    settled: bool = Field(description="Whether nothing more will happen by itself.")
    total: int
    out: int = Field(description="Deliveries the channel has taken.")
    counts: dict[str, int] = Field(description="Deliveries by state.")


class Accepted(BaseModel):
    """A notification that is committed."""

    id: str
    deliveries: list[str] = Field(
        description="Ids of the deliveries; empty for a broadcast, whose deliveries are made "
        "after it is accepted."
    )
    replayed: bool = Field(description="Whether the idempotency key had been used for it before.")
    progress: Counted | None = Field(default=None, description="After waiting.")


def notify_routes(outbox: Outbox, settings: Settings) -> APIRouter:
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
        handle = await outbox.notify("all", HELLO)
        progress = await _wait(handle, _PAGE_WAITS)
        return HTMLResponse(_page(handle, progress), headers={"cache-control": "no-store"})

    @router.post(
        "/api/notify",
        summary="Accept something to be said",
        status_code=202,
        response_model=Accepted,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": NotifyRequest.model_json_schema()},
                    "text/plain": {"schema": {"type": "string"}},
                },
            }
        },
    )
    async def notify(
        request: Request,
        caller: Caller = may_call,
        idempotency_key: Annotated[str | None, Header()] = None,
        x_to: Annotated[str | None, Header(description="For a text/plain body.")] = None,
        to: str | None = None,
    ) -> JSONResponse:
        """Committed when it is answered; delivered afterwards, in order and at the channel's pace.

        A text/plain body is a message to whom the header X-To or the query's `to` says, or to
        all.
        """
        asked = await _asked(request, to or x_to)
        handle = await outbox.notify(
            asked.to,
            asked.text if asked.text is not None else asked.activity,
            when=asked.when,
            expires=asked.expires,
            mode=asked.mode,
            priority=asked.priority,
            on_unknown=asked.on_unknown,
            idempotency_key=_key(idempotency_key),
            idempotency_scope=caller.scope,
            collapse_key=asked.collapse_key,
            category=asked.category,
            handler=asked.handler,
            value=asked.value,
            value_type=asked.value_type,
            user=asked.user,
        )
        progress = None
        if asked.wait is not False:
            progress = await _wait(handle, _LONGEST_WAIT if asked.wait is True else asked.wait)
        return accepted_response(request, handle, progress)

    @router.get(
        "/api/notifications/{notification_id}",
        summary="How far a notification has come",
        dependencies=[may_call],
    )
    async def progress(notification_id: str) -> Counted:
        return _counted(await outbox.progress(notification_id))

    return router


def accepted_response(
    request: Request, handle: Handle, progress: Progress | None = None, **members: Any
) -> JSONResponse:
    """202, where to ask about it, and whether it was accepted earlier."""
    answer = Accepted(
        id=handle.id,
        deliveries=list(handle.delivery_ids),
        replayed=handle.replayed,
        progress=None if progress is None else _counted(progress),
    )
    headers = {"location": f"{request.scope.get('root_path', '')}/api/notifications/{handle.id}"}
    if handle.replayed:
        headers["idempotency-replay"] = "true"
    content = answer.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content | members, 202, headers)


async def _asked(request: Request, to: str | None) -> NotifyRequest:
    try:
        if is_json(request):
            return NotifyRequest.model_validate(await read_json_object(request))
        return NotifyRequest.model_validate({"to": to or "all", "text": await _text(request)})
    except ValidationError as error:
        known = list(NotifyRequest.model_fields)
        raise invalid_fields(error.errors(), known=known) from None


async def _text(request: Request) -> str:
    """The text of a plain body; ``curl -d`` calls it a form."""
    kind = media_type(request)
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError:
        raise HttpProblem(400, "not_utf8", "The body is not UTF-8 text: convert it.") from None
    if kind == "text/plain":
        return text
    if kind not in ("", "application/x-www-form-urlencoded") or text.lstrip().startswith("{"):
        # JSON without its content type would be read out to everybody.
        raise HttpProblem(
            415,
            "unsupported_media_type",
            "Send Content-Type: application/json with an object, or text/plain with a message.",
        )
    return text


def _key(header: str | None) -> str | None:
    """An idempotency key: a structured field's string, or the same without quotes."""
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return key


async def _wait(handle: Handle, seconds: float) -> Progress | None:
    """How far it came within *seconds*; it is accepted whatever the database does now."""
    try:
        return await handle.wait(seconds)
    except StoreError:
        return None


def _counted(progress: Progress) -> Counted:
    return Counted(
        id=progress.notification_id,
        accepted_at=progress.accepted_at,
        expanded=progress.expanded,
        settled=progress.settled,
        total=progress.total,
        out=progress.out,
        counts={str(state): count for state, count in progress.counts.items()},
    )


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
