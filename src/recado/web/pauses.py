"""``/api/pauses``: letting nothing leave for a while, and showing what is paused and why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic import model_validator as validates_all

from recado.config import Settings
from recado.domain.pause import Pause
from recado.domain.pausing import resume_command
from recado.outbox import Outbox
from recado.web.asked import asked, body_of
from recado.web.auth import Caller, KeyCheck

Name = Annotated[str, Field(min_length=1, max_length=4096)]


class Paused(BaseModel):
    """What is paused or resumed: one thing, or everything."""

    model_config = ConfigDict(extra="forbid", strict=True)

    everything: bool = Field(default=False, description="All bots of this database.")
    bot: Name | None = None
    conversation: Name | None = Field(
        default=None, description="By its reference's id or the channel's."
    )
    notification: Name | None = None

    @validates_all(mode="after")
    def _check_one(self) -> Paused:
        named = [self.everything or None, self.bot, self.conversation, self.notification]
        if sum(each is not None for each in named) != 1:
            raise ValueError("give one of everything (true), bot, conversation and notification")
        return self


class PauseRequest(Paused):
    """What is to be paused, and why."""

    reason: str = Field(default="", max_length=255, description="For those who ask later.")


class PauseOut(BaseModel):
    """A pause: by a person, by a breaker before what fails, or by a channel's 429."""

    kind: str
    bot: str | None
    channel: str | None
    tenant: str | None
    name: str | None = Field(
        description="Id of the conversation's reference or of the notification, service URL, or "
        "pace key."
    )
    reason: str | None
    since: datetime
    until: datetime | None = Field(description="Null until somebody resumes.")
    by: str | None = Field(description="Who paused it, if known.")
    resume: str | None = Field(description="The command that ends it; null for one that ends.")

    @classmethod
    def of(cls, pause: Pause) -> PauseOut:
        """As it is shown."""
        return cls(
            kind=pause.kind,
            bot=pause.bot or None,
            channel=pause.channel or None,
            tenant=pause.tenant or None,
            name=pause.name or None,
            reason=pause.reason or None,
            since=pause.since,
            until=pause.until,
            by=pause.by,
            resume=resume_command(pause),
        )


class PauseList(BaseModel):
    """Everything that is paused."""

    items: list[PauseOut]


class Resumed(BaseModel):
    """Whether something was resumed."""

    resumed: bool = Field(description="False if it was not paused.")


def pauses_routes(outbox: Outbox, settings: Settings) -> APIRouter:
    """Pauses over HTTP."""
    router = APIRouter(tags=["pauses"])
    may_call = Depends(KeyCheck(settings))

    @router.get("/api/pauses", summary="What is paused now, and why", dependencies=[may_call])
    async def pauses() -> PauseList:
        return PauseList(items=[PauseOut.of(each) for each in await outbox.pauses()])

    @router.post(
        "/api/pause",
        summary="Let nothing leave until it is resumed",
        openapi_extra=body_of(PauseRequest),
    )
    async def pause(request: Request, caller: Caller = may_call) -> PauseOut:
        """What is being sent goes on; everything else waits in its order, urgent messages too."""
        wanted = await asked(request, PauseRequest)
        made = await outbox.pause(
            bot=wanted.bot,
            conversation=wanted.conversation,
            notification=wanted.notification,
            reason=wanted.reason,
            by=caller.scope or None,
        )
        return PauseOut.of(made)

    @router.post(
        "/api/resume",
        summary="Let go on what was paused",
        dependencies=[may_call],
        openapi_extra=body_of(Paused),
    )
    async def resume(request: Request) -> Resumed:
        """Each pause is ended by itself: that of a bot stays when everything is resumed."""
        wanted = await asked(request, Paused)
        resumed = await outbox.resume(
            bot=wanted.bot, conversation=wanted.conversation, notification=wanted.notification
        )
        return Resumed(resumed=resumed)

    return router
