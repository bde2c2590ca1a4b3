"""``/api/deliveries``: what became of what was to be said, and steering single ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from recado.clock import Clock
from recado.config import Settings
from recado.domain.chaining import Grip
from recado.domain.delivery import Attempt, Delivery, Evidence, State
from recado.domain.explanation import explain
from recado.domain.politeness.chain import Link
from recado.outbox import Outbox
from recado.store.port import DeliveryDetail, DeliveryFilter, Store
from recado.web.auth import Caller, KeyCheck
from recado.web.pauses import PauseOut
from recado.web.problems import HttpProblem, listed

Id = Annotated[str, Query(max_length=255)]
Chain = Sequence[tuple[Grip, Link]]


class EvidenceOut(BaseModel):
    """What an attempt left behind."""

    status: int | None = Field(description="HTTP status; null when no answer arrived.")
    code: str | None
    sub_code: str | None
    message: str | None
    activity_id: str | None = Field(description="The channel's receipt.")
    headers: dict[str, str]

    @classmethod
    def of(cls, evidence: Evidence) -> EvidenceOut:
        """As it is shown."""
        return cls(
            status=evidence.status,
            code=evidence.code,
            sub_code=evidence.sub_code,
            message=evidence.message,
            activity_id=evidence.activity_id,
            headers=dict(evidence.headers),
        )


class AttemptOut(BaseModel):
    """One try to hand a delivery to the channel."""

    number: int
    owner: str = Field(description="The process that tried.")
    started_at: datetime
    ended_at: datetime
    outcome: str
    reason: str | None
    evidence: EvidenceOut

    @classmethod
    def of(cls, attempt: Attempt) -> AttemptOut:
        """As it is shown."""
        return cls(
            number=attempt.number,
            owner=attempt.owner,
            started_at=attempt.started_at,
            ended_at=attempt.ended_at,
            outcome=attempt.outcome,
            reason=attempt.reason,
            evidence=EvidenceOut.of(attempt.evidence),
        )


class DeliveryOut(BaseModel):
    """A delivery as it stands."""

    id: str
    notification_id: str
    reference_id: str
    bot: str
    state: str
    reason: str | None
    attempts: int
    accepted_at: datetime
    due_at: datetime | None
    expires_at: datetime | None
    settled_at: datetime | None
    user: dict[str, Any] | None
    evidence: EvidenceOut | None = Field(description="Of the last attempt.")

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryOut:
        """As it is shown."""
        return cls(
            id=delivery.id,
            notification_id=delivery.notification_id,
            reference_id=delivery.reference_id,
            bot=delivery.bot,
            state=delivery.state,
            reason=delivery.reason,
            attempts=delivery.attempts,
            accepted_at=delivery.accepted_at,
            due_at=delivery.due_at,
            expires_at=delivery.expires_at,
            settled_at=delivery.settled_at,
            user=dict(delivery.user) if delivery.user else None,
            evidence=EvidenceOut.of(delivery.evidence) if delivery.evidence else None,
        )


class DeliveryPage(BaseModel):
    """A page of deliveries."""

    items: list[DeliveryOut]
    next: str | None = Field(description="Send this as `after` for the next page; null at the end.")


class LinkOut(BaseModel):
    """One of the things that may keep a delivery from leaving."""

    name: str = Field(
        description="due, paused, reach, handler, still_true, consent, window, cap, busy, lane, "
        "pace, backoff or breaker."
    )
    holds: Grip = Field(
        description="now: it holds the delivery; next: it would when what holds it now has let go; "
        "no: it does not."
    )
    said: str
    since: datetime | None
    until: datetime | None = Field(description="Until when; null if nobody knows.")

    @classmethod
    def of(cls, grip: Grip, link: Link) -> LinkOut:
        """As it is shown."""
        return cls(name=link.name, holds=grip, said=link.said, since=link.since, until=link.until)


class DetailOut(BaseModel):
    """A delivery with everything that happened to it."""

    delivery: DeliveryOut
    channel: str
    conversation_id: str
    health: str
    ahead: int | None = Field(description="Deliveries before it in its lane; null outside it.")
    handler: str | None
    action: str
    target: str | None
    content: dict[str, Any] | None
    attempts: list[AttemptOut]
    pauses: list[PauseOut]
    stopped: bool = Field(description="Cancelled while it was being sent: it is not tried again.")
    decided_by: str | None = Field(description="Who cancelled it or marked it as delivered.")
    chain: list[LinkOut] = Field(
        description="Everything that may keep it from leaving, in order; empty if nothing can."
    )
    explanation: list[str] = Field(description="Why it is where it is, and what to do.")

    @classmethod
    def of(cls, detail: DeliveryDetail, *, chain: Chain, now: datetime, served: bool) -> DetailOut:
        """As it is shown."""
        return cls(
            delivery=DeliveryOut.of(detail.delivery),
            channel=detail.conversation.channel,
            conversation_id=detail.conversation.conversation_id,
            health=detail.health,
            ahead=detail.ahead,
            handler=detail.handler,
            action=detail.action,
            target=detail.target,
            content=json.loads(detail.content) if detail.content else None,
            attempts=[AttemptOut.of(each) for each in detail.attempts],
            pauses=[PauseOut.of(each) for each in detail.pauses if each.active(now)],
            stopped=detail.stopped,
            decided_by=detail.decided_by,
            chain=[LinkOut.of(*each) for each in chain],
            explanation=explain(detail, now=now, served=served),
        )


def deliveries_routes(outbox: Outbox, store: Store, clock: Clock, settings: Settings) -> APIRouter:
    """Deliveries over HTTP."""
    router = APIRouter(tags=["deliveries"])
    may_call = Depends(KeyCheck(settings))

    async def shown(delivery_id: str) -> DetailOut:
        detail = await outbox.delivery(delivery_id)
        chain = await outbox.chain(detail)
        return DetailOut.of(detail, chain=chain, now=clock.now(), served=await store.served())

    @router.get("/api/deliveries", summary="Deliveries, newest first", dependencies=[may_call])
    async def deliveries(  # noqa: PLR0913 - one parameter a filter
        *,
        state: Annotated[
            str | None,
            Query(max_length=255, description="One state or several: rejected,unknown."),
        ] = None,
        notification: Id | None = None,
        conversation: Annotated[
            Id | None, Query(description="By its reference's id or the channel's.")
        ] = None,
        reason: Id | None = None,
        after: Id | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> DeliveryPage:
        """Dead letters are those that are `rejected` or `unknown`."""
        only = DeliveryFilter(state=read_states(state), reason=reason)
        wanted = await outbox.which(only, notification=notification, conversation=conversation)
        page = await outbox.deliveries(wanted, after=after, limit=limit)
        return DeliveryPage(items=[DeliveryOut.of(each) for each in page.items], next=page.next)

    @router.get(
        "/api/deliveries/{delivery_id}",
        summary="A delivery, its attempts, and why it is where it is",
        dependencies=[may_call],
    )
    async def one(delivery_id: str) -> DetailOut:
        return await shown(delivery_id)

    @router.post(
        "/api/deliveries/{delivery_id}/retry",
        summary="Try a delivery again now",
        dependencies=[may_call],
    )
    async def retry(delivery_id: str) -> DetailOut:
        await outbox.retry(delivery_id)
        return await shown(delivery_id)

    @router.post("/api/deliveries/{delivery_id}/cancel", summary="End what has not left")
    async def cancel(delivery_id: str, caller: Caller = may_call) -> DetailOut:
        await outbox.cancel(delivery_id, by=caller.scope or None)
        return await shown(delivery_id)

    @router.post(
        "/api/deliveries/{delivery_id}/mark-delivered",
        summary="Say that a delivery that is unknown has arrived",
    )
    async def mark_delivered(delivery_id: str, caller: Caller = may_call) -> DetailOut:
        await outbox.mark_delivered(delivery_id, by=caller.scope or None)
        return await shown(delivery_id)

    return router


def read_states(given: str | None) -> frozenset[State] | None:
    """States as a query names them, separated by commas.

    Raises:
        HttpProblem: there is no such state.
    """
    if given is None:
        return None
    names = [name.strip() for name in given.split(",")]
    unknown = [name for name in names if name not in set(State)]
    if unknown:
        raise HttpProblem(
            422,
            "invalid_input",
            f"{unknown[0]!r} is no state: there are {listed(sorted(State), 'and')}.",
        )
    return frozenset(State(name) for name in names)
