"""``recado deliveries``: what became of what was to be said, and steering it."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recado.cli.invocation import After, Invocation, Limit, command, group
from recado.cli.others import others_references
from recado.cli.output import Column, shown_time
from recado.cli.records import (
    delivery_record,
    detail_record,
    link_record,
    people,
    reference_record,
)
from recado.cli.steering import who
from recado.domain.delivery import State
from recado.domain.explanation import explain
from recado.domain.pausing import pause_in_words
from recado.domain.steering import DEAD
from recado.errors import InvalidInput, TransitionRefused
from recado.store.port import DeliveryFilter

if TYPE_CHECKING:
    from recado.app import Recado

_COLUMNS = (
    Column("delivery", lambda delivery: delivery["id"], whole=True),
    Column("state", lambda delivery: delivery["state"], whole=True),
    Column("to", lambda delivery: delivery["to"], rank=1),
    Column("reason", lambda delivery: delivery["reason"], rank=3),
    Column("attempts", lambda delivery: delivery["attempts"], rank=6, whole=True),
    Column(
        "accepted (UTC)", lambda delivery: shown_time(delivery["accepted_at"]), rank=2, whole=True
    ),
    Column("due (UTC)", lambda delivery: shown_time(delivery["due_at"]), rank=4, whole=True),
    Column(
        "settled (UTC)", lambda delivery: shown_time(delivery["settled_at"]), rank=5, whole=True
    ),
)

_ATTEMPT_COLUMNS = (
    Column("attempt", lambda attempt: attempt["number"], whole=True),
    Column("started (UTC)", lambda attempt: shown_time(attempt["started_at"]), rank=4, whole=True),
    Column("outcome", lambda attempt: attempt["outcome"], whole=True),
    Column("status", lambda attempt: attempt["evidence"]["status"], rank=1, whole=True),
    Column("code", lambda attempt: attempt["evidence"]["code"], rank=2),
    Column("receipt", lambda attempt: attempt["evidence"]["activity_id"], rank=5, whole=True),
    Column("message", lambda attempt: attempt["evidence"]["message"], rank=3),
)

_CHAIN_COLUMNS = (
    Column("checked", lambda link: link["name"], whole=True),
    Column("holds", lambda link: link["holds"], whole=True),
    Column("since (UTC)", lambda link: shown_time(link["since"]), rank=3, whole=True),
    Column("until (UTC)", lambda link: shown_time(link["until"]), rank=2, whole=True),
    Column("what was found", lambda link: link["said"], rank=1),
)

#: A position in the listing is the id of the delivery before it.
_CURSOR = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: How much of a content, and of a conversation's id, people are shown.
_CONTENT, _CONVERSATION = 200, 24

DeliveryId = Annotated[str, typer.Argument(metavar="ID", help="The delivery's id.")]
DeliveryIds = Annotated[
    list[str], typer.Argument(metavar="ID", help="Ids of deliveries.", show_default=False)
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
    command(
        deliveries,
        "dead",
        examples=("recado deliveries dead", "recado deliveries dead --notification ID --json"),
    )(dead)
    command(deliveries, "show", examples=("recado deliveries show ID",))(show)
    command(deliveries, "explain", examples=("recado deliveries explain ID",))(explain_delivery)
    command(deliveries, "retry", examples=("recado deliveries retry ID",))(retry)
    command(deliveries, "cancel", examples=("recado deliveries cancel ID ID",))(cancel)
    command(deliveries, "mark-delivered", examples=("recado deliveries mark-delivered ID",))(
        mark_delivered
    )


_OfNotification = Annotated[
    str | None,
    typer.Option("--notification", metavar="ID", help="Only those of this notification."),
]
_OfReference = Annotated[
    str | None, typer.Option("--reference", metavar="ID", help="Only those to this conversation.")
]
_ForReason = Annotated[
    str | None, typer.Option("--reason", metavar="CODE", help="Only those with this reason.")
]


async def list_deliveries(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    state: Annotated[
        list[State] | None,
        typer.Option(help="Only those in this state; can be given several times."),
    ] = None,
    notification: _OfNotification = None,
    reference: _OfReference = None,
    reason: _ForReason = None,
    limit: Limit = 100,
    after: After = None,
) -> None:
    """Show deliveries, newest first.

    Those of this bot, unless a notification or conversation is named.
    """
    wanted = DeliveryFilter(
        state=frozenset(state) if state else None,
        notification_id=notification,
        reference_id=reference,
        reason=reason,
    )
    await _list(invocation, wanted, after, limit)


async def dead(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    notification: _OfNotification = None,
    reference: _OfReference = None,
    reason: _ForReason = None,
    limit: Limit = 100,
    after: After = None,
) -> None:
    """Show dead letters, newest first: deliveries that were rejected, or may have arrived.

    Nothing more happens to them by itself. `recado deliveries show` has the whole history of one,
    `recado retry` tries them again.
    """
    wanted = DeliveryFilter(
        state=DEAD, notification_id=notification, reference_id=reference, reason=reason
    )
    await _list(invocation, wanted, after, limit)


async def _list(
    invocation: Invocation, wanted: DeliveryFilter, after: str | None, limit: int
) -> None:
    """Show a page of deliveries."""
    notification, reference = wanted.notification_id, wanted.reference_id
    if after is not None and not _CURSOR.fullmatch(after):
        raise InvalidInput(f"{after!r} is no page: pass on what the page before gave as next.")
    async with invocation.opened() as recado:
        # What was named has to exist: an empty list would look like an answer.
        if notification is not None:
            await recado.outbox.progress(notification)
        if reference is not None:
            await recado.references.get(reference)
        bot = None if notification or reference else recado.settings.bot
        page = await recado.outbox.deliveries(replace(wanted, bot=bot), after=after, limit=limit)
        items = [delivery_record(each) for each in page.items]
        if not invocation.as_json:
            to = await _recipients(recado, items)
            items = [{**each, "to": to[each["reference_id"]]} for each in items]
        others = "" if items or after or bot is None else await others_references(recado)
    nothing = f"There are no such deliveries.{others}"
    invocation.out.listing(items, page.next, _COLUMNS, nothing=nothing)


async def _recipients(recado: Recado, items: list[dict[str, Any]]) -> dict[str, str]:
    """Who the deliveries of a page go to, by reference; each conversation is read once."""
    ids = {each["reference_id"] for each in items}
    # Asked together, they share the way to the database.
    found = await asyncio.gather(*(recado.references.get(each) for each in ids))
    return {each.id: _recipient(reference_record(each)) for each in found}


def _recipient(record: dict[str, Any]) -> str:
    """A conversation in a few words: its name, who is in it, or how its id begins."""
    conversation: str = record["conversation_id"]
    return record["name"] or people(record) or _cut(conversation, _CONVERSATION)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"


async def show(invocation: Invocation, delivery_id: DeliveryId) -> None:
    """Show a delivery with its attempts and the channel's receipts."""
    async with invocation.opened() as recado:
        detail = await recado.outbox.delivery(delivery_id)
        now = recado.clock.now()
    record, out = detail_record(detail, now), invocation.out
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
            "decided by": record["decided_by"],
            "handler": record["handler"],
            record["action"]: record["target"],
            "content": _shown(_said(record["content"])),
        }
    )
    for each in detail.pauses:
        if each.active(now):
            out.say(pause_in_words(each, now))
    out.say()
    out.listing(record["attempts"], None, _ATTEMPT_COLUMNS, nothing="There was no attempt.")


async def explain_delivery(invocation: Invocation, delivery_id: DeliveryId) -> None:
    """Say in words why a delivery has not left, did not arrive, or did, and what to do."""
    async with invocation.opened() as recado:
        detail = await recado.outbox.delivery(delivery_id)
        served = await recado.store.served()
        told = explain(detail, now=recado.clock.now(), served=served)
        chain = [link_record(*each) for each in await recado.outbox.chain(detail)]
    if invocation.as_json:
        invocation.out.document(
            {
                "delivery": delivery_record(detail.delivery),
                "served": served,
                "explanation": told,
                "chain": chain,
            }
        )
        return
    for sentence in told:
        invocation.out.say(sentence)
    if chain:
        invocation.out.say()
        invocation.out.listing(chain, None, _CHAIN_COLUMNS, nothing="")


async def retry(invocation: Invocation, ids: DeliveryIds) -> None:
    """Try rejected, unknown, held or retrying deliveries again now."""
    await _steer(invocation, ids, "retry")


async def cancel(invocation: Invocation, ids: DeliveryIds) -> None:
    """End deliveries that have not left."""
    await _steer(invocation, ids, "cancel")


async def mark_delivered(invocation: Invocation, ids: DeliveryIds) -> None:
    """Settle deliveries that are unknown: you have seen that they arrived."""
    items = []
    async with invocation.opened() as recado:
        for each in ids:
            await recado.outbox.mark_delivered(each, by=who())
            items.append(delivery_record((await recado.outbox.delivery(each)).delivery))
            invocation.out.say(f"Delivery {each} is {items[-1]['state']}.")
    if invocation.as_json:
        invocation.out.document({"items": items, "next": None})


async def _steer(invocation: Invocation, ids: list[str], verb: str) -> None:
    """Retry or cancel one delivery after the other; the first that refuses ends it."""
    items = []
    async with invocation.opened() as recado:
        for each in ids:
            try:
                if verb == "retry":
                    await recado.outbox.retry(each)
                else:
                    await recado.outbox.cancel(each, by=who())
            except TransitionRefused:
                state = (await recado.outbox.delivery(each)).delivery.state
                if verb == "cancel" and state.final:
                    raise TransitionRefused(
                        f"Delivery {each} cannot be cancelled. It is already {state}; nothing is "
                        "left to cancel."
                    ) from None
                raise
            items.append(delivery_record((await recado.outbox.delivery(each)).delivery))
            invocation.out.say(f"Delivery {each} is {items[-1]['state']}.")
        served = await recado.store.served()
    if invocation.as_json:
        invocation.out.document({"items": items, "next": None, "served": served})
    elif verb == "retry" and not served:
        invocation.out.note(
            "No process is serving this database: it leaves when you start `recado serve`."
        )


def _shown(text: str | None) -> str | None:
    """What was said, or how it begins."""
    if text is None or len(text) <= _CONTENT:
        return text
    return f"{_cut(text, _CONTENT)} ({len(text):,} characters; --json shows them all)"


def _said(content: dict[str, Any] | None) -> str | None:
    if content is None:
        return None
    text = content.get("text")
    return text if isinstance(text, str) else json.dumps(content, ensure_ascii=False)
