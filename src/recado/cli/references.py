"""``recado references``: the conversations the bot can speak in."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recado.cli.exits import ExitCode
from recado.cli.invocation import After, Invocation, Limit, command, group
from recado.cli.others import others_references
from recado.cli.output import Column, Output, iso, shown_time
from recado.cli.records import address, people, reference_record
from recado.domain.audience import Conversation
from recado.domain.audit import AuditEntry
from recado.domain.health import HealthCount
from recado.domain.importing import NEVER, Format
from recado.domain.reference import Health
from recado.domain.roster import RosterMember
from recado.errors import InvalidInput

if TYPE_CHECKING:
    from recado.references import Imported

_COLUMNS = (
    Column("reference", lambda item: item["id"], whole=True),
    Column("user", address, rank=1, whole=True),
    Column("people", people, rank=2),
    Column("channel", lambda item: item["channel"], rank=5, whole=True),
    Column("health", lambda item: item["health"], rank=3, whole=True),
    Column("last seen (UTC)", lambda item: _last_seen(item["last_seen"]), rank=4, whole=True),
    Column("conversation", lambda item: item["conversation_id"], rank=6, whole=True),
)

_REPORT_COLUMNS = (
    Column("channel", lambda item: item["channel"], whole=True),
    Column("health", lambda item: item["health"], whole=True),
    Column("conversations", lambda item: f"{item['conversations']:,}", whole=True),
    Column("newest reason", lambda item: item["reason"], rank=1),
    Column("newest since (UTC)", lambda item: shown_time(item["since"]), rank=2, whole=True),
)
_AUDIT_COLUMNS = (
    Column("at (UTC)", lambda item: shown_time(item["at"]), whole=True),
    Column("what", lambda item: item["kind"].replace("_", " "), whole=True),
    Column("before", lambda item: item["detail"].get("before"), rank=1),
    Column("after", lambda item: item["detail"].get("after"), rank=1),
    Column("why", lambda item: item["detail"].get("reason"), rank=2),
    Column("told by", lambda item: item["detail"].get("by"), rank=3, whole=True),
)
_ROSTER_COLUMNS = (
    Column("user", lambda item: item["user_id"], whole=True),
    Column("name", lambda item: item["name"], rank=1),
    Column("e-mail", lambda item: item["email"], rank=2, whole=True),
    Column("directory id", lambda item: item["aad_object_id"], rank=3, whole=True),
)
#: Audit entries shown with a reference.
_ENTRIES = 20


def _last_seen(stamp: str) -> str:
    """When a conversation was seen; nothing for one that was imported and not heard since."""
    return "" if stamp == iso(NEVER) else shown_time(stamp)


def register(app: typer.Typer) -> None:
    """Add the group to *app*."""
    references = group(
        app,
        "references",
        summary="The conversations the bot can speak in.",
        panel="Look and steer",
    )
    command(
        references,
        "list",
        examples=(
            "recado references list --json --limit 1000",
            "recado references list --health blocked,uninstalled",
        ),
    )(list_references)
    command(references, "report", examples=("recado references report",))(report)
    command(references, "show", examples=("recado references show ID",))(show)
    command(
        references,
        "roster",
        examples=(
            'recado references roster "19:sales@thread.tacv2"',
            "recado references roster ID --known --json",
        ),
    )(roster)
    command(
        references,
        "import",
        examples=(
            "recado references import .notification.localstore.json --dry-run",
            "recado references import state.json --format sdk-proactive",
        ),
    )(import_file)


async def list_references(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    health: Annotated[
        str | None,
        typer.Option(metavar="HEALTH,…", help=f"Only those that are: {', '.join(Health)}."),
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="Only those of this channel, for example msteams.")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(metavar="ID", help="Only those of this directory tenant.")
    ] = None,
    limit: Limit = 100,
    after: After = None,
) -> None:
    """Show the conversations of this bot, in the order they were first seen."""
    wanted = _healths(health)
    filtered = bool(wanted or channel or tenant)
    async with invocation.opened() as recado:
        page = await recado.references.page(
            bot=recado.settings.bot,
            health=wanted,
            channel=channel,
            tenant=tenant,
            after=after,
            limit=limit,
        )
        items = [reference_record(each) for each in page.items]
        others = "" if items or after or filtered else await others_references(recado)
    nothing = "No conversation is known: somebody has to write to the bot, or install it."
    invocation.out.listing(
        items,
        page.next,
        _COLUMNS,
        nothing="There are no such conversations." if filtered else nothing + others,
    )


async def report(invocation: Invocation) -> None:
    """Show how many conversations are well, and how many have blocked or removed the bot."""
    async with invocation.opened() as recado:
        counted = await recado.references.report(recado.settings.bot)
        others = "" if counted else await others_references(recado)
    invocation.out.listing(
        [_count_record(each) for each in counted],
        None,
        _REPORT_COLUMNS,
        nothing=f"No conversation is known.{others}",
    )


async def show(
    invocation: Invocation,
    *,
    reference_id: Annotated[str, typer.Argument(metavar="ID", help="The reference's id.")],
) -> None:
    """Show how a conversation is reached, who is in it, and what has become of it."""
    async with invocation.opened() as recado:
        reference = await recado.references.get(reference_id)
        history = await recado.references.history(reference_id, limit=_ENTRIES)
    record = reference_record(reference)
    entries = [_entry_record(each) for each in history.items]
    if invocation.as_json:
        invocation.out.document({**record, "raw": reference.raw, "audit": entries})
        return
    shown = {name.replace("_", " "): value for name, value in record.items() if name != "members"}
    invocation.out.facts({**shown, "agent": (record["agent"] or {}).get("id")})
    for member in record["members"]:
        known = (member["name"], member["user_id"], member["aad_object_id"], member["email"])
        invocation.out.say(f"member  {', '.join(filter(None, known))}")
    if entries:
        invocation.out.say()
        invocation.out.listing(entries, None, _AUDIT_COLUMNS, nothing="")


async def roster(
    invocation: Invocation,
    *,
    team: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="A channel of the team, or the group: its own id or its reference's."
        ),
    ],
    known: Annotated[
        bool, typer.Option("--known", help="Ask nobody: show what was read last.")
    ] = False,
    limit: Limit = 100,
    after: After = None,
) -> None:
    """Read who is in a team or group, so that they can be named.

    That takes a request for 500 people. A reading that was interrupted goes on where it ended.
    Nobody becomes part of a broadcast by it.
    """
    async with invocation.opened() as recado:
        (reference,) = await recado.references.resolve(recado.settings.bot, Conversation(team))
        if not known:
            with invocation.out.progress("Reading") as advance:
                await recado.references.refresh_roster(
                    reference.id, progress=lambda read: advance(read.listed, read.of)
                )
        page = await recado.references.roster(reference.id, after=after, limit=limit)
    invocation.out.listing(
        [_listed_record(each) for each in page.items],
        page.next,
        _ROSTER_COLUMNS,
        nothing="Nobody is on its roster." if not known else "Its roster has not been read.",
    )


async def import_file(
    invocation: Invocation,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON, or JSON Lines.")],
    form: Annotated[
        Format, typer.Option("--format", help="What the file holds; found out by itself.")
    ] = Format.AUTO,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing: say what would be imported.")
    ] = False,
) -> None:
    """Take in conversations whose references another program has kept.

    Such as the records of the Agents SDK's Proactive, the file of a TeamsFx notification bot, or
    ConversationReferences of any SDK. They are this bot's conversations then. What is known of a
    conversation already stays; importing a file twice changes nothing.
    """
    async with invocation.opened() as recado:
        with invocation.out.progress("Importing") as advance:
            imported = await recado.imports.file(file, form=form, dry_run=dry_run, progress=advance)
    record = {"file": str(file), "format": str(form), "dry_run": dry_run, **asdict(imported)}
    if invocation.as_json:
        invocation.out.document(record)
    else:
        _tell_import(invocation.out, imported, dry_run=dry_run)
    if imported.trouble is not None:
        raise InvalidInput(f"{imported.trouble} {_so_far(imported, dry_run=dry_run)}")
    if imported.refused:
        raise typer.Exit(ExitCode.FAILED)


def _tell_import(out: Output, imported: Imported, *, dry_run: bool) -> None:
    for each in imported.refusals:
        key = "" if each.key is None else f", {each.key}"
        out.note(f"line {each.line}{key}: {each.reason}")
    if imported.refused > len(imported.refusals):
        out.note(f"… and {imported.refused - len(imported.refusals):,} more")
    out.facts(
        {
            "would be new" if dry_run else "new": f"{imported.new:,}",
            "known already": f"{imported.known:,}",
            "refused": f"{imported.refused:,}",
            "no references": f"{imported.passed_over:,}" if imported.passed_over else None,
        }
    )


def _so_far(imported: Imported, *, dry_run: bool) -> str:
    if dry_run:
        return "Get the whole file before you import it."
    told = "Nothing new was"
    if imported.new:
        told = f"{imported.new:,} new conversation{'s were' if imported.new > 1 else ' was'}"
    return f"{told} imported before that: get the whole file and import it again."


def _listed_record(listed: RosterMember) -> dict[str, Any]:
    member = listed.member
    return {
        "user_id": member.user_id,
        "name": member.name,
        "aad_object_id": member.aad_object_id,
        "email": member.email,
        "principal_name": listed.principal_name,
        "tenant_id": listed.tenant_id,
    }


def _healths(given: str | None) -> frozenset[Health]:
    """The healths named on the command line."""
    names = [name.strip().casefold() for name in (given or "").split(",") if name.strip()]
    for name in names:
        if name not in set(Health):
            raise InvalidInput(f"{name!r} is no health: there are {', '.join(Health)}.")
    return frozenset(Health(name) for name in names)


def _count_record(count: HealthCount) -> dict[str, Any]:
    return {
        "channel": count.channel,
        "health": str(count.health),
        "conversations": count.many,
        "reason": count.reason,
        "since": iso(count.since) if count.since else None,
    }


def _entry_record(entry: AuditEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "at": iso(entry.at),
        "kind": entry.kind,
        "reference_id": entry.reference_id,
        "detail": dict(entry.detail),
    }
