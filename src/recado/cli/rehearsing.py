"""``recado send --dry-run``: everything short of accepting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from recado.cli.invocation import Invocation
from recado.cli.output import Column
from recado.cli.records import people, plan_record, reference_record
from recado.domain.audience import Audience
from recado.domain.plan import Plan
from recado.domain.times import span

if TYPE_CHECKING:
    from recado.app import Recado
    from recado.outbox import Options

_COLUMNS = (
    Column("reference", lambda item: item["id"], whole=True),
    Column("channel", lambda item: item["channel"], rank=3, whole=True),
    Column("people", people, rank=1),
    Column("health", lambda item: item["health"], rank=2, whole=True),
)


async def rehearse(
    recado: Recado,
    invocation: Invocation,
    audience: Audience,
    content: str | Mapping[str, Any] | None,
    options: Options,
) -> None:
    """Show who would get something, and how long it would take."""
    plan = await recado.outbox.plan(audience, content, options)
    items = [reference_record(each) for each in plan.first]
    out = invocation.out
    if invocation.as_json:
        out.document({"dry_run": True, **plan_record(plan), "items": items, "next": None})
        return
    out.listing(items, None, _COLUMNS, nothing="Nobody is known whom it would go to.")
    if plan.total > len(items):
        out.note(f"… and {plan.total - len(items):,} more.")
    for each in plan.reach:
        where = " in ".join(filter(None, (each.place.channel, each.place.tenant)))
        out.note(f"{each.reachable + each.unreachable:,} on {where}.")
    for sentence in _in_words(plan):
        out.note(sentence)


def _in_words(plan: Plan) -> list[str]:
    told = [f"{plan.total:,} would get it."]
    if plan.unreachable:
        told.append(
            f"{plan.unreachable:,} of them cannot be reached now: theirs wait for their return."
        )
    if plan.duplicates:
        told.append(f"{plan.duplicates:,} would be suppressed, as said for the same key of late.")
    if plan.duration.total_seconds() >= 1:
        told.append(f"At the channels' pace it takes {span(plan.duration)}.")
    told.append("Nothing was sent.")
    return told
