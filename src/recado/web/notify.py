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

#: Most recipients of one request, and most characters of one.
_MOST_NAMED, _LONGEST_NAME = 1000, 4096

_RECIPIENTS = "all, user:<id or e-mail>, conversation:<id>, or a list of the latter two"

_PAGE = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True
).get_template("notified.html")


def _moment(value: object) -> datetime | timedelta:
    """An ISO 8601 instant, or seconds from now."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value) or not 0 <= value <= _LONGEST_DELAY.total_seconds():
            most = _LONGEST_DELAY.total_seconds()
            raise ValueError(
                f"a delay is a number of seconds from 0 to {most:.0f}, which is "
                f"{_LONGEST_DELAY.days} days: write an instant for what is further away"
            )
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


def _whom(value: Any) -> Any:
    """One recipient, or several."""
    names = value if isinstance(value, list) else [value]
    if not 1 <= len(names) <= _MOST_NAMED:
        raise ValueError(f"name 1 to {_MOST_NAMED} recipients, or all")
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"write {_RECIPIENTS}")
        if len(name) > _LONGEST_NAME:
            raise ValueError(f"a recipient has at most {_LONGEST_NAME} characters")
    return value


def _seconds(value: object) -> bool | float:
    """How long to wait."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and 0 <= value <= _LONGEST_WAIT:
        return value
    raise ValueError(f"write a number of seconds from 0 to {_LONGEST_WAIT:.0f}, or true")


Whom = Annotated[
    str | list[str],
    PlainValidator(_whom),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": _LONGEST_NAME},
                {
                    "type": "array",
                    "items": {"type": "string", "minLength": 1, "maxLength": _LONGEST_NAME},
                    "minItems": 1,
                    "maxItems": _MOST_NAMED,
                },
            ]
        }
    ),
]
Seconds = Annotated[
    bool | float,
    PlainValidator(_seconds),
    WithJsonSchema(
        {"anyOf": [{"type": "boolean"}, {"type": "number", "minimum": 0, "maximum": _LONGEST_WAIT}]}
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=255)]


class NotifyRequest(BaseModel):
    """What to say, to whom, and how. Exactly one of text, activity and handler is given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    to: Whom = Field(description=f"{_RECIPIENTS}.")
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
    wait: Seconds = Field(
        default=False,
        description=f"Seconds to wait until it is delivered; true waits {_LONGEST_WAIT:.0f}.",
    )

    @validates_all(mode="after")
    def _check_content(self) -> NotifyRequest:
        said = self.text is not None or self.activity is not None
        if self.mode == "as_turn" and said:
            raise ValueError("as_turn takes value and value_type; leave out text and activity")
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
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> JSONResponse:
        """Committed when it is answered; delivered afterwards, in order and at the channel's pace.

        A text/plain body is a message to whom the query's `to` or the header X-To says.
        """
        asked = await _asked(request)
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


async def _asked(request: Request) -> NotifyRequest:
    unknown = [name for name in request.query_params if name != "to"]
    if unknown:
        raise HttpProblem(
            422,
            "invalid_input",
            f"There is no query parameter {', '.join(unknown)}: the only one is to, for a body of "
            "text; everything else goes into a JSON body.",
        )
    if is_json(request):
        given = await read_json_object(request)
        if "to" in request.query_params or "x-to" in request.headers:
            raise HttpProblem(
                422,
                "invalid_input",
                "A JSON body says itself whom it is for: leave out ?to= and X-To, and put to into "
                "the body.",
            )
    else:
        given = {"text": await _text(request), "to": _recipient(request)}
    try:
        return NotifyRequest.model_validate(given)
    except ValidationError as error:
        known = list(NotifyRequest.model_fields)
        raise invalid_fields(error.errors(), given, known=known) from None


def _recipient(request: Request) -> str:
    """Whom a body of text is for; a slip of the pen must not tell everybody."""
    named = [*request.query_params.getlist("to"), *request.headers.getlist("x-to")]
    if len(named) > 1:
        raise HttpProblem(
            422,
            "invalid_input",
            "The recipient is given more than once: give one ?to= or one X-To, or send JSON with "
            "a list.",
        )
    if not named or not named[0].strip():
        raise HttpProblem(
            422,
            "invalid_input",
            "Say whom it is for, in the query or in the header X-To: ?to=all for everybody, or "
            "?to=user:<id or e-mail> or ?to=conversation:<id>.",
        )
    return named[0].strip()


async def _text(request: Request) -> str:
    """The text of a plain body; ``curl -d`` calls it a form."""
    kind = media_type(request)
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError:
        raise HttpProblem(400, "not_utf8", "The body is not UTF-8 text: convert it.") from None
    if kind not in ("", "text/plain", "application/x-www-form-urlencoded"):
        raise HttpProblem(
            415,
            "unsupported_media_type",
            "Send Content-Type: application/json with an object, or text/plain with a message.",
        )
    if text.removeprefix("\ufeff").lstrip().startswith("{"):
        # JSON without its content type would be read out to people.
        raise HttpProblem(
            415,
            "unsupported_media_type",
            "The body looks like JSON: say Content-Type: application/json. To send a message "
            "that begins with {, put it into a JSON body as text.",
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
