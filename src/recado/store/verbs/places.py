"""Places: in which of a person's private chats something is said, and where to when one is lost."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from recado.domain.delivery import HeldReason, State
from recado.domain.places import GONE_FOR_GOOD, Place, best, means_person
from recado.domain.reference import VOUCHING_CHANNELS, Health
from recado.store.session import Row, Session, statements
from recado.store.verbs import lanes, once, rows
from recado.store.verbs.collapsing import Version, collapse

_SQL = statements("places")

_VOUCHING: Final = rows.dumps(sorted(VOUCHING_CHANNELS))


async def chats_of(db: Session, anchors: Iterable[int]) -> Mapping[int, Sequence[Place]]:
    """The private chats of the person of each of these private chats, itself among them."""
    wanted = {"anchors": rows.dumps(list(anchors)), "vouching": _VOUCHING}
    found: dict[int, list[Place]] = defaultdict(list)
    for row in await db.all(_SQL["chats_of"], wanted):
        place = Place(
            row["number"], Health(row["health"]), bool(row["preferred"]), row["last_seen"]
        )
        found[row["anchor"]].append(place)
    return found


async def subscriptions(db: Session, topic: int, references: Collection[int]) -> Mapping[int, int]:
    """The numbers of the subscriptions these conversations have to a topic."""
    wanted = {"topic": topic, "references": rows.dumps(list(references))}
    return {row["reference"]: row["number"] for row in await db.all(_SQL["subscriptions"], wanted)}


async def go_elsewhere(db: Session, lost: int, now: int) -> int:
    """A private chat is gone for good: what is meant for its person goes to another of theirs.

    What is not due yet, or waits for something else, goes on waiting there. Nobody is told twice:
    what they were told in the other chat by then ends. A change goes with the message that it is
    about, and stays where that has arrived.

    Args:
        db: the database.
        lost: the number of its reference; its deliveries are held by now. Nothing is done if it
            is not gone for good.
        now: the time.

    Returns:
        How many deliveries entered the other lane.
    """
    names = await db.first(_SQL["names"], (lost,))
    if names is None or not names["private"] or Health(names["health"]) not in GONE_FOR_GOOD:
        return 0
    leaving = _leaving(
        await db.all(_SQL["outside"], (lost,)), (names["id"], names["conversation_id"])
    )
    there = await _hold_another(db, lost) if leaving else None
    if there is None:
        return 0
    told = await _told(db, leaving, there, now)
    going = [row for row in leaving if row["id"] not in told]
    await db.run(
        _SQL["elsewhere"], {"there": there, "ids": rows.dumps([row["id"] for row in going])}
    )
    stranded = [row["id"] for row in going if row["reason"] == HeldReason.UNREACHABLE]
    entered = await lanes.let_in(db, stranded, now)
    for row in going:
        if row["collapse_key"] is not None and row["target"] is None:
            version = Version(row["bot"], row["collapse_key"], row["version"])
            await collapse(db, version, row["id"], there, now)
    return entered


def _leaving(waiting: Sequence[Row], names: Collection[str]) -> list[Row]:
    """Of what waits for a chat what is meant for its person, and changes of that."""
    meant = {
        row["id"]
        for row in waiting
        if row["target"] is None and means_person(json.loads(row["audience"]), names)
    }
    return [row for row in waiting if row["id"] in meant or row["target"] in meant]


async def _hold_another(db: Session, lost: int) -> int | None:
    """Hold the chat of a person that is the best by now; None if there is none but those lost."""
    while True:
        place = best((await chats_of(db, [lost]))[lost])
        if place.number == lost or place.health in GONE_FOR_GOOD:
            return None
        if not await db.hold([lost, place.number]):
            return place.number


async def _told(db: Session, leaving: Sequence[Row], there: int, now: int) -> set[str]:
    """End what was told in the other chat by then; their ids."""
    named = rows.dumps(list({row["notification"] for row in leaving}))
    found = await db.all(_SQL["told"], {"there": there, "notifications": named})
    told = {row["notification"] for row in found}
    again = {row["id"] for row in leaving if row["target"] is None and row["notification"] in told}
    await lanes.finish(
        db, [lanes.Ending(each, State.SUPPRESSED, "duplicate", now) for each in again]
    )
    for row in leaving:
        if row["once_key"] is not None and row["target"] is None and row["id"] not in again:
            said = [(row["id"], there)]
            again |= await once.suppress_duplicates(db, row["notification"], said, now)
    return again
