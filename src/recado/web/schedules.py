"""``/api/v1/schedules``: what is to be said at times that a rule tells."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic import model_validator as validates_all

from recado.config import Settings
from recado.domain.audience import written
from recado.domain.schedule import Firing, Schedule
from recado.domain.schedule.rules import as_json
from recado.schedules import Schedules
from recado.schedules.saying import shown
from recado.web.asked import asked, body_of
from recado.web.asking import Name, Period, Whom, key_of
from recado.web.auth import KeyCheck

_Id = Annotated[str, Path(max_length=255, description="The schedule's id, or its key.")]
_To = Annotated[str, Query(max_length=4096, description="`user:<id>` or `conversation:<id>`.")]
_User = Annotated[
    str | None, Query(max_length=255, description="In a group: only what is about this person.")
]
#: Times and occurrences that are shown of one schedule.
_SHOWN = 20


def _time(value: object) -> datetime:
    """An ISO 8601 instant, or a time on the wall."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError(
        "write an instant, 2026-12-24T18:00:00+01:00, or without an offset the time that clocks "
        "show in the zone"
    )


Time = Annotated[
    datetime,
    PlainValidator(_time),
    WithJsonSchema(
        {
            "type": "string",
            "description": "An instant, or without an offset the time that clocks show in `zone`.",
        }
    ),
]


class WhenRequest(BaseModel):
    """When. Exactly one of at, after, every, cron and rrule is given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    at: Time | None = Field(default=None, description="Once.")
    after: Period | None = Field(default=None, description="Once, after so many seconds.")
    every: Period | None = Field(
        default=None, description="Each time so many seconds have passed; 10 or more."
    )
    cron: str | None = Field(
        default=None, max_length=1000, description="Five fields: minute hour day month weekday."
    )
    rrule: str | None = Field(
        default=None,
        max_length=10_000,
        description="A recurrence rule of RFC 5545; DTSTART, EXDATE and RDATE lines if wanted.",
    )
    zone: Name | None = Field(
        default=None, description="IANA name; the recipient's zone when left out."
    )
    start: Time | None = Field(default=None, description="Nothing is said before.")
    until: Time | None = Field(default=None, description="Nothing is said after.")

    def when(self) -> dict[str, Any]:
        """The same as the use case takes it."""
        return {name: getattr(self, name) for name in WhenRequest.model_fields}


class ScheduleRequest(WhenRequest):
    """What to say, to whom, when and how. Exactly one of text, activity and handler is given."""

    to: Whom = Field(description="Whom it is for, as for /api/notify.")
    text: str | None = Field(default=None, description="A message, in Markdown.")
    activity: dict[str, Any] | None = Field(
        default=None, description="Any activity of the protocol, without its address."
    )
    handler: Name | None = Field(
        default=None, description="Name of a handler that runs as a turn and says what it wants."
    )
    value: Any = Field(default=None, description="JSON payload for the handler.")
    value_type: Name | None = Field(default=None, description="The event's valueType.")
    mode: Literal["now", "when_idle", "after_dialog", "next_turn", "as_turn"] = "now"
    priority: Literal["urgent", "normal", "low"] = "normal"
    on_unknown: Literal["retry", "park"] | None = None
    collapse_key: Name | None = None
    category: Name | None = None
    user: dict[str, Any] | None = Field(
        default=None, description="ChannelAccount of the person it is about, in a group."
    )
    quiet: Period | None = Field(default=None, description="As for /api/notify; so are these.")
    max_wait: Period | None = None
    answer_handler: Name | None = None
    answer_value: Any = None
    answer_within: Period | None = None
    once_key: Name | None = None
    once_every: Period | None = None
    key: Name | None = Field(
        default=None, description="Your own name for it; the same request is answered with it."
    )
    title: Name | None = Field(default=None, description="What it is, for people.")
    misfire: Literal["once", "all", "skip"] = Field(
        default="once", description="What becomes of times that passed while nothing was running."
    )
    late_limit: Period | None = Field(
        default=None, description="What is later than so many seconds is not made up for."
    )
    jitter: Period | None = Field(
        default=None, description="Each is said up to so many seconds later; 3600 at most."
    )
    unless_spoken: bool = Field(
        default=False, description="Cancelled once the person has spoken in that conversation."
    )
    expires_after: Period | None = Field(
        default=None, description="Seconds after which it is no longer worth delivering."
    )

    @validates_all(mode="after")
    def _check_content(self) -> ScheduleRequest:
        if self.text is not None and self.activity is not None:
            raise ValueError("give text or activity, not both")
        return self

    def how(self) -> dict[str, Any]:
        """Everything but what is said, to whom and when."""
        said = {*WhenRequest.model_fields, "to", "text", "activity", "key"}
        return {name: getattr(self, name) for name in type(self).model_fields if name not in said}


class ScheduleOut(BaseModel):
    """One schedule."""

    id: str
    key: str | None
    title: str | None
    state: Literal["active", "paused", "done", "cancelled"]
    reason: str | None = Field(description="Why it is paused or cancelled, if nobody asked for it.")
    to: list[str]
    activity: str | None = Field(description="What is said, as JSON; null for a handler.")
    options: dict[str, Any]
    rule: dict[str, Any]
    zone: str
    next_at: datetime | None = Field(description="When it is said next; null if it will not be.")
    fired: int = Field(description="How often it has been said.")
    last_fired_at: datetime | None
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleOut:
        """As it is shown."""
        return cls(**_shown(schedule))


def _shown(schedule: Schedule) -> dict[str, Any]:
    saying = schedule.saying
    return {
        "id": schedule.id,
        "key": schedule.key,
        "title": schedule.title,
        "state": str(schedule.state),
        "reason": schedule.reason,
        "to": written(saying.audience),
        "activity": saying.content,
        "options": shown(saying),
        "rule": as_json(schedule.rule),
        "zone": schedule.zone,
        "next_at": schedule.next_at,
        "fired": schedule.fired,
        "last_fired_at": schedule.last_fired_at,
        "created_at": schedule.created_at,
        "ended_at": schedule.ended_at,
    }


class OccurrenceOut(BaseModel):
    """What became of an occurrence."""

    occurrence: datetime
    fired_at: datetime
    kind: Literal["fired", "run", "spoken", "failed"]
    notification_id: str | None
    detail: str | None

    @classmethod
    def of(cls, firing: Firing) -> OccurrenceOut:
        """As it is shown."""
        return cls(
            occurrence=firing.occurrence,
            fired_at=firing.fired_at,
            kind=firing.kind.value,
            notification_id=firing.notification_id,
            detail=firing.detail,
        )


class ScheduleDetail(ScheduleOut):
    """A schedule with what it will come to and what it came to."""

    upcoming: list[datetime]
    history: list[OccurrenceOut] = Field(description="The latest first.")


class SchedulePage(BaseModel):
    """A page of schedules, newest first."""

    items: list[ScheduleOut]
    next: str | None = Field(description="Send this as `after` for the next page; null at the end.")


class UpcomingOut(BaseModel):
    """One time that something will be said."""

    at: datetime
    schedule_id: str
    key: str | None
    title: str | None


class UpcomingList(BaseModel):
    """What will be said next, the first first."""

    items: list[UpcomingOut]


def schedules_routes(schedules: Schedules, settings: Settings) -> APIRouter:
    """Schedules over HTTP."""
    router = APIRouter(
        prefix="/api/v1/schedules", tags=["schedules"], dependencies=[Depends(KeyCheck(settings))]
    )

    @router.post(
        "",
        summary="Have something said at times that a rule tells",
        status_code=201,
        openapi_extra=body_of(ScheduleRequest),
    )
    async def create(
        request: Request, *, idempotency_key: Annotated[str | None, Header()] = None
    ) -> ScheduleOut:
        """Committed when it is answered. An Idempotency-Key is its key if it has none."""
        wanted = await asked(request, ScheduleRequest)
        content = wanted.text if wanted.text is not None else wanted.activity
        key = wanted.key if wanted.key is not None else key_of(idempotency_key)
        made = await schedules.create(wanted.to, content, key=key, **wanted.when(), **wanted.how())
        return ScheduleOut.of(made)

    @router.get("", summary="Schedules, newest first")
    async def page(
        state: Literal["active", "paused", "done", "cancelled"] | None = None,
        to: Annotated[str | None, Query(max_length=4096)] = None,
        user: _User = None,
        after: Annotated[str | None, Query(max_length=255)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> SchedulePage:
        found = await schedules.page(state=state, to=to, user_id=user, after=after, limit=limit)
        return SchedulePage(items=[ScheduleOut.of(each) for each in found.items], next=found.next)

    @router.get("/upcoming", summary="What a person or conversation will be told next")
    async def upcoming(
        to: _To, user: _User = None, limit: Annotated[int, Query(ge=1, le=1000)] = 10
    ) -> UpcomingList:
        """Over all schedules that name them; one that repeats is in it as often as it comes."""
        found = await schedules.upcoming(to, limit, user_id=user)
        return UpcomingList(
            items=[
                UpcomingOut(
                    at=each.at,
                    schedule_id=each.schedule.id,
                    key=each.schedule.key,
                    title=each.schedule.title,
                )
                for each in found
            ]
        )

    @router.get("/{name}", summary="A schedule, what comes next and what came of it")
    async def get(name: _Id) -> ScheduleDetail:
        found = await schedules.get(name)
        history = await schedules.firings(found.id, _SHOWN)
        return ScheduleDetail(
            **_shown(found),
            upcoming=[each.fires_at for each in islice(found.occurrences(), _SHOWN)],
            history=[OccurrenceOut.of(each) for each in history],
        )

    @router.patch("/{name}", summary="Give it other times", openapi_extra=body_of(WhenRequest))
    async def reschedule(request: Request, name: _Id) -> ScheduleOut:
        """What it says stays. One that was paused is active then."""
        wanted = await asked(request, WhenRequest)
        return ScheduleOut.of(await schedules.reschedule(name, **wanted.when()))

    @router.delete("/{name}", summary="Cancel it")
    async def cancel(name: _Id) -> ScheduleOut:
        """What it has said already stays said."""
        return ScheduleOut.of(await schedules.cancel(name))

    @router.post("/{name}/pause", summary="Let it rest")
    async def pause(name: _Id) -> ScheduleOut:
        """Times that pass meanwhile are not made up for."""
        return ScheduleOut.of(await schedules.pause(name))

    @router.post("/{name}/resume", summary="Have it go on")
    async def resume(name: _Id) -> ScheduleOut:
        return ScheduleOut.of(await schedules.resume(name))

    @router.post("/{name}/run", summary="Say it once more now", status_code=202)
    async def run(name: _Id) -> OccurrenceOut:
        """When it is said next stays as it is."""
        return OccurrenceOut.of(await schedules.run_now(name))

    return router
