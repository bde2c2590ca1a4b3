"""``recado references``: the conversations the bot can speak in."""

from __future__ import annotations

from typing import Annotated

import typer

from recado.cli.invocation import After, Invocation, Limit, command, group
from recado.cli.output import Column, shown_time
from recado.cli.records import people, reference_record

_COLUMNS = (
    Column("reference", lambda item: item["id"]),
    Column("channel", lambda item: item["channel"]),
    Column("people", people),
    Column("health", lambda item: item["health"]),
    Column("last seen (UTC)", lambda item: shown_time(item["last_seen"])),
    Column("conversation", lambda item: item["conversation_id"]),
)


def register(app: typer.Typer) -> None:
    """Add the group to *app*."""
    references = group(
        app,
        "references",
        summary="The conversations the bot can speak in.",
        panel="Look and steer",
    )
    command(references, "list", examples=("recado references list --json --limit 1000",))(
        list_references
    )
    command(references, "show", examples=("recado references show ID",))(show)


async def list_references(invocation: Invocation, limit: Limit = 100, after: After = None) -> None:
    """Show the conversations of this bot, in the order they were first seen."""
    async with invocation.opened() as recado:
        page = await recado.references.page(bot=recado.settings.bot, after=after, limit=limit)
        items = [reference_record(each) for each in page.items]
    invocation.out.listing(
        items,
        page.next,
        _COLUMNS,
        nothing="No conversation is known: somebody has to write to the bot, or install it.",
    )


async def show(
    invocation: Invocation,
    *,
    reference_id: Annotated[str, typer.Argument(metavar="ID", help="The reference's id.")],
) -> None:
    """Show how a conversation is reached, and who is in it."""
    async with invocation.opened() as recado:
        reference = await recado.references.get(reference_id)
    record = reference_record(reference)
    if invocation.as_json:
        invocation.out.document({**record, "raw": reference.raw})
        return
    shown = {name.replace("_", " "): value for name, value in record.items() if name != "members"}
    invocation.out.facts({**shown, "agent": (record["agent"] or {}).get("id")})
    for member in record["members"]:
        known = (member["name"], member["user_id"], member["aad_object_id"], member["email"])
        invocation.out.say(f"member  {', '.join(filter(None, known))}")
