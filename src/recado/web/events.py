"""``/api/v1/events``: where programs say what has happened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from recado.config import Settings
from recado.domain.cloudevents import (
    MOST,
    CloudEvent,
    batch_of_events,
    binary_event,
    is_binary,
    plain_event,
    structured_event,
)
from recado.domain.event import Emitted, Event, checked, written
from recado.domain.ids import new_id
from recado.domain.strict_json import read_strictly
from recado.errors import InvalidEvent
from recado.web.asking import key_of
from recado.web.auth import Caller, KeyCheck
from recado.web.body import media_type
from recado.web.problems import HttpProblem, problem_of

#: Takes in events, all of them or none.
EmitMany = Callable[[Sequence[Event]], Awaitable[Sequence[Emitted]]]

_STRUCTURED = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_PLAIN = "application/json"
#: Where an event happened that says nothing about it.
_SOURCE = "/api/v1/events"


class EventTaken(BaseModel):
    """What became of one event."""

    id: str
    source: str
    subject: str = Field(description="What watches of it name; of an event without one its source.")
    replayed: bool = Field(
        description="Whether its source and id were known already, so that it fires nothing."
    )
    watching: int = Field(description="Watches that look at it.")


class EventsTaken(BaseModel):
    """What became of the events of a request; they are committed."""

    accepted: int = Field(description="Events that were new.")
    replayed: int = Field(description="Events that were known already.")
    watching: int = Field(description="Watches that look at them, counted for each event.")
    events: list[EventTaken] = Field(description="One entry an event, in their order.")


def events_routes(emit_many: EmitMany, settings: Settings) -> APIRouter:
    """The way in for events. In demo mode it is open to the demo's page, which has no key."""
    router = APIRouter(tags=["events"])
    may_call = Depends(KeyCheck(settings, open_in_demo=True))

    @router.post(
        "/api/v1/events",
        summary="Say what has happened",
        status_code=202,
        response_model=EventsTaken,
        openapi_extra={"requestBody": {"required": True, "content": _BODIES}},
    )
    async def emit(
        request: Request,
        caller: Caller = may_call,
        *,
        idempotency_key: Annotated[
            str | None, Header(description="The id of a plain event that has none.")
        ] = None,
    ) -> JSONResponse:
        """CloudEvents 1.0 in structured, binary or batched mode, or `{"subject": …, "value": …}`.

        Committed when it is answered; who watches the subject is told afterwards.
        """
        try:
            events = await _events_of(request, caller, key_of(idempotency_key))
            emitted = await _taken_in(emit_many, events)
        except InvalidEvent as error:
            raise _refused(error) from None
        taken = [_taken(*pair) for pair in zip(events, emitted, strict=True)]
        replayed = sum(each.replayed for each in taken)
        answer = EventsTaken(
            accepted=len(taken) - replayed,
            replayed=replayed,
            watching=sum(each.watching for each in taken),
            events=taken,
        )
        return JSONResponse(answer.model_dump(mode="json"), 202)

    return router


async def _events_of(request: Request, caller: Caller, key: str | None) -> Sequence[CloudEvent]:
    """The events of a request, in whichever of the forms its media type and headers say.

    Raises:
        HttpProblem: it has no form known here, or is no JSON.
        InvalidEvent: one of them cannot be used.
    """
    kind = media_type(request)
    if kind == _STRUCTURED:
        return [structured_event(await _json(request))]
    if kind == _BATCH:
        return batch_of_events(_bounded(await _json(request)))
    if kind.startswith("application/cloudevents"):
        raise _unsupported(f"{kind} is not read here")
    if is_binary(request.headers):
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw
        ]
        return [binary_event(headers, await request.body())]
    if kind != _PLAIN:
        raise _unsupported(f"The content type is {kind or 'missing'}")
    read = await _json(request)
    if (isinstance(read, dict) and "specversion" in read) or isinstance(read, list):
        raise _unsupported("The body looks like CloudEvents, and its content type says otherwise")
    # Each key has ids of its own, as it has idempotency keys of its own.
    source = f"{_SOURCE}#{caller.scope}" if caller.scope else _SOURCE
    return [plain_event(read, source=source, event_id=new_id() if key is None else key)]


async def _taken_in(emit_many: EmitMany, events: Sequence[CloudEvent]) -> Sequence[Emitted]:
    """What became of them.

    Raises:
        InvalidEvent: one of them cannot be kept; of several the error says which.
    """
    observed = [each.observed() for each in events]
    try:
        return await emit_many(observed)
    except InvalidEvent:
        if len(observed) > 1:
            for index, each in enumerate(observed):
                try:
                    written(checked(each).data)
                except InvalidEvent as error:
                    raise error.of_batch(index) from None
        raise


async def _json(request: Request) -> Any:
    try:
        return read_strictly(await request.body())
    except ValueError as error:
        raise HttpProblem(400, "malformed_json", f"The body is not valid JSON: {error}.") from None


def _bounded(value: Any) -> Any:
    if isinstance(value, list) and len(value) > MOST:
        raise HttpProblem(
            413,
            "request_too_large",
            f"A batch has at most {MOST:,} events, and this one has {len(value):,}: send several.",
        )
    return value


def _unsupported(fault: str) -> HttpProblem:
    return HttpProblem(
        415,
        "unsupported_media_type",
        f"{fault}: send {_STRUCTURED}, {_BATCH}, the event's data with its attributes in ce- "
        f'headers, or {_PLAIN} with {{"subject": "tea", "value": 3.20}}.',
    )


def _refused(error: InvalidEvent) -> HttpProblem:
    """The problem, with the place of the fault for programs."""
    problem = problem_of(error)
    place = [str(each) for each in (error.index, error.field) if each is not None]
    if place:
        problem.errors = [{"field": ".".join(place), "detail": str(error)}]
    return problem


def _taken(event: CloudEvent, emitted: Emitted) -> EventTaken:
    return EventTaken(
        id=event.id,
        source=event.source,
        subject=event.subject,
        replayed=emitted.replayed,
        watching=emitted.watching,
    )


_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "A CloudEvent in the JSON event format.",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": 1024},
        "source": {"type": "string", "format": "uri-reference"},
        "type": {"type": "string", "minLength": 1, "maxLength": 1024},
        "subject": {"type": "string", "minLength": 1, "maxLength": 1024},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"type": "string"},
        "dataschema": {"type": "string", "format": "uri"},
        "data": {"description": "Any JSON value."},
        "data_base64": {"type": "string", "contentEncoding": "base64"},
    },
}
_BODIES: dict[str, Any] = {
    _STRUCTURED: {"schema": _EVENT},
    _BATCH: {"schema": {"type": "array", "items": _EVENT, "maxItems": MOST}},
    _PLAIN: {
        "schema": {
            "type": "object",
            "description": "A subject and what is known of it now.",
            "required": ["subject", "value"],
            "additionalProperties": False,
            "properties": {
                "subject": {"type": "string", "minLength": 1, "maxLength": 1024},
                "value": {"description": "Any JSON value."},
                **{name: _EVENT["properties"][name] for name in ("type", "source", "id", "time")},
            },
        }
    },
}
