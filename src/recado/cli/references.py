"""``recado references``: the conversations the bot can speak in."""

from __future__ import annotations

from typing import Annotated

import typer

from recado.cli.invocation import After, Invocation, Limit, command, group
from recado.cli.others import others_references
from recado.cli.output import Column, shown_time
from recado.cli.records import address, people, reference_record

_COLUMNS = (
    Column("reference", lambda item: item["id"], whole=True),
    Column("user", address, rank=1, whole=True),
    Column("people", people, rank=2),
    Column("channel", lambda item: item["channel"], rank=5, whole=True),
    Column("health", lambda item: item["health"], rank=3, whole=True),
    Column("last seen (UTC)", lambda item: shown_time(item["last_seen"]), rank=4, whole=True),
    Column("conversation", lambda item: item["conversation_id"], rank=6, whole=True),
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
        others = "" if items or after else await others_references(recado)
    invocation.out.listing(
        items,
        page.next,
        _COLUMNS,
        nothing="No conversation is known: somebody has to write to the bot, or install it."
        + others,
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
