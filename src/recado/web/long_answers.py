"""``/api/v1/answers``: what was promised to be said later."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from recado.answers import Answers
from recado.config import Settings
from recado.domain.answer import AnswerState, LongAnswer
from recado.web.auth import KeyCheck

AnswerId = Annotated[str, Path(max_length=64, description="The long answer's id.")]


class LongAnswerOut(BaseModel):
    """One long answer."""

    id: str
    work: str
    resumable: bool = Field(description="Whether another process can go on with the work.")
    state: AnswerState
    reason: str | None = Field(description="Why it failed: `raised`, `silent` or `gave_up`.")
    detail: str | None = Field(description="What the work raised, in one line.")
    reference_id: str
    conversation_id: str
    user: Any
    payload: Any
    attempts: int
    sends: int = Field(description="Messages of it that are committed.")
    progress: float | None = Field(description="How far the work said it had come, 0 to 1.")
    progress_text: str | None
    promised_at: datetime
    deadline_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, answer: LongAnswer) -> LongAnswerOut:
        return cls(**{name: getattr(answer, name) for name in cls.model_fields})


class LongAnswerPage(BaseModel):
    """A page of long answers."""

    items: list[LongAnswerOut]
    next: str | None = Field(description="Send this as `after` for the next page; null at the end.")


def answers_routes(answers: Answers, settings: Settings) -> APIRouter:
    """Long answers over HTTP. They are promised in turns of the bot, and looked at here."""
    router = APIRouter(
        prefix="/api/v1/answers", tags=["answers"], dependencies=[Depends(KeyCheck(settings))]
    )

    @router.get("", summary="The long answers, newest first")
    async def page(
        state: Annotated[AnswerState | None, Query(description="Only those in it.")] = None,
        after: Annotated[str | None, Query(max_length=255)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> LongAnswerPage:
        found = await answers.page(state=state, after=after, limit=limit)
        return LongAnswerPage(
            items=[LongAnswerOut.of(each) for each in found.items], next=found.next
        )

    @router.get("/{answer_id}", summary="A long answer")
    async def get(answer_id: AnswerId) -> LongAnswerOut:
        return LongAnswerOut.of(await answers.get(answer_id))

    @router.post("/{answer_id}/cancel", summary="Call a long answer off")
    async def cancel(answer_id: AnswerId) -> LongAnswerOut:
        """Its work is stopped, and nothing more is said. 409 if it has ended before."""
        return LongAnswerOut.of(await answers.cancel(answer_id))

    return router
