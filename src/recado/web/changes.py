"""``/api/notifications/{id}/content``: changing what was said, and taking it back."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic import model_validator as validates_all
from starlette.responses import JSONResponse

from recado.config import Settings
from recado.outbox import Outbox
from recado.web.answers import Accepted, accepted_response
from recado.web.asked import asked, body_of, maybe_asked
from recado.web.asking import key_of
from recado.web.auth import Caller, KeyCheck
from recado.web.problems import HttpProblem

M = TypeVar("M", bound=BaseModel)


class _Said(BaseModel):
    """Text or an activity, and never both."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str | None = Field(default=None, description="A message, in Markdown.")
    activity: dict[str, Any] | None = Field(
        default=None, description="Any activity of the protocol, without its address."
    )

    @validates_all(mode="after")
    def _check_one(self) -> _Said:
        if self.text is not None and self.activity is not None:
            raise ValueError("give text or activity, not both")
        return self

    @property
    def content(self) -> str | dict[str, Any] | None:
        """What is said."""
        return self.text if self.text is not None else self.activity


class UpdateRequest(_Said):
    """What a notification says from now on."""

    otherwise: Literal["follow_up", "refuse"] = Field(
        default="follow_up",
        description="Where a message cannot be edited: follow_up sends a message of its own, "
        "refuse leaves it as it is.",
    )


class RecallRequest(_Said):
    """What to say where a message cannot be removed; nothing when left out."""


def changes_routes(outbox: Outbox, settings: Settings) -> APIRouter:
    """Updates and recalls over HTTP."""
    router = APIRouter(tags=["notifications"])
    may_call = Depends(KeyCheck(settings))

    @router.put(
        "/api/notifications/{notification_id}/content",
        summary="Change what a notification says, everywhere",
        status_code=202,
        response_model=Accepted,
        openapi_extra=body_of(UpdateRequest),
    )
    async def update(
        request: Request,
        notification_id: str,
        caller: Caller = may_call,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> JSONResponse:
        """Committed when it is answered.

        The answer's id is the update's own: its progress counts what was changed.
        """
        given = await asked(request, UpdateRequest)
        if given.content is None:
            raise HttpProblem(
                422,
                "invalid_input",
                "Say what the notification says from now on: give text or activity.",
            )
        handle = await outbox.update(
            notification_id,
            given.content,
            otherwise=given.otherwise,
            idempotency_key=key_of(idempotency_key),
            idempotency_scope=caller.scope,
        )
        return accepted_response(request, handle)

    @router.delete(
        "/api/notifications/{notification_id}/content",
        summary="Take a notification back, everywhere",
        status_code=202,
        response_model=Accepted,
        openapi_extra=body_of(RecallRequest, required=False),
    )
    async def recall(
        request: Request,
        notification_id: str,
        caller: Caller = may_call,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> JSONResponse:
        """Committed when it is answered. A second recall is answered with the first one."""
        given = await maybe_asked(request, RecallRequest)
        handle = await outbox.recall(
            notification_id,
            given.content,
            idempotency_key=key_of(idempotency_key),
            idempotency_scope=caller.scope,
        )
        return accepted_response(request, handle)

    return router
