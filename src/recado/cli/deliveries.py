"""``recado deliveries``: what became of what was to be said, and steering it."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from recado.cli.invocation import After, Invocation, Limit, command, group
from recado.cli.output import Column, shown_time
from recado.cli.records import delivery_record, detail_record
from recado.domain.delivery import State
from recado.domain.explanation import explain
from recado.store.port import DeliveryFilter

_COLUMNS = (
    Column("delivery", lambda delivery: delivery["id"]),
    Column("state", lambda delivery: delivery["state"]),
    Column("reason", lambda delivery: delivery["reason"]),
    Column("attempts", lambda delivery: delivery["attempts"]),
    Column("accepted (UTC)", lambda delivery: shown_time(delivery["accepted_at"])),
    Column("due (UTC)", lambda delivery: shown_time(delivery["due_at"])),
    Column("settled (UTC)", lambda delivery: shown_time(delivery["settled_at"])),
)

_ATTEMPT_COLUMNS = (
    Column("attempt", lambda attempt: attempt["number"]),
    Column("started (UTC)", lambda attempt: shown_time(attempt["started_at"])),
    Column("outcome", lambda attempt: attempt["outcome"]),
    Column("status", lambda attempt: attempt["evidence"]["status"]),
    Column("code", lambda attempt: attempt["evidence"]["code"]),
    Column("receipt", lambda attempt: attempt["evidence"]["activity_id"]),
    Column("message", lambda attempt: attempt["evidence"]["message"]),
)

DeliveryId = Annotated[str, typer.Argument(metavar="ID", help="The delivery's id.")]
DeliveryIds = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Ids of deliveries.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the group to *app*."""
    deliveries = group(
        app,
        "deliveries",
        summary="What became of what was to be said.",
        panel="Look and steer",
    )
    command(
        deliveries,
        "list",
        examples=(
            "recado deliveries list --state held",
            "recado deliveries list --json | jq '.items[].id'",
        ),
    )(list_deliveries)
    command(deliveries, "show", examples=("recado deliveries show ID",))(show)
    command(deliveries, "explain", examples=("recado deliveries explain ID",))(explain_delivery)
    command(deliveries, "retry", examples=("recado deliveries retry ID",))(retry)
    command(deliveries, "cancel", examples=("recado deliveries cancel ID ID",))(cancel)


async def list_deliveries(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    notification: Annotated[
        str | None, typer.Option(metavar="ID", help="Only those of this notification.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="ID", help="Only those to this conversation.")
    ] = None,
    limit: Limit = 100,
    after: After = None,
) -> None:
    """Show deliveries, newest first."""
    async with invocation.opened() as recado:
        # What was named has to exist: an empty list would look like an answer.
        if notification is not None:
            await recado.outbox.progress(notification)
        if reference is not None:
            await recado.references.get(reference)
        wanted = DeliveryFilter(state=state, notification_id=notification, reference_id=reference)
        page = await recado.outbox.deliveries(wanted, after=after, limit=limit)
        items = [delivery_record(each) for each in page.items]
    invocation.out.listing(items, page.next, _COLUMNS, nothing="There are no such deliveries.")


async def show(invocation: Invocation, delivery_id: DeliveryId) -> None:
    """Show a delivery with its attempts and the channel's receipts."""
    async with invocation.opened() as recado:
        record = detail_record(await recado.outbox.delivery(delivery_id))
    out = invocation.out
    if invocation.as_json:
        out.document(record)
        return
    delivery = record["delivery"]
    out.facts(
        {
            "delivery": delivery["id"],
            "state": delivery["state"],
            "reason": delivery["reason"],
            "notification": delivery["notification_id"],
            "reference": delivery["reference_id"],
            "channel": record["channel"],
            "conversation": record["conversation_id"],
            "health": record["health"],
            "ahead": record["ahead"],
            "accepted": delivery["accepted_at"],
            "due": delivery["due_at"],
            "expires": delivery["expires_at"],
            "settled": delivery["settled_at"],
            "handler": record["handler"],
            "content": _said(record["content"]),
        }
    )
    out.say()
    out.listing(record["attempts"], None, _ATTEMPT_COLUMNS, nothing="There was no attempt.")


async def explain_delivery(invocation: Invocation, delivery_id: DeliveryId) -> None:
    """Say in words why a delivery has not left, did not arrive, or did, and what to do."""
    async with invocation.opened() as recado:
        detail = await recado.outbox.delivery(delivery_id)
        served = await recado.store.served()
        told = explain(detail, now=recado.clock.now(), served=served)
    if invocation.as_json:
        invocation.out.document(
            {
                "delivery": delivery_record(detail.delivery),
                "served": served,
                "explanation": told,
            }
        )
        return
    for sentence in told:
        invocation.out.say(sentence)


async def retry(invocation: Invocation, ids: DeliveryIds) -> None:
    """Try rejected, unknown, held or retrying deliveries again now."""
    await _steer(invocation, ids, "retry")


async def cancel(invocation: Invocation, ids: DeliveryIds) -> None:
    """End deliveries that have not left."""
    await _steer(invocation, ids, "cancel")


async def _steer(invocation: Invocation, ids: list[str], verb: str) -> None:
    """Retry or cancel one delivery after the other; the first that refuses ends it."""
    items = []
    async with invocation.opened() as recado:
        steer = recado.outbox.retry if verb == "retry" else recado.outbox.cancel
        for each in ids:
            await steer(each)
            items.append(delivery_record((await recado.outbox.delivery(each)).delivery))
            invocation.out.say(f"Delivery {each} is {items[-1]['state']}.")
        served = await recado.store.served()
    if invocation.as_json:
        invocation.out.document({"items": items, "next": None, "served": served})
    elif verb == "retry" and not served:
        invocation.out.note(
            "No process is serving this database: it leaves when you start `recado serve`."
        )


def _said(content: dict[str, Any] | None) -> str | None:
    if content is None:
        return None
    text = content.get("text")
    return text if isinstance(text, str) else json.dumps(content, ensure_ascii=False)
