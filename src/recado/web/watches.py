"""``/api/v1/watches``: rules over what happens, and who is told when one becomes true."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from starlette.responses import JSONResponse

from recado.config import Settings
from recado.domain.watch import Watch, WatchState
from recado.watches import LIVE, HowSaid, Watches
from recado.web.asked import asked, body_of
from recado.web.asking import Moment, Name, Period, key_of
from recado.web.auth import Caller, KeyCheck

#: Beyond this a cool-down is a mistake.
_LONGEST = timedelta(days=3660)

Which = Annotated[str, Path(max_length=255, description="The watch's id, or its key.")]
After = Annotated[str | None, Query(max_length=255)]
Limit = Annotated[int, Query(ge=1, le=1000)]


def _silence(value: object) -> timedelta:
    """Seconds, which may be none."""
    most = _LONGEST.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ValueError(f"write a number of seconds, at most {_LONGEST.days} days of them")
    return timedelta(seconds=value)


Silence = Annotated[
    timedelta,
    PlainValidator(_silence),
    WithJsonSchema({"type": "number", "minimum": 0, "description": "Seconds."}),
]


class WatchRequest(BaseModel):
    """A watch that is to be made. At most one of text, activity and handler is given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    to: str = Field(
        min_length=1, max_length=4096, description="`user:<id or e-mail>` or `conversation:<id>`."
    )
    subject: str = Field(
        min_length=1, max_length=1024, description="What is watched, as events name it."
    )
    rule: str = Field(
        min_length=1,
        max_length=255,
        description="`drop 20%`, `drop 5`, `rise 10%`, `below 50`, `above 100`, `crosses 50`, "
        "`changes` or `equals sold out`; a drop or rise may end in `from notified`, `from maximum` "
        "or `from minimum`.",
    )
    text: str | None = Field(
        default=None,
        description="A message, in Markdown, in which {subject}, {value}, {before}, {change}, "
        "{percent} and {rule} are filled in.",
    )
    activity: dict[str, Any] | None = Field(
        default=None, description="An activity instead; its text, summary and speak are filled in."
    )
    handler: Name | None = Field(
        default=None, description="Name of a handler that runs as a turn and says what it wants."
    )
    value: Any = Field(default=None, description="JSON payload for the handler.")
    value_type: Name | None = Field(default=None, description="The event's valueType.")
    path: Name | None = Field(
        default=None,
        description="Where in the data the value is: `offer.price` or `/offers/0/price`.",
    )
    cooldown: Silence | None = Field(
        default=None, description="It is silent for so many seconds after it has spoken."
    )
    repeat: bool = Field(default=False, description="Whether it goes on after it has spoken.")
    key: Name | None = Field(
        default=None, description="Your own name for it: with one that is taken that watch answers."
    )
    expires: Moment | None = None
    user: dict[str, Any] | None = Field(
        default=None, description="ChannelAccount of the person it is for, in a group."
    )
    mode: Literal["now", "when_idle", "after_dialog", "next_turn", "as_turn"] = "now"
    quiet: Period | None = None
    max_wait: Period | None = None
    priority: Literal["urgent", "normal", "low"] = "normal"
    on_unknown: Literal["retry", "park"] | None = None
    category: Name | None = None

    @property
    def how(self) -> HowSaid:
        """How it is said."""
        return HowSaid(
            mode=self.mode,
            quiet=self.quiet,
            max_wait=self.max_wait,
            priority=self.priority,
            on_unknown=self.on_unknown,
            category=self.category,
            value=self.value,
            value_type=self.value_type,
        )


class WatchOut(BaseModel):
    """One watch."""

    id: str
    number: int = Field(description="Its own among the watches of its conversation.")
    subject: str
    rule: str
    path: str | None
    to: str
    reference_id: str
    conversation_id: str
    user: dict[str, Any] | None
    activity: dict[str, Any] | None = Field(description="What it says, with templates.")
    handler: str | None
    repeat: bool
    cooldown: float | None
    key: str | None
    state: WatchState
    baseline: str | None = Field(description="What the next value is compared with.")
    armed: bool = Field(
        description="Whether it fires as soon as its rule is true: false while it has been true."
    )
    fired: int
    fired_at: datetime | None
    trouble: str | None = Field(description="Why it could not look at the last event.")
    created_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, watch: Watch) -> WatchOut:
        """As it is shown."""
        return cls(
            id=watch.id,
            number=watch.number,
            subject=watch.subject,
            rule=str(watch.rule),
            path=watch.path,
            to=watch.audience,
            reference_id=watch.reference_id,
            conversation_id=watch.conversation_id,
            user=None if watch.user is None else dict(watch.user),
            activity=None if watch.content is None else dict(watch.content),
            handler=watch.handler,
            repeat=watch.repeats,
            cooldown=None if watch.cooldown is None else watch.cooldown.total_seconds(),
            key=watch.key,
            state=watch.state,
            baseline=watch.baseline,
            armed=watch.armed,
            fired=watch.fired,
            fired_at=watch.fired_at,
            trouble=watch.trouble,
            created_at=watch.created_at,
            expires_at=watch.expires_at,
            ended_at=watch.ended_at,
        )


class WatchPage(BaseModel):
    """A page of watches."""

    items: list[WatchOut]
    next: str | None = Field(description="Send this as `after` for the next page; null at the end.")


def watches_routes(watches: Watches, settings: Settings) -> APIRouter:
    """Watches over HTTP. What they look at comes to ``POST /api/v1/events``."""
    router = APIRouter(prefix="/api/v1/watches", tags=["watches"])
    may_call = Depends(KeyCheck(settings))

    @router.post(
        "",
        summary="Tell somebody when a rule becomes true",
        status_code=201,
        response_model=WatchOut,
        responses={200: {"description": "It had been made, under the same key."}},
        openapi_extra=body_of(WatchRequest),
    )
    async def create(
        request: Request,
        caller: Caller = may_call,
        *,
        idempotency_key: Annotated[
            str | None, Header(description="As key in the body, each caller with its own.")
        ] = None,
    ) -> JSONResponse:
        """It looks at the events that come from then on, and begins with what is known now."""
        wanted = await asked(request, WatchRequest)
        key, own = wanted.key, key_of(idempotency_key)
        if key is None and own is not None:
            key = f"{caller.scope}:{own}"
        made = await watches.create(
            wanted.to,
            subject=wanted.subject,
            rule=wanted.rule,
            text=wanted.text,
            content=wanted.activity,
            handler=wanted.handler,
            path=wanted.path,
            cooldown=wanted.cooldown,
            repeat=wanted.repeat,
            key=key,
            expires=wanted.expires,
            user=wanted.user,
            **wanted.how,
        )
        headers = {"location": f"/api/v1/watches/{made.id}"}
        told = WatchOut.of(made).model_dump(mode="json")
        return JSONResponse(told, 200 if made.replayed else 201, headers)

    @router.get("", summary="The watches, in the order they were made", dependencies=[may_call])
    async def page(
        *,
        subject: Annotated[str | None, Query(max_length=1024, description="Only over it.")] = None,
        to: Annotated[
            str | None,
            Query(max_length=4096, description="Only of `user:<id>` or `conversation:<id>`."),
        ] = None,
        state: Annotated[
            list[WatchState] | None,
            Query(description="Only these; those that may still speak when left out."),
        ] = None,
        after: After = None,
        limit: Limit = 100,
    ) -> WatchPage:
        found = await watches.page(
            subject=subject, audience=to, states=state or LIVE, after=after, limit=limit
        )
        return WatchPage(items=[WatchOut.of(each) for each in found.items], next=found.next)

    @router.get("/{watch_id}", summary="A watch", dependencies=[may_call])
    async def get(watch_id: Which) -> WatchOut:
        return WatchOut.of(await watches.get(watch_id))

    @router.delete("/{watch_id}", summary="End a watch", dependencies=[may_call])
    async def cancel(watch_id: Which) -> WatchOut:
        """Safe to repeat; one that has ended stays as it is."""
        return WatchOut.of(await watches.cancel(watch_id))

    @router.post(
        "/{watch_id}/pause", summary="Have a watch look at nothing", dependencies=[may_call]
    )
    async def pause(watch_id: Which) -> WatchOut:
        return WatchOut.of(await watches.pause(watch_id))

    @router.post("/{watch_id}/resume", summary="Have a watch look again", dependencies=[may_call])
    async def resume(watch_id: Which) -> WatchOut:
        return WatchOut.of(await watches.resume(watch_id))

    return router
