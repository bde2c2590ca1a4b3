"""``/api/v1/recipients``: in which zone people live, and when they want to be told things."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from recado.config import Settings
from recado.domain.recipient import KEPT, Change, Recipient, ZoneBy
from recado.recipients import Recipients
from recado.web.asked import asked, body_of
from recado.web.auth import KeyCheck

Who = Annotated[
    str, Path(max_length=4096, description="`user:<id>` or `conversation:<id>`, as in audiences.")
]
Hours = Annotated[str | None, Field(max_length=500)]


class RecipientRequest(BaseModel):
    """What is to be set. null takes it back; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    zone: str | None = Field(
        default=None, max_length=255, description="Time zone, as `Europe/Madrid`."
    )
    quiet_hours: Hours = Field(
        default=None, description="As `22:00-08:00`; `off` for none, whatever the settings say."
    )
    windows: dict[str, Hours] = Field(
        default_factory=dict,
        description="By category, as `mon-fri 09:00-18:00`; that of the empty name is of all "
        "categories without one.",
    )

    def change(self) -> Change:
        """As it is asked of the recipients."""
        named = self.model_fields_set
        return Change(
            zone=self.zone if "zone" in named else KEPT,
            quiet=self.quiet_hours if "quiet_hours" in named else KEPT,
            windows=self.windows,
        )


class RecipientOut(BaseModel):
    """A recipient as they are dealt with."""

    who: str
    zone: str
    zone_by: ZoneBy = Field(
        description="set: by them; told: by their channel; default: by the settings."
    )
    quiet_hours: str | None = Field(description="Their own; null if the settings' hold.")
    windows: dict[str, str] = Field(description="Their own, by category.")

    @classmethod
    def of(cls, recipient: Recipient) -> RecipientOut:
        """As it is shown."""
        return cls(
            who=recipient.who,
            zone=recipient.zone,
            zone_by=recipient.zone_by,
            quiet_hours=recipient.quiet_hours,
            windows=dict(recipient.windows),
        )


def recipients_routes(recipients: Recipients, settings: Settings) -> APIRouter:
    """Recipients over HTTP."""
    router = APIRouter(
        prefix="/api/v1/recipients", tags=["recipients"], dependencies=[Depends(KeyCheck(settings))]
    )

    @router.get("/{who:path}", summary="The zone and the hours of a recipient")
    async def get(who: Who) -> RecipientOut:
        """A person need not be known yet."""
        return RecipientOut.of(await recipients.get(who))

    @router.put(
        "/{who:path}",
        summary="Set the zone and the hours of a recipient",
        openapi_extra=body_of(RecipientRequest),
    )
    async def put(request: Request, who: Who) -> RecipientOut:
        """All of it or, if something in it cannot be, nothing. Safe to repeat."""
        wanted = await asked(request, RecipientRequest)
        return RecipientOut.of(await recipients.change(who, wanted.change()))

    return router
