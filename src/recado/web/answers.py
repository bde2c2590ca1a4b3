"""What is answered about notifications: accepted, planned, and how far they have come."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from fastapi import Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from recado.domain.notification import Progress
from recado.domain.plan import Plan
from recado.outbox import Handle
from recado.web.pauses import PauseOut


class Counted(BaseModel):
    """How far a notification has come."""

    id: str
    accepted_at: datetime
    expanded: bool = Field(description="Whether every recipient is counted already.")
    settled: bool = Field(description="Whether nothing more will happen by itself.")
    total: int
    out: int = Field(description="Deliveries the channel has taken.")
    counts: dict[str, int] = Field(description="Deliveries by state.")
    changes: dict[str, int] | None = Field(
        default=None, description="Of an update or a recall: what it has done, in copies."
    )


class Forecast(Counted):
    """How far a notification has come, and when it will be out."""

    eta: datetime | None = Field(
        default=None,
        description="When the last one will have left at the channels' pace; missing when that is "
        "no matter of pace.",
    )
    cancelled_at: datetime | None = None
    not_made: int | None = Field(
        default=None, description="Recipients without a delivery when it was cancelled."
    )
    pauses: list[PauseOut] | None = Field(default=None, description="What pauses it now.")


class Somewhere(BaseModel):
    """Conversations in one channel and tenant."""

    channel: str
    tenant: str | None
    reachable: int
    unreachable: int


class Someone(BaseModel):
    """A conversation, in a few words."""

    reference_id: str
    channel: str
    name: str | None
    people: list[str]


class Planned(BaseModel):
    """What would become of a request; nothing was accepted."""

    dry_run: Literal[True] = True
    total: int = Field(description="Conversations there would be a delivery for.")
    unreachable: int = Field(description="Those that would wait for the person's return.")
    duplicates: int = Field(description="Those that would be suppressed, because of once_key.")
    seconds: float = Field(description="How long it takes at the channels' pace.")
    reach: list[Somewhere]
    first: list[Someone]


class Accepted(BaseModel):
    """A notification that is committed."""

    id: str
    deliveries: list[str] = Field(
        description="Ids of the deliveries; empty for a broadcast, whose deliveries are made "
        "after it is accepted."
    )
    replayed: bool = Field(description="Whether the idempotency key had been used for it before.")
    progress: Counted | None = Field(default=None, description="After waiting.")


def accepted_response(
    request: Request, handle: Handle, progress: Progress | None = None, **members: Any
) -> JSONResponse:
    """202, where to ask about it, and whether it was accepted earlier."""
    answer = Accepted(
        id=handle.id,
        deliveries=list(handle.delivery_ids),
        replayed=handle.replayed,
        progress=None if progress is None else counted_of(progress),
    )
    headers = {"location": f"{request.scope.get('root_path', '')}/api/notifications/{handle.id}"}
    if handle.replayed:
        headers["idempotency-replay"] = "true"
    content = answer.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content | members, 202, headers)


def counted_of(progress: Progress) -> Counted:
    """Progress as it is answered."""
    return Counted(
        id=progress.notification_id,
        accepted_at=progress.accepted_at,
        expanded=progress.expanded,
        settled=progress.settled,
        total=progress.total,
        out=progress.out,
        counts={str(state): count for state, count in progress.counts.items()},
        changes=None if progress.changes is None else asdict(progress.changes),
    )


def planned_of(plan: Plan) -> Planned:
    """A plan as it is answered."""
    return Planned(
        total=plan.total,
        unreachable=plan.unreachable,
        duplicates=plan.duplicates,
        seconds=plan.duration.total_seconds(),
        reach=[
            Somewhere(
                channel=each.place.channel,
                tenant=each.place.tenant or None,
                reachable=each.reachable,
                unreachable=each.unreachable,
            )
            for each in plan.reach
        ],
        first=[
            Someone(
                reference_id=each.id,
                channel=each.key.channel,
                name=each.name,
                people=[member.name or member.user_id for member in each.members],
            )
            for each in plan.first
        ],
    )
