"""``recado schedules``: what is to be said at times that a rule tells."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recado.cli.invocation import After, Invocation, Limit, command, group
from recado.cli.output import Column, iso, shown_time
from recado.cli.sending import content_given, delay_of
from recado.errors import InvalidInput

if TYPE_CHECKING:
    from recado.domain.schedule import Firing, Schedule

Name = Annotated[str, typer.Argument(metavar="SCHEDULE", help="Its id, or your key for it.")]
At = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Once: 2026-12-24T18:00 as clocks in its zone show it, or with an offset.",
    ),
]
AfterLength = Annotated[
    str | None,
    typer.Option("--in", "--after", metavar="LENGTH", help="Once, after 90s, 10m or 2h30m."),
]
Every = Annotated[
    str | None, typer.Option(metavar="LENGTH", help="Each time so long has passed: 10s or more.")
]
Cron = Annotated[
    str | None, typer.Option(metavar="FIELDS", help="'minute hour day month weekday'.")
]
Rrule = Annotated[
    str | None,
    typer.Option(metavar="RULE", help="A recurrence rule of RFC 5545: 'FREQ=WEEKLY;BYDAY=MO'."),
]
Zone = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Europe/Madrid, say; the recipient's when left out."),
]
Start = Annotated[str | None, typer.Option(metavar="TIME", help="Nothing is said before.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Nothing is said after.")]
To = Annotated[
    str, typer.Argument(metavar="WHO", help="user:<id> or conversation:<id>, see `recado send`.")
]

_COLUMNS = (
    Column("schedule", lambda each: each["id"], whole=True),
    Column("state", lambda each: each["state"], rank=1, whole=True),
    Column("next (UTC)", lambda each: shown_time(each["next_at"]), rank=1, whole=True),
    Column("rule", lambda each: each["rule"], rank=2),
    Column("title", lambda each: each["title"], rank=3),
    Column("key", lambda each: each["key"], rank=4),
    Column("to", lambda each: ", ".join(each["to"]), rank=5),
)
_UPCOMING = (
    Column("when (UTC)", lambda each: shown_time(each["at"]), whole=True),
    Column("schedule", lambda each: each["schedule_id"], whole=True),
    Column("title", lambda each: each["title"], rank=1),
)
_HISTORY = 10


def register(app: typer.Typer) -> None:
    """Add the group to *app*."""
    schedules = group(
        app, "schedules", summary="What is said later, or again and again.", panel="Look and steer"
    )
    command(
        schedules,
        "add",
        examples=(
            'recado schedules add user:ana@example.com "Stand-up!" --cron "30 9 * * 1-5"',
            'recado schedules add user:29:1abc "Call Ben." --at 2026-12-24T18:00',
            'recado schedules add all "Backup begins." --every 24h --key backup',
        ),
    )(add)
    command(
        schedules,
        "list",
        examples=("recado schedules list", "recado schedules list --state paused --json"),
    )(list_schedules)
    for name, run in (
        ("show", show),
        ("pause", pause),
        ("resume", resume),
        ("run", run_now),
        ("cancel", cancel),
    ):
        command(schedules, name, examples=(f"recado schedules {name} backup",))(run)
    command(schedules, "upcoming", examples=("recado schedules upcoming user:ana@example.com",))(
        upcoming
    )
    command(
        schedules,
        "reschedule",
        examples=('recado schedules reschedule backup --cron "0 3 * * *" --zone Europe/Madrid',),
    )(reschedule)


async def add(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    to: Annotated[str, typer.Argument(metavar="WHO", help="An audience, see `recado send`.")],
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="What to say; - reads it.")
    ] = None,
    at: At = None,
    after: AfterLength = None,
    every: Every = None,
    cron: Cron = None,
    rrule: Rrule = None,
    zone: Zone = None,
    start: Start = None,
    until: Until = None,
    activity: Annotated[
        str | None, typer.Option(metavar="FILE", help="An activity as JSON, instead of a text.")
    ] = None,
    handler: Annotated[
        str | None, typer.Option(metavar="NAME", help="A handler that says what it wants.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Your name for it; safe to repeat.")
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What it is, for people.")
    ] = None,
    misfire: Annotated[
        str,
        typer.Option(metavar="WORD", help="What passed while nothing ran: once, all or skip."),
    ] = "once",
    late_limit: Annotated[
        str | None, typer.Option(metavar="LENGTH", help="What is later is not made up for.")
    ] = None,
    jitter: Annotated[
        str | None, typer.Option(metavar="LENGTH", help="Said up to so much later; 1h at most.")
    ] = None,
    unless_spoken: Annotated[
        bool, typer.Option("--unless-spoken", help="Cancel it once the person has spoken.")
    ] = False,
) -> None:
    """Have something said later, or again and again."""
    async with invocation.opened() as recado:
        made = await recado.schedules.create(
            to,
            content_given(text, activity),
            **_when(at, after, every, cron, rrule, start, until),
            zone=zone,
            key=key,
            title=title,
            misfire=misfire,
            late_limit=delay_of(late_limit, "--late-limit"),
            jitter=delay_of(jitter, "--jitter"),
            unless_spoken=unless_spoken,
            handler=handler,
        )
    _tell(invocation, made)


def _when(  # noqa: PLR0913, PLR0917 - one parameter an option
    at: str | None,
    after: str | None,
    every: str | None,
    cron: str | None,
    rrule: str | None,
    start: str | None,
    until: str | None,
) -> dict[str, Any]:
    return {
        "at": _time(at, "--at"),
        "after": delay_of(after, "--in"),
        "every": delay_of(every, "--every"),
        "cron": cron,
        "rrule": None if rrule is None else rrule.replace("\\n", "\n"),
        "start": _time(start, "--start"),
        "until": _time(until, "--until"),
    }


def _time(text: str | None, option: str) -> datetime | None:
    """An instant, or a time that clocks show in the schedule's zone."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(
            f"{option} {text!r} is no time: write 2026-12-24T18:00, with an offset such as +01:00 "
            "or as clocks in the schedule's zone show it."
        ) from None


async def list_schedules(
    invocation: Invocation,
    *,
    state: Annotated[
        str | None,
        typer.Option(metavar="WORD", help="Only active, paused, done or cancelled ones."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="WHO", help="Only those that name this one.")
    ] = None,
    limit: Limit = 100,
    after: After = None,
) -> None:
    """Show schedules, newest first."""
    async with invocation.opened() as recado:
        page = await recado.schedules.page(state=state, to=to, after=after, limit=limit)
    invocation.out.listing(
        [schedule_record(each) for each in page.items],
        page.next,
        _COLUMNS,
        nothing="There are no such schedules: `recado schedules add` makes one.",
    )


async def show(invocation: Invocation, *, name: Name) -> None:
    """Show a schedule, what it comes to next, and what it came to."""
    async with invocation.opened() as recado:
        found = await recado.schedules.get(name)
        history = await recado.schedules.firings(found.id, _HISTORY)
    times = [iso(each.fires_at) for each in islice(found.occurrences(), _HISTORY)]
    if invocation.out.json:
        past = [firing_record(each) for each in history]
        document = {**schedule_record(found), "upcoming": times, "history": past}
        invocation.out.document(document)
        return
    record = schedule_record(found)
    names = ("id", "key", "title", "state", "reason", "rule", "zone", "fired")
    invocation.out.facts(
        {
            **{each: record[each] for each in names},
            "to": ", ".join(record["to"]),
            "next (UTC)": ", ".join(shown_time(each) for each in times[:3]),
        }
    )
    for each in history:
        what = each.detail or each.notification_id or ""
        invocation.out.say(f"{shown_time(iso(each.fired_at))}  {each.kind}  {what}".rstrip())


async def upcoming(invocation: Invocation, *, to: To, limit: Limit = 10) -> None:
    """Show what a person or conversation will be told next."""
    async with invocation.opened() as recado:
        found = await recado.schedules.upcoming(to, limit)
    records = [
        {"at": iso(each.at), "schedule_id": each.schedule.id, "title": each.schedule.title}
        for each in found
    ]
    invocation.out.listing(
        records, None, _UPCOMING, nothing=f"No schedule has anything to say to {to}."
    )


async def pause(invocation: Invocation, *, name: Name) -> None:
    """Let a schedule rest; times that pass meanwhile are not made up for."""
    async with invocation.opened() as recado:
        changed = await recado.schedules.pause(name)
    _tell(invocation, changed)


async def resume(invocation: Invocation, *, name: Name) -> None:
    """Have a schedule go on with the first time from now on."""
    async with invocation.opened() as recado:
        changed = await recado.schedules.resume(name)
    _tell(invocation, changed)


async def reschedule(  # noqa: PLR0913 - one parameter an option
    invocation: Invocation,
    *,
    name: Name,
    at: At = None,
    after: AfterLength = None,
    every: Every = None,
    cron: Cron = None,
    rrule: Rrule = None,
    zone: Zone = None,
    start: Start = None,
    until: Until = None,
) -> None:
    """Give a schedule other times; what it says stays."""
    async with invocation.opened() as recado:
        when = _when(at, after, every, cron, rrule, start, until)
        changed = await recado.schedules.reschedule(name, **when, zone=zone)
    _tell(invocation, changed)


async def run_now(invocation: Invocation, *, name: Name) -> None:
    """Say it once more now; when it is said next stays as it is."""
    async with invocation.opened() as recado:
        firing = await recado.schedules.run_now(name)
    if invocation.out.json:
        invocation.out.document(firing_record(firing))
    invocation.out.say(f"Accepted as notification {firing.notification_id}.")


async def cancel(invocation: Invocation, *, name: Name) -> None:
    """End a schedule; what it has said stays said."""
    async with invocation.opened() as recado:
        changed = await recado.schedules.cancel(name)
    _tell(invocation, changed)


def _tell(invocation: Invocation, schedule: Schedule) -> None:
    """What a schedule is like now."""
    if invocation.out.json:
        invocation.out.document(schedule_record(schedule))
        return
    following = schedule.next_at
    told = f"Schedule {schedule.id} is {schedule.state}"
    if following is not None:
        there = following.astimezone(_zone(schedule))
        told += f"; it is said next on {there:%Y-%m-%d at %H:%M:%S} ({schedule.zone})"
    invocation.out.say(f"{told}.")


def _zone(schedule: Schedule) -> Any:
    from recado.domain.zones import maybe_zone

    return maybe_zone(schedule.zone) or UTC


def schedule_record(schedule: Schedule) -> dict[str, Any]:
    """A schedule as it stands."""
    from recado.domain.audience import written
    from recado.schedules.saying import shown

    following, last = schedule.next_at, schedule.last_fired_at
    return {
        "id": schedule.id,
        "key": schedule.key,
        "title": schedule.title,
        "state": str(schedule.state),
        "reason": schedule.reason,
        "to": written(schedule.audience),
        "activity": schedule.saying.content,
        "options": shown(schedule.saying),
        "rule": schedule.rule_text,
        "zone": schedule.zone,
        "next_at": None if following is None else iso(following),
        "fired": schedule.fired,
        "last_fired_at": None if last is None else iso(last),
        "created_at": iso(schedule.created_at),
        "ended_at": None if schedule.ended_at is None else iso(schedule.ended_at),
    }


def firing_record(firing: Firing) -> dict[str, Any]:
    """What became of an occurrence."""
    return {
        "occurrence": iso(firing.occurrence),
        "fired_at": iso(firing.fired_at),
        "kind": str(firing.kind),
        "notification_id": firing.notification_id,
        "detail": firing.detail,
    }
