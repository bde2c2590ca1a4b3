"""``recado recipients``: in which zone people live, and when they want to be told things."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from recado.cli.invocation import Invocation, command, group
from recado.domain.recipient import KEPT, Change, Recipient
from recado.errors import InvalidInput

Who = Annotated[
    str, typer.Argument(metavar="WHO", help="user:<id> or conversation:<id>, see `recado send`.")
]
#: What is written to take something back.
_BACK = "default"

_ZONE_BY = {"set": "set by them", "told": "as their channel tells", "default": "by the settings"}


def register(app: typer.Typer) -> None:
    """Add the group to *app*."""
    recipients = group(
        app,
        "recipients",
        summary="In which zone people live, and when they want to be told things.",
        panel="Look and steer",
    )
    command(recipients, "show", examples=("recado recipients show user:ana@example.com",))(show)
    command(
        recipients,
        "set",
        examples=(
            "recado recipients set user:ana@example.com --zone Europe/Madrid",
            "recado recipients set user:ana@example.com --quiet-hours 22:00-08:00",
            'recado recipients set user:ana@example.com --window "prices=mon-fri 09:00-18:00"',
        ),
    )(set_recipient)


async def show(invocation: Invocation, *, who: Who) -> None:
    """Show the zone and the hours of a recipient."""
    async with invocation.opened() as recado:
        found = await recado.recipients.get(who)
    _show(invocation, found)


async def set_recipient(
    invocation: Invocation,
    *,
    who: Who,
    zone: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Time zone, as Europe/Madrid; default takes it back."),
    ] = None,
    quiet_hours: Annotated[
        str | None,
        typer.Option(
            metavar="HOURS",
            help="When nothing is said, as 22:00-08:00; off for never; default takes it back.",
        ),
    ] = None,
    window: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[CATEGORY=]HOURS",
            help="When in the week something is said, as mon-fri 09:00-18:00; off for any time; "
            "default takes it back. Can be given several times.",
        ),
    ] = None,
) -> None:
    """Set the zone and the hours of a recipient; what is held for them is looked at again."""
    if zone is None and quiet_hours is None and not window:
        raise InvalidInput("Say what is to be set: --zone, --quiet-hours or --window.")
    change = Change(
        zone=KEPT if zone is None else _given(zone),
        quiet=KEPT if quiet_hours is None else _given(quiet_hours),
        windows=dict(_window(each) for each in window or ()),
    )
    async with invocation.opened() as recado:
        found = await recado.recipients.change(who, change)
    _show(invocation, found)


def _window(written: str) -> tuple[str, str | None]:
    category, _, hours = written.rpartition("=")
    return category.strip(), _given(hours)


def _given(written: str) -> str | None:
    return None if written.strip().lower() == _BACK else written


def _show(invocation: Invocation, found: Recipient) -> None:
    record = _record(found)
    if invocation.as_json:
        invocation.out.document(record)
        return
    windows = {
        f"window of {category}" if category else "window": hours
        for category, hours in sorted(found.windows.items())
    }
    invocation.out.facts(
        {
            "recipient": found.who,
            "zone": f"{found.zone} ({_ZONE_BY[found.zone_by]})",
            "quiet hours": found.quiet_hours or "by the settings",
            **(windows or {"window": "by the settings"}),
        }
    )


def _record(found: Recipient) -> dict[str, Any]:
    return {
        "who": found.who,
        "zone": found.zone,
        "zone_by": found.zone_by,
        "quiet_hours": found.quiet_hours,
        "windows": dict(found.windows),
    }
