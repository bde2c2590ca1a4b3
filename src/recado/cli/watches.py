"""``recado watches``: rules over what happens, and who is told when one becomes true."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recado.cli.invocation import After, Invocation, Limit, command, group
from recado.cli.output import Column, iso, shown_time
from recado.errors import InvalidInput

if TYPE_CHECKING:
    from recado.domain.watch import Watch

Which = Annotated[str, typer.Argument(metavar="WATCH", help="The watch's id, or its key.")]

_COLUMNS = (
    Column("watch", lambda watch: watch["id"], whole=True),
    Column("subject", lambda watch: watch["subject"], rank=1),
    Column("rule", lambda watch: watch["rule"], rank=1, whole=True),
    Column("state", lambda watch: watch["state"], rank=1, whole=True),
    Column("from", lambda watch: watch["baseline"], rank=3, whole=True),
    Column("fired", lambda watch: watch["fired"], rank=3, whole=True),
    Column("tells", lambda watch: watch["to"], rank=2),
    Column("made (UTC)", lambda watch: shown_time(watch["created_at"]), rank=5, whole=True),
    Column("trouble", lambda watch: watch["trouble"], rank=4),
)


def register(app: typer.Typer) -> None:
    """Add the group to *app*."""
    watches = group(
        app,
        "watches",
        summary="Rules over what happens, and who is told when one becomes true.",
        panel="Look and steer",
    )
    command(
        watches,
        "add",
        examples=(
            'recado watches add user:ana@example.com price:42 "drop 20%"',
            'recado watches add user:29:ana stock:42 "equals sold out" --text "{value} again."',
            'recado watches add user:29:ana price:42 "below 50" --repeat --cooldown 1h',
        ),
    )(add)
    command(
        watches,
        "list",
        examples=("recado watches list", "recado watches list --subject price:42 --all"),
    )(list_watches)
    command(watches, "show", examples=("recado watches show WATCH --json",))(show)
    command(watches, "pause", examples=("recado watches pause WATCH",))(pause)
    command(watches, "resume", examples=("recado watches resume WATCH",))(resume)
    command(watches, "cancel", examples=("recado watches cancel WATCH",))(cancel)


def watch_record(watch: Watch) -> dict[str, Any]:
    """A watch as it stands in JSON."""
    return {
        "id": watch.id,
        "number": watch.number,
        "subject": watch.subject,
        "rule": str(watch.rule),
        "path": watch.path,
        "to": watch.audience,
        "reference_id": watch.reference_id,
        "conversation_id": watch.conversation_id,
        "user": None if watch.user is None else dict(watch.user),
        "activity": None if watch.content is None else dict(watch.content),
        "handler": watch.handler,
        "repeat": watch.repeats,
        "cooldown": None if watch.cooldown is None else watch.cooldown.total_seconds(),
        "key": watch.key,
        "state": str(watch.state),
        "baseline": watch.baseline,
        "armed": watch.armed,
        "fired": watch.fired,
        "fired_at": None if watch.fired_at is None else iso(watch.fired_at),
        "trouble": watch.trouble,
        "created_at": iso(watch.created_at),
        "expires_at": None if watch.expires_at is None else iso(watch.expires_at),
        "ended_at": None if watch.ended_at is None else iso(watch.ended_at),
    }


async def add(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    who: Annotated[
        str, typer.Argument(metavar="WHO", help="user:<id or e-mail> or conversation:<id>.")
    ],
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="What is watched, as events name it.")
    ],
    rule: Annotated[
        str,
        typer.Argument(
            metavar="RULE",
            help="drop 20%, drop 5, rise 10%, below 50, above 100, crosses 50, changes or "
            "equals sold out.",
        ),
    ],
    text: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="What it says; {subject}, {value}, {before}, {change}, {percent} and {rule} are "
            "filled in.",
        ),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Where in the data the value is, as offer.price."),
    ] = None,
    repeat: Annotated[bool, typer.Option("--repeat", help="Go on after it has spoken.")] = False,
    cooldown: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Be silent for so long after that, as 30m or 2h."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="End in any case after this time, as 30d.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Your own name for it; asked for twice it is one watch."),
    ] = None,
    category: Annotated[
        str | None, typer.Option(metavar="NAME", help="What kind of message it is, for consent.")
    ] = None,
) -> None:
    """Tell somebody when a rule over what happens to a subject becomes true."""
    async with invocation.opened() as recado:
        watch = await recado.watches.create(
            who,
            subject=subject,
            rule=rule,
            text=text,
            path=path,
            repeat=repeat,
            cooldown=_time(cooldown, "--cooldown"),
            expires=_time(expires, "--expires"),
            key=key,
            category=category,
        )
    record = watch_record(watch)
    if invocation.out.json:
        invocation.out.document(record)
        return
    made = "was watched already" if watch.replayed else "is watched"
    invocation.out.say(f"{watch.subject} {made} for {watch.audience}: {watch.rule}.")
    if not watch.armed:
        invocation.out.note("That is true now; it is told when it has ended and comes true again.")
    _facts(invocation, record)


async def list_watches(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    subject: Annotated[
        str | None, typer.Option(metavar="SUBJECT", help="Only those over this.")
    ] = None,
    who: Annotated[
        str | None,
        typer.Option("--to", metavar="WHO", help="Only those of user:<id> or conversation:<id>."),
    ] = None,
    ended: Annotated[bool, typer.Option("--all", help="Those that have ended as well.")] = False,
    limit: Limit = 100,
    after: After = None,
) -> None:
    """Show watches in the order they were made."""
    # Imported here, as everything that the help does not need.
    from recado.domain.watch import WatchState
    from recado.watches import LIVE

    async with invocation.opened() as recado:
        page = await recado.watches.page(
            subject=subject,
            audience=who,
            states=tuple(WatchState) if ended else LIVE,
            after=after,
            limit=limit,
        )
    invocation.out.listing(
        [watch_record(watch) for watch in page.items],
        page.next,
        _COLUMNS,
        nothing="Nothing is watched: `recado watches add` makes a watch.",
    )


async def show(invocation: Invocation, *, watch: Which) -> None:
    """Show a watch, with what it remembers and what troubles it."""
    async with invocation.opened() as recado:
        found = await recado.watches.get(watch)
    _tell(invocation, watch_record(found))


async def pause(invocation: Invocation, *, watch: Which) -> None:
    """Have a watch look at nothing until it is resumed."""
    async with invocation.opened() as recado:
        changed = await recado.watches.pause(watch)
    _tell(invocation, watch_record(changed))


async def resume(invocation: Invocation, *, watch: Which) -> None:
    """Have a watch that is paused look again."""
    async with invocation.opened() as recado:
        changed = await recado.watches.resume(watch)
    _tell(invocation, watch_record(changed))


async def cancel(invocation: Invocation, *, watch: Which) -> None:
    """End a watch; one that has ended stays as it is."""
    async with invocation.opened() as recado:
        changed = await recado.watches.cancel(watch)
    _tell(invocation, watch_record(changed))


def _time(text: str | None, option: str) -> timedelta | None:
    # Imported here, as everything that the help does not need.
    from recado.domain.words.duration import duration_of

    if text is None:
        return None
    length = duration_of(text)
    if length is None:
        raise InvalidInput(f"{option} {text!r} is no length of time: write 30m, 2h or 30d.")
    return length


def _tell(invocation: Invocation, record: Mapping[str, Any]) -> None:
    if invocation.out.json:
        invocation.out.document(record)
    else:
        _facts(invocation, record)


def _facts(invocation: Invocation, record: Mapping[str, Any]) -> None:
    said = record["activity"] or {}
    invocation.out.facts(
        {
            "id": record["id"],
            "number": record["number"],
            "subject": record["subject"],
            "path": record["path"],
            "rule": record["rule"],
            "tells": record["to"],
            "says": said.get("text") or record["handler"],
            "repeats": record["repeat"],
            "state": record["state"],
            "compared with": record["baseline"],
            "fired": record["fired"],
            "last fired": shown_time(record["fired_at"]) or None,
            "trouble": record["trouble"],
            "key": record["key"],
            "expires": shown_time(record["expires_at"]) or None,
        }
    )
