"""After acceptance: deliver here if nobody else does, wait if asked to, and tell the outcome."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
        return self.progress is not None and not (self.arrived or self.scheduled)

    @property
    def arrived(self) -> bool:
        """Whether somebody waited until it had arrived everywhere."""
        told = self.progress
        return told is not None and told.expanded and told.out == told.total

    @property
    def scheduled(self) -> bool:
        """Whether it has left, or waits for its time: nothing went wrong."""
        told = self.progress
        return (
            told is not None
            and told.expanded
            and State.SCHEDULED in told.counts
            and set(told.counts) <= {State.SCHEDULED, State.DELIVERED}
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
    ahead = 0.0 if due_at is None else (due_at - recado.clock.now()).total_seconds()
    if left <= 0 or ahead > left:
        return Aftermath(served=served, due_at=due_at, progress=None, missing=[])
    if wait is None:
        # What leaves in a moment has as long as what leaves at once.
        left += max(0.0, ahead)
    if not served:
        await recado.start()
    # Who names a time waits for it; else what may rest for hours ends the wait.
    resting: frozenset[State] = frozenset() if wait is not None else _RESTING
    if due_at is not None:
        resting -= {State.SCHEDULED}
    progress = await _wait(recado, handle, invocation, left, resting)
    missing = await _missing(recado, handle)
    due = min((each.due_at for each in missing if each.due_at is not None), default=None)
    after = Aftermath(served=served, due_at=due_at, progress=progress, missing=missing)
    return replace(after, due_at=due_at or due) if after.scheduled else after


async def stored_due(recado: Recado, handle: Handle) -> datetime | None:
    """When what was accepted is due, if that is later."""
    page = await recado.outbox.deliveries(DeliveryFilter(notification_id=handle.id), limit=1000)
    dues = [each.due_at for each in page.items if each.state is State.SCHEDULED]
    return min(filter(None, dues), default=None)


async def _wait(
    recado: Recado,
    handle: Handle,
    invocation: Invocation,
    seconds: float,
    resting: frozenset[State],
) -> Progress:
    until = recado.clock.now() + timedelta(seconds=seconds)
    with invocation.out.progress("Delivering") as advance:
        while True:
            left = (until - recado.clock.now()).total_seconds()
            progress = await handle.wait(max(0.0, min(_LOOK, left)))
            ended = sum(n for state, n in progress.counts.items() if state.final)
            advance(ended, progress.total if progress.expanded else None)
            if progress.settled or left <= 0 or _rests(progress, resting):
                return progress


def _rests(progress: Progress, resting: frozenset[State]) -> bool:
    """Whether all that has not ended is where it can stay for long."""
    return bool(resting) and (
        progress.expanded and all(state.final or state in resting for state in progress.counts)
    )


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
    again = " It had been accepted before." if handle.replayed else ""
    if after.progress is None or after.scheduled:
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
    what = "Accepted" if not many else f"Accepted, {_count(many)}"
    when = f", due at {moment(after.due_at)}" if after.due_at else ""
    if after.served:
        return f"{what}{when}. The process that serves this database delivers."
    return (
        f"{what}{when}. No process is serving this database: it leaves when you start "
        "`recado serve`."
    )


def _arrived(progress: Progress) -> str:
    if progress.expanded and progress.total == 0:
        return "Nobody is known whom it is meant for, so there was nobody to tell."
    if progress.out == progress.total and progress.expanded:
        return f"Delivered to {_count(progress.total, 'conversation', 'conversations')}."
    return f"Delivered to {progress.out} of {progress.total} conversations."


def _count(many: int, one: str = "delivery", several: str = "deliveries") -> str:
    return f"{many:,} {one if many == 1 else several}"
