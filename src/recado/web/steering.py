"""``/api/cancel`` and ``/api/retry``: steering many deliveries at once."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic import model_validator as validates_all

from recado.config import Settings
from recado.domain.delivery import State
from recado.outbox import Outbox
from recado.store.port import DeliveryFilter
from recado.web.asked import asked, body_of
from recado.web.auth import Caller, KeyCheck

M = TypeVar("M", bound=BaseModel)

Name = Annotated[str, Field(min_length=1, max_length=4096)]


class Meant(BaseModel):
    """Which deliveries are meant; what is given holds together."""

    model_config = ConfigDict(extra="forbid", strict=True)

    notification: Name | None = None
    conversation: Name | None = Field(
        default=None, description="By its reference's id or the channel's."
    )
    reason: Name | None = None

    def filter(self, states: list[Any] | None) -> DeliveryFilter:
        """The conditions that name nothing."""
        wanted = frozenset(State(each) for each in states) if states else None
        return DeliveryFilter(state=wanted, reason=self.reason)


class CancelRequest(Meant):
    """What is to be cancelled."""

    idempotency_key: Name | None = Field(
        default=None, description="What was accepted under this key of yours; given alone."
    )
    state: list[Literal["scheduled", "pending", "held", "retrying"]] | None = Field(
        default=None, min_length=1
    )

    @validates_all(mode="after")
    def _check_some(self) -> CancelRequest:
        others = (self.notification, self.conversation, self.reason, self.state)
        if self.idempotency_key is not None and any(others):
            raise ValueError("give idempotency_key alone")
        if self.idempotency_key is None and not any(others):
            raise ValueError(
                "give at least one of notification, idempotency_key, conversation, state and reason"
            )
        return self


class RetryRequest(Meant):
    """What is to be tried again."""

    only: list[Literal["rejected", "unknown", "held", "retrying"]] | None = Field(
        default=None, min_length=1, description="rejected and unknown when left out."
    )

    @validates_all(mode="after")
    def _check_some(self) -> RetryRequest:
        if not any((self.notification, self.conversation, self.reason, self.only)):
            raise ValueError("give at least one of notification, conversation, reason and only")
        return self


class CancelledOut(BaseModel):
    """An honest account of what was cancelled, and of what was too late for it."""

    cancelled: int = Field(description="Ended before they left.")
    sending: int = Field(description="Being sent now: they may arrive, and are not tried again.")
    maybe: int = Field(description="May have arrived; they are not tried again.")
    out: int = Field(description="Delivered already; counted for a whole notification.")
    not_made: int = Field(description="Recipients for whom no delivery is made any more.")


class RetriedOut(BaseModel):
    """How many deliveries are tried again."""

    retried: int
    counts: dict[str, int] = Field(description="By the state they were in.")


def steering_routes(outbox: Outbox, settings: Settings) -> APIRouter:
    """Cancelling and retrying over HTTP."""
    router = APIRouter(tags=["deliveries"])
    may_call = Depends(KeyCheck(settings))

    @router.post(
        "/api/cancel", summary="End what has not left", openapi_extra=body_of(CancelRequest)
    )
    async def cancel(request: Request, caller: Caller = may_call) -> CancelledOut:
        """Of a broadcast that is cancelled no more deliveries are made. Safe to repeat."""
        given = await asked(request, CancelRequest)
        by = caller.scope or None
        rest = (given.conversation, given.state, given.reason)
        if given.idempotency_key is not None:
            done = await outbox.cancel_key(given.idempotency_key, scope=caller.scope, by=by)
        elif given.notification is not None and not any(rest):
            done = await outbox.cancel_notification(given.notification, by=by)
        else:
            wanted = await outbox.which(
                given.filter(given.state),
                notification=given.notification,
                conversation=given.conversation,
            )
            done = await outbox.cancel_all(wanted, by=by)
        return CancelledOut(**asdict(done))

    @router.post(
        "/api/retry",
        summary="Try dead letters again now",
        dependencies=[may_call],
        openapi_extra=body_of(RetryRequest),
    )
    async def retry(request: Request) -> RetriedOut:
        """In the order they were accepted; those of this bot, unless something is named."""
        given = await asked(request, RetryRequest)
        wanted = await outbox.which(
            given.filter(given.only),
            notification=given.notification,
            conversation=given.conversation,
        )
        done = await outbox.retry_all(wanted)
        counts = {str(state): many for state, many in done.counts.items()}
        return RetriedOut(retried=done.total, counts=counts)

    return router
