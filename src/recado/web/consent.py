"""``/api/v1/consent`` and ``/api/v1/people``: what people allow, and what is kept about them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic import model_validator as validates_all

from recado.config import Settings
from recado.consent import Consents
from recado.consent.consents import LONGEST_MUTE
from recado.domain.audience import Person
from recado.domain.consent import ConsentRecord, Standing
from recado.web.asked import asked, body_of
from recado.web.auth import Caller, KeyCheck

Who = Annotated[
    str,
    Field(
        min_length=6,
        max_length=4096,
        description="`user:<channel user id, directory object id or e-mail>`, who need not be "
        "known yet, or `conversation:<id>`; a private conversation's is its person's.",
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=255)]


class ConsentRequest(BaseModel):
    """What somebody has said about being spoken to."""

    # Times are written as text in JSON, so not everything can be strict.
    model_config = ConfigDict(extra="forbid")

    who: Who
    say: Literal["in", "out", "mute", "resume"] = Field(
        description="`in`: they agree. `out`: they refuse. `mute`: not for a while. `resume`: a "
        "mute, or a refusal of everything, is over."
    )
    category: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Of which kind of message; of all when left out."
    )
    how: Name = Field(default="api", description="`chat`, `e-mail`, `sms`, `form` …")
    wording: Annotated[str, Field(max_length=4000)] | None = Field(
        default=None, description="What they agreed to, or said, word for word."
    )
    by: Name | None = Field(default=None, description="Who writes it down, if not they.")
    at: AwareDatetime | None = Field(
        default=None, description="When they said so; now when left out. Not for a mute."
    )
    until: AwareDatetime | None = Field(default=None, description="Of a mute, its end.")
    seconds: Annotated[float, Field(gt=0, le=LONGEST_MUTE.total_seconds())] | None = Field(
        default=None, description="Or, instead, how long it lasts."
    )

    @validates_all(mode="after")
    def _check(self) -> ConsentRequest:
        ends = (self.until is not None) + (self.seconds is not None)
        if self.say == "mute" and ends != 1:
            raise ValueError("give one of until and seconds with a mute")
        if self.say != "mute" and ends:
            raise ValueError("until and seconds are of a mute")
        if self.say in ("mute", "resume") and self.at is not None:
            raise ValueError("at is of what they agree to or refuse")
        if self.say == "resume" and self.category is not None:
            raise ValueError("a category that was refused is agreed to with say=in")
        return self


class StandingOut(BaseModel):
    """What holds for somebody now."""

    person: bool = Field(description="False for a group.")
    said: Literal["in", "out"] | None = Field(description="Altogether; null without a word.")
    since: datetime | None
    categories: dict[str, str] = Field(description="What they said of single kinds: in or out.")
    muted_until: datetime | None
    known_as: list[str] = Field(description="Every name they are known by.")

    @classmethod
    def of(cls, standing: Standing) -> StandingOut:
        """As it is shown."""
        return cls.model_validate(
            {
                "person": standing.subject.kind == "person",
                "said": None if standing.said is None else str(standing.said),
                "since": standing.since,
                "categories": {name: str(said) for name, said in standing.categories.items()},
                "muted_until": standing.muted_until,
                "known_as": sorted({each.name for each in standing.known_as}),
            }
        )


class RecordOut(BaseModel):
    """What somebody said, once."""

    id: str
    said: str = Field(description="in, out, mute or unmute.")
    category: str | None
    at: datetime
    until: datetime | None
    recorded_at: datetime
    how: str
    wording: str | None
    by: str | None
    name: str = Field(description="Under which of their names it stands.")

    @classmethod
    def of(cls, record: ConsentRecord) -> RecordOut:
        """As it is shown."""
        return cls(
            id=record.id,
            said=str(record.said),
            category=record.category,
            at=record.at,
            until=record.until,
            recorded_at=record.recorded_at,
            how=record.how,
            wording=record.wording,
            by=record.by,
            name=record.subject.identity.name,
        )


class RecordPage(BaseModel):
    """A page of what somebody said, newest first."""

    items: list[RecordOut]
    next: str | None = Field(description="Send this as `after` for the next page; null at the end.")


class ErasedOut(BaseModel):
    """What an erasure has done."""

    rows: int = Field(description="Rows removed, or with what is about the person taken out.")


PersonId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=255,
        description="Channel user id, directory object id or e-mail address.",
    ),
]


def consent_routes(consent: Consents, settings: Settings) -> APIRouter:
    """Consent over HTTP."""
    router = APIRouter(tags=["consent"])
    may_call = Depends(KeyCheck(settings))

    @router.get("/api/v1/consent", summary="What somebody allows now", dependencies=[may_call])
    async def standing(who: Annotated[str, Query(max_length=4096)]) -> StandingOut:
        return StandingOut.of(await consent.status(who))

    @router.get(
        "/api/v1/consent/history",
        summary="Everything somebody has said about it, newest first",
        dependencies=[may_call],
    )
    async def history(
        who: Annotated[str, Query(max_length=4096)],
        after: Annotated[str | None, Query(max_length=255)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> RecordPage:
        page = await consent.history(who, after=after, limit=limit)
        return RecordPage(items=[RecordOut.of(each) for each in page.items], next=page.next)

    @router.post(
        "/api/v1/consent",
        summary="Record what somebody has said",
        openapi_extra=body_of(ConsentRequest),
    )
    async def record(request: Request, caller: Caller = may_call) -> StandingOut:
        """It holds for whatever leaves after this was answered. Safe to repeat: the newest counts.

        Sent again with the same `at`, it is recorded once.
        """
        told = await asked(request, ConsentRequest)
        evidence: dict[str, Any] = {
            "how": told.how,
            "wording": told.wording,
            "by": told.by or caller.scope or None,
        }
        match told.say:
            case "mute":
                length = None if told.seconds is None else timedelta(seconds=told.seconds)
                found = await consent.mute(
                    told.who, for_=length, until=told.until, category=told.category, **evidence
                )
            case "resume":
                found = await consent.resume(told.who, **evidence)
            case "in":
                found = await consent.opt_in(told.who, told.category, at=told.at, **evidence)
            case "out":
                found = await consent.opt_out(told.who, told.category, at=told.at, **evidence)
        return StandingOut.of(found)

    @router.get(
        "/api/v1/people/{person}",
        summary="Everything that is kept about somebody",
        dependencies=[may_call],
    )
    async def export(person: PersonId) -> dict[str, Any]:
        """Who they are, and the records about them by the tables these stand in."""
        return await consent.export_person(Person(person))

    @router.delete(
        "/api/v1/people/{person}",
        summary="Take away everything that is kept about somebody",
        dependencies=[may_call],
    )
    async def erase(person: PersonId) -> ErasedOut:
        """Safe to repeat, also after it was interrupted. What they had refused stays refused."""
        return ErasedOut(rows=(await consent.erase_person(Person(person))).rows)

    return router
