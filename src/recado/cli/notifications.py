"""``recado notifications``: what was accepted, and how far it has come."""

from __future__ import annotations

from typing import Annotated

import typer

from recado.cli.invocation import Invocation, command, group
from recado.cli.output import iso
from recado.cli.records import notification_record
from recado.domain.pausing import pause_in_words
from recado.domain.times import span


def register(app: typer.Typer) -> None:
    """Add the group to *app*."""
    notifications = group(
        app,
        "notifications",
        summary="What was accepted to be said, and how far it has come.",
        panel="Look and steer",
    )
    command(notifications, "show", examples=("recado notifications show ID",))(show)


async def show(
    invocation: Invocation,
    notification_id: Annotated[str, typer.Argument(metavar="ID", help="The notification's id.")],
) -> None:
    """Show a notification: whom it is for, how far it has come, and when it will be out."""
    async with invocation.opened() as recado:
        detail = await recado.outbox.notification(notification_id)
        progress = await recado.outbox.progress(notification_id)
        eta = None if progress.settled else await recado.outbox.eta(notification_id)
        now = recado.clock.now()
    out = invocation.out
    if invocation.as_json:
        out.document(notification_record(detail, progress, eta, now))
        return
    counts = ", ".join(f"{many:,} {state}" for state, many in sorted(progress.counts.items()))
    left = "" if detail.not_made == 0 else f", {detail.not_made:,} recipients left out"
    out.facts(
        {
            "notification": detail.id,
            "bot": detail.bot,
            "for": ", ".join(detail.audience),
            "handler": detail.handler,
            "accepted": iso(detail.accepted_at),
            "due": iso(detail.due_at) if detail.due_at > detail.accepted_at else None,
            "expires": iso(detail.expires_at) if detail.expires_at else None,
            "cancelled": f"{iso(detail.cancelled_at)}{left}" if detail.cancelled_at else None,
            "deliveries": f"{progress.total:,}{'' if progress.expanded else ' so far'}",
            "states": counts,
            "settled": progress.settled,
            "out by": f"{iso(eta)} (in {span(eta - now)})" if eta is not None else None,
        }
    )
    for each in detail.pauses:
        if each.active(now):
            out.say(pause_in_words(each, now))
