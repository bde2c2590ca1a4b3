"""``recado answers``: what was promised to be said later."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from recado.cli.invocation import After, Invocation, Limit, command, group
from recado.cli.output import Column, iso, shown_time
from recado.domain.answer import AnswerState, LongAnswer

AnswerId = Annotated[str, typer.Argument(metavar="ID", help="The long answer's id.")]

_COLUMNS = (
    Column("id", lambda answer: answer["id"], whole=True),
    Column("state", lambda answer: answer["state"], whole=True),
    Column("work", lambda answer: answer["work"], rank=2),
    Column("progress", lambda answer: _share(answer["progress"]), rank=4, whole=True),
    Column("promised (UTC)", lambda answer: shown_time(answer["promised_at"]), rank=1, whole=True),
    Column("deadline (UTC)", lambda answer: shown_time(answer["deadline_at"]), rank=3, whole=True),
    Column("conversation", lambda answer: answer["conversation_id"], rank=5),
)


def answer_record(answer: LongAnswer) -> dict[str, Any]:
    """A long answer, as JSON with stable field names."""
    return {
        "id": answer.id,
        "work": answer.work,
        "resumable": answer.resumable,
        "state": str(answer.state),
        "reason": answer.reason,
        "detail": answer.detail,
        "reference_id": answer.reference_id,
        "conversation_id": answer.conversation_id,
        "user": answer.user,
        "payload": answer.payload,
        "attempts": answer.attempts,
        "sends": answer.sends,
        "progress": answer.progress,
        "progress_text": answer.progress_text,
        "promised_at": iso(answer.promised_at),
        "deadline_at": iso(answer.deadline_at),
        "ended_at": iso(answer.ended_at) if answer.ended_at else None,
    }


def register(app: typer.Typer) -> None:
    """Add the group to *app*."""
    answers = group(
        app, "answers", summary="What was promised to be said later.", panel="Look and steer"
    )
    command(
        answers, "list", examples=("recado answers list", "recado answers list --state running")
    )(list_answers)
    command(
        answers, "show", examples=("recado answers show 01a21eb8-cdaf-731e-a0d6-67a2d1f8a74c",)
    )(show)
    command(
        answers, "cancel", examples=("recado answers cancel 01a21eb8-cdaf-731e-a0d6-67a2d1f8a74c",)
    )(cancel)


async def list_answers(
    invocation: Invocation,
    *,
    state: Annotated[
        AnswerState | None, typer.Option(help="Only those in it.", show_default=False)
    ] = None,
    limit: Limit = 100,
    after: After = None,
) -> None:
    """Show the long answers, the newest first."""
    async with invocation.opened() as recado:
        page = await recado.answers.page(state=state, after=after, limit=limit)
    invocation.out.listing(
        [answer_record(answer) for answer in page.items],
        page.next,
        _COLUMNS,
        nothing="No long answers: a bot promises them with `recado.later`.",
    )


async def show(invocation: Invocation, *, answer_id: AnswerId) -> None:
    """Show everything that is known of a long answer."""
    async with invocation.opened() as recado:
        answer = await recado.answers.get(answer_id)
    record = answer_record(answer)
    if invocation.out.json:
        invocation.out.document(record)
    for name, value in record.items():
        if value is not None:
            invocation.out.say(f"{name.replace('_', ' ')}: {value}")


async def cancel(invocation: Invocation, *, answer_id: AnswerId) -> None:
    """Call a long answer off: its work is stopped, and nothing more is said."""
    async with invocation.opened() as recado:
        answer = await recado.answers.cancel(answer_id)
    if invocation.out.json:
        invocation.out.document(answer_record(answer))
    invocation.out.say(f"The long answer {answer.id} is called off.")


def _share(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"
