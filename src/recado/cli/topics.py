"""``recado topics``: audiences that people subscribe to."""

from __future__ import annotations

from typing import Annotated

import typer

from recado.cli.invocation import After, Invocation, Limit, command, group
from recado.cli.output import Column, iso, shown_time
from recado.cli.records import topic_record

Name = Annotated[str, typer.Argument(metavar="TOPIC", help="The topic's name, in any case.")]
Who = Annotated[
    str, typer.Argument(metavar="WHO", help="user:<id> or conversation:<id>, see `recado send`.")
]

_COLUMNS = (
    Column("topic", lambda topic: topic["name"], whole=True),
    Column("subscribed", lambda topic: topic["subscribed"], rank=1, whole=True),
    Column("made (UTC)", lambda topic: shown_time(topic["created_at"]), rank=3, whole=True),
    Column("title", lambda topic: topic["title"], rank=2),
)
_SUBSCRIBERS = (
    Column("reference", lambda each: each["reference_id"], whole=True),
    Column("since (UTC)", lambda each: shown_time(each["since"]), rank=1, whole=True),
)


def register(app: typer.Typer) -> None:
    """Add the group to *app*."""
    topics = group(
        app, "topics", summary="Audiences that people subscribe to.", panel="Look and steer"
    )
    command(topics, "list", examples=("recado topics list",))(list_topics)
    command(
        topics,
        "create",
        examples=(
            'recado topics create releases --title "New versions"',
            'recado send topic:releases "Version 2 is out."',
        ),
    )(create)
    command(topics, "remove", examples=("recado topics remove releases",))(remove)
    command(topics, "subscribers", examples=("recado topics subscribers releases",))(subscribers)
    command(
        topics, "subscribe", examples=("recado topics subscribe releases user:ana@example.com",)
    )(subscribe)
    command(
        topics,
        "unsubscribe",
        examples=("recado topics unsubscribe releases user:ana@example.com",),
    )(unsubscribe)


async def list_topics(invocation: Invocation, *, limit: Limit = 100, after: After = None) -> None:
    """Show the topics by name, with how many subscribe to each."""
    async with invocation.opened() as recado:
        page = await recado.topics.page(after=after, limit=limit)
    invocation.out.listing(
        [topic_record(topic) for topic in page.items],
        page.next,
        _COLUMNS,
        nothing="There are no topics: `recado topics create` makes one.",
    )


async def create(
    invocation: Invocation,
    *,
    name: Name,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What it is about, for people.")
    ] = None,
) -> None:
    """Make a topic, or give one another title; its subscribers stay."""
    async with invocation.opened() as recado:
        topic = await recado.topics.create(name, title=title)
    if invocation.out.json:
        invocation.out.document(topic_record(topic))
    invocation.out.say(
        f'`recado send topic:{topic.name} "..."` tells who subscribes: {topic.subscribed} now.'
    )


async def remove(invocation: Invocation, *, name: Name) -> None:
    """Remove a topic and its subscriptions; what was published goes on."""
    async with invocation.opened() as recado:
        await recado.topics.remove(name)
    if invocation.out.json:
        invocation.out.document({"removed": name})
    invocation.out.say(f"The topic {name} is removed.")


async def subscribers(
    invocation: Invocation, *, name: Name, limit: Limit = 100, after: After = None
) -> None:
    """Show who subscribes to a topic, in the order they did."""
    async with invocation.opened() as recado:
        page = await recado.topics.subscribers(name, after=after, limit=limit)
    records = [{"reference_id": each.reference_id, "since": iso(each.since)} for each in page.items]
    invocation.out.listing(
        records, page.next, _SUBSCRIBERS, nothing=f"Nobody subscribes to {name} yet."
    )


async def subscribe(invocation: Invocation, *, name: Name, who: Who) -> None:
    """Subscribe a person, wherever they are reached, or a group."""
    async with invocation.opened() as recado:
        changed = await recado.topics.subscribe(name, who)
    if invocation.out.json:
        invocation.out.document({"changed": changed})
    already = "" if changed else " already"
    invocation.out.say(f"{who} is subscribed to {name}{already}.")


async def unsubscribe(invocation: Invocation, *, name: Name, who: Who) -> None:
    """End somebody's subscription, in whatever chat it was made."""
    async with invocation.opened() as recado:
        changed = await recado.topics.unsubscribe(name, who)
    if invocation.out.json:
        invocation.out.document({"changed": changed})
    told = "is subscribed no more" if changed else "was not subscribed"
    invocation.out.say(f"{who} {told} to {name}.")
