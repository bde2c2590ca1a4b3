"""``recado consent`` and ``recado person``: what people allow, and what is kept about them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recado.cli.exits import ExitCode
from recado.cli.invocation import After, Invocation, Limit, command, group
from recado.cli.output import Column, iso, shown_time
from recado.domain.consent import ConsentRecord, Said, Standing
from recado.domain.words import duration_of
from recado.errors import InvalidInput

if TYPE_CHECKING:
    from recado.app import Recado

_COLUMNS = (
    Column("at (UTC)", lambda item: shown_time(item["at"]), whole=True),
    Column("said", lambda item: item["said"], whole=True),
    Column("category", lambda item: item["category"], rank=1, whole=True),
    Column("how", lambda item: item["how"], rank=2, whole=True),
    Column("wording", lambda item: item["wording"], rank=3),
    Column("by", lambda item: item["by"], rank=4),
    Column("name", lambda item: item["name"], rank=5),
)

Who = Annotated[
    str,
    typer.Argument(
        metavar="WHO",
        help="user:<id, directory object id or e-mail>, or conversation:<id>.",
    ),
]
Category = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Only this kind of message; all when left out."),
]
How = Annotated[str, typer.Option(metavar="WORD", help="In which way they said so.")]
Wording = Annotated[str | None, typer.Option(metavar="TEXT", help="What they said, word for word.")]
By = Annotated[str | None, typer.Option(metavar="NAME", help="Who writes it down.")]
At = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="When they said so, in ISO 8601; now when left out."),
]


def register(app: typer.Typer) -> None:
    """Add the groups to *app*."""
    consent = group(app, "consent", summary="What people allow.", panel="Look and steer")
    command(
        consent,
        "show",
        examples=("recado consent show user:ana@example.com",),
    )(show)
    command(
        consent,
        "history",
        examples=("recado consent history user:ana@example.com --json",),
    )(history)
    command(
        consent,
        "opt-in",
        examples=(
            'recado consent opt-in user:ana@example.com --how form --wording "Tell me prices"',
            "recado consent opt-in user:ana@example.com --category prices --at 2026-05-01T09:00Z",
        ),
    )(opt_in)
    command(
        consent,
        "opt-out",
        examples=(
            "recado consent opt-out user:ana@example.com --how e-mail",
            'recado consent opt-out "conversation:19:sales@thread.tacv2" --category prices',
        ),
    )(opt_out)
    command(consent, "mute", examples=("recado consent mute user:ana@example.com 2h",))(mute)
    command(consent, "resume", examples=("recado consent resume user:ana@example.com",))(resume)
    command(
        consent,
        "import",
        examples=("recado consent import list.csv", "recado consent import list.ndjson --json"),
    )(import_file)
    person = group(
        app, "person", summary="Everything that is kept about one person.", panel="Look and steer"
    )
    command(
        person,
        "export",
        examples=("recado person export user:ana@example.com > ana.json",),
    )(export)
    command(
        person,
        "erase",
        examples=("recado person erase user:ana@example.com --yes",),
    )(erase)


async def show(invocation: Invocation, *, who: Who) -> None:
    """Show what somebody allows now, and every name they are known by."""
    async with invocation.opened() as recado:
        standing = await recado.consent.status(who)
    _tell(invocation, standing)


async def history(
    invocation: Invocation, *, who: Who, limit: Limit = 100, after: After = None
) -> None:
    """Show everything somebody has said about it, newest first."""
    async with invocation.opened() as recado:
        page = await recado.consent.history(who, after=after, limit=limit)
    invocation.out.listing(
        [_record(each) for each in page.items],
        page.next,
        _COLUMNS,
        nothing="They have said nothing about it.",
    )


async def opt_in(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    who: Who,
    category: Category = None,
    how: How = "command line",
    wording: Wording = None,
    by: By = None,
    at: At = None,
) -> None:
    """Record that somebody agrees to be spoken to; they need not be known yet."""
    async with invocation.opened() as recado:
        standing = await recado.consent.opt_in(
            who, category, how=how, wording=wording, by=by, at=_instant(at)
        )
    _tell(invocation, standing)


async def opt_out(  # noqa: PLR0913 - as above
    invocation: Invocation,
    *,
    who: Who,
    category: Category = None,
    how: How = "command line",
    wording: Wording = None,
    by: By = None,
    at: At = None,
) -> None:
    """Record that somebody does not want to be spoken to: nothing leaves for them any more."""
    async with invocation.opened() as recado:
        standing = await recado.consent.opt_out(
            who, category, how=how, wording=wording, by=by, at=_instant(at)
        )
    _tell(invocation, standing)


async def mute(
    invocation: Invocation,
    *,
    who: Who,
    length: Annotated[str, typer.Argument(metavar="LENGTH", help="Such as 2h or 3 days.")],
    category: Category = None,
) -> None:
    """Say nothing to somebody for a while; it goes out afterwards, in its order."""
    wanted = _length(length)
    async with invocation.opened() as recado:
        standing = await recado.consent.mute(
            who, for_=wanted, category=category, how="command line"
        )
    _tell(invocation, standing)


async def resume(invocation: Invocation, *, who: Who) -> None:
    """End every mute of somebody's, and a refusal of everything."""
    async with invocation.opened() as recado:
        standing = await recado.consent.resume(who, how="command line")
    _tell(invocation, standing)


async def import_file(
    invocation: Invocation,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header, or JSON Lines.")],
    by: By = None,
) -> None:
    """Take in a list of people who have agreed, or refused.

    Its columns: who (an e-mail address, a directory object id, a channel user id), and as far as
    there are: say (in or out), category, at (in ISO 8601 with its zone), how, wording, by.
    Importing it twice changes nothing. A line without `at` ends no refusal.
    """
    async with invocation.opened() as recado:
        with invocation.out.progress("Importing") as advance:
            done = await recado.consent.import_file(file, by=by, progress=advance)
    if invocation.as_json:
        invocation.out.document({"file": str(file), **asdict(done)})
    else:
        for each in done.refusals:
            invocation.out.note(f"line {each.line}: {each.reason}")
        if done.refused > len(done.refusals):
            invocation.out.note(f"… and {done.refused - len(done.refusals):,} more")
        counts = {"new": done.new, "known already": done.known, "refused": done.refused}
        invocation.out.facts({name: f"{many:,}" for name, many in counts.items()})
    if done.refused:
        raise typer.Exit(ExitCode.FAILED)


async def export(
    invocation: Invocation,
    *,
    who: Who,
) -> None:
    """Print everything that is kept about somebody, as one JSON document."""
    async with invocation.opened() as recado:
        found = await recado.consent.export_person(who)
    invocation.out.document(found)


async def erase(
    invocation: Invocation,
    *,
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone.")] = False,
) -> None:
    """Take away everything that is kept about somebody.

    What has not left is cancelled. If they had opted out, that holds again for whoever comes
    under one of their names: a salted hash of each is kept.
    """
    if not yes:
        raise InvalidInput(f"Everything about {who} would be gone for good: add --yes to do it.")
    async with invocation.opened() as recado:
        done = await _erased(recado, who)
    if invocation.as_json:
        invocation.out.document({"rows": done})
    else:
        invocation.out.say(f"Erased: {done:,} records.")


async def _erased(recado: Recado, who: str) -> int:
    return (await recado.consent.erase_person(who)).rows


def _tell(invocation: Invocation, standing: Standing) -> None:
    told = {
        "person": standing.subject.kind == "person",
        "said": None if standing.said is None else str(standing.said),
        "since": None if standing.since is None else iso(standing.since),
        "categories": {name: str(said) for name, said in standing.categories.items()},
        "muted_until": None if standing.muted_until is None else iso(standing.muted_until),
        "known_as": sorted({each.name for each in standing.known_as}),
    }
    if invocation.as_json:
        invocation.out.document(told)
        return
    refused = [name for name, said in standing.categories.items() if said is Said.OUT]
    agreed = [name for name, said in standing.categories.items() if said is Said.IN]
    altogether = {Said.IN: "agreed", Said.OUT: "opted out", None: "has said nothing"}
    invocation.out.facts(
        {
            "altogether": altogether[standing.said],
            "since (UTC)": None if standing.since is None else shown_time(iso(standing.since)),
            "refused": ", ".join(refused) or None,
            "agreed to": ", ".join(agreed) or None,
            "muted until (UTC)": None
            if standing.muted_until is None
            else shown_time(iso(standing.muted_until)),
            "known as": ", ".join(sorted({each.name for each in standing.known_as})),
        }
    )


def _record(record: ConsentRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "said": str(record.said),
        "category": record.category,
        "at": iso(record.at),
        "until": None if record.until is None else iso(record.until),
        "recorded_at": iso(record.recorded_at),
        "how": record.how,
        "wording": record.wording,
        "by": record.by,
        "name": record.subject.identity.name,
    }


def _instant(written: str | None) -> datetime | None:
    if written is None:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise InvalidInput(
            f"--at {written!r} is no time in ISO 8601: write 2026-05-01T09:00Z."
        ) from None
    if at.utcoffset() is None:
        raise InvalidInput(f"--at {written!r} has no zone: add Z or an offset such as +02:00.")
    # Its zone may lead beyond what a calendar has; that is told where it is used.
    return at


def _length(written: str) -> timedelta:
    length = duration_of(written)
    if length is None:
        raise InvalidInput(f"{written!r} is no length of time: write 2h, 30 min or 3 days.")
    return length
