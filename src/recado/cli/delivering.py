"""After acceptance: deliver here if nobody else does, wait if asked to, and tell the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from recado.cli.exits import ExitCode
from recado.cli.invocation import Invocation
from recado.cli.output import iso
from recado.cli.records import delivery_record, progress_record
from recado.domain.delivery import Delivery, State
from recado.domain.explanation import moment, reason_in_words
from recado.domain.notification import Progress
from recado.store.port import DeliveryFilter

if TYPE_CHECKING:
    from recado.app import Recado
    from recado.outbox import Handle

#: How long a command that delivers itself waits for the channel, in seconds.
PATIENCE = 30.0
#: How often progress is shown.
_LOOK = 0.25
#: Deliveries that are named one by one when they did not arrive.
_NAMED = 10

#: Where a delivery can stay for long; nobody sits in front of a terminal for that.
_RESTING = frozenset({State.HELD, State.SCHEDULED, State.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What became of a notification while the command looked."""

    #: Whether another process delivers from this database.
    served: bool
    #: When it is due, if that is later.
    due_at: datetime | None
    #: How far it came; None when nobody waited.
    progress: Progress | None
    #: Deliveries that have not arrived, the first few.
    missing: list[Delivery]

    @property
    def failed(self) -> bool:
        """Whether somebody waited and it did not arrive everywhere."""
        return self.progress is not None and not (
            self.progress.expanded and self.progress.out == self.progress.total
        )


async def see_off(
    recado: Recado,
    handle: Handle,
    invocation: Invocation,
    *,
    wait: float | None,
    due_at: datetime | None = None,
) -> Aftermath:
    """Deliver a notification if nobody else does, and wait.

    Args:
        recado: opened, not started.
        handle: what was accepted.
        invocation: where progress is shown.
        wait: seconds to wait; when left out, :data:`PATIENCE` for what is delivered here and
            nothing for what another process delivers.
        due_at: when it is due, if not at once.
    """
    served = await recado.store.served()
    left = PATIENCE if wait is None and not served else wait or 0.0
    later = due_at is not None and due_at > recado.clock.now() + timedelta(seconds=left)
    if left <= 0 or later:
        return Aftermath(served=served, due_at=due_at, progress=None, missing=[])
    if not served:
        await recado.start()
    # Who names a time waits for it; else what may rest for hours ends the wait.
    progress = await _wait(recado, handle, invocation, left, patient=wait is not None)
    return Aftermath(
        served=served, due_at=due_at, progress=progress, missing=await _missing(recado, handle)
    )


async def _wait(
    recado: Recado, handle: Handle, invocation: Invocation, seconds: float, *, patient: bool
) -> Progress:
    until = recado.clock.now() + timedelta(seconds=seconds)
    with invocation.out.progress("Delivering") as advance:
        while True:
            left = (until - recado.clock.now()).total_seconds()
            progress = await handle.wait(max(0.0, min(_LOOK, left)))
            ended = sum(n for state, n in progress.counts.items() if state.final)
            advance(ended, progress.total if progress.expanded else None)
            if progress.settled or left <= 0 or (not patient and _rests(progress)):
                return progress


def _rests(progress: Progress) -> bool:
    return progress.expanded and all(state.final or state in _RESTING for state in progress.counts)


async def _missing(recado: Recado, handle: Handle) -> list[Delivery]:
    wanted = DeliveryFilter(notification_id=handle.id)
    page = await recado.outbox.deliveries(wanted, limit=1000)
    return [each for each in page.items if each.state is not State.DELIVERED][:_NAMED]


def tell(invocation: Invocation, handle: Handle, after: Aftermath, **members: Any) -> None:
    """Print what became of it; the command fails if somebody waited in vain.

    Args:
        members: further members of the JSON document.
    """
    if invocation.as_json:
        invocation.out.document(
            {
                **members,
                "id": handle.id,
                "deliveries": list(handle.delivery_ids),
                "replayed": handle.replayed,
                "served": after.served,
                "due_at": iso(after.due_at) if after.due_at else None,
                "progress": progress_record(after.progress) if after.progress else None,
                "not_delivered": [delivery_record(each) for each in after.missing],
            }
        )
    else:
        _tell_people(invocation, handle, after)
    if after.failed:
        raise typer.Exit(ExitCode.FAILED)


def _tell_people(invocation: Invocation, handle: Handle, after: Aftermath) -> None:
    out = invocation.out
    again = " It had been accepted before under this idempotency key." if handle.replayed else ""
    if after.progress is None:
        out.say(f"{_queued(handle, after)}{again}")
        out.say(f"Notification: {handle.id}")
        for delivery_id in handle.delivery_ids[:_NAMED]:
            out.say(f"Delivery: {delivery_id}")
        return
    out.say(f"{_arrived(after.progress)}{again}")
    out.say(f"Notification: {handle.id}")
    for each in after.missing:
        why = f" because {reason_in_words(each.reason)}" if each.reason else ""
        out.say(
            f"Delivery {each.id} is {each.state}{why}: `recado deliveries explain {each.id}` "
            "says more."
        )


def _queued(handle: Handle, after: Aftermath) -> str:
    many = len(handle.delivery_ids)
    what = "Accepted for every known conversation" if not many else f"Accepted, {_count(many)}"
    when = f", due on {moment(after.due_at)}" if after.due_at else ""
    if after.served:
        return f"{what}{when}. The process that serves this database delivers."
    return (
        f"{what}{when}. No process is serving this database: it leaves when you start "
        "`recado serve`."
    )


def _arrived(progress: Progress) -> str:
    if progress.expanded and progress.total == 0:
        return "No conversation is known, so there was nobody to tell."
    if progress.out == progress.total and progress.expanded:
        return f"Delivered to {_count(progress.total, 'conversation', 'conversations')}."
    return f"Delivered to {progress.out} of {progress.total} conversations."


def _count(many: int, one: str = "delivery", several: str = "deliveries") -> str:
    return f"{many:,} {one if many == 1 else several}"
