"""Topics: named audiences, who is subscribed, and whom something published comes to."""

from __future__ import annotations

from collections.abc import Sequence

from recado.domain.places import best
from recado.domain.reference import Reference
from recado.domain.topic import Subscription, Topic
from recado.errors import UnknownTopic
from recado.store.port import Page
from recado.store.session import Row, Session, statements
from recado.store.verbs import pages, places, rows

_SQL = statements("topics")


async def create(db: Session, bot: str, name: str, now: int, title: str | None) -> Topic:
    await db.run(_SQL["create"], (bot, name, title, now))
    return _topic(await _whole(db, bot, name))


async def one(db: Session, bot: str, name: str) -> Topic:
    return _topic(await _whole(db, bot, name))


async def page(db: Session, bot: str, after: str | None, limit: int) -> Page[Topic]:
    found = await db.all(_SQL["page"], (bot, after or "", limit + 1))
    items = [_topic(row) for row in found[:limit]]
    return Page(items=items, next=items[-1].name if len(found) > limit else None)


async def remove(db: Session, bot: str, name: str) -> None:
    if not await db.run(_SQL["remove"], (bot, name)):
        raise UnknownTopic(name)


async def subscribe(db: Session, bot: str, name: str, reference: Reference, now: int) -> bool:
    topic = await _number(db, bot, name)
    # Whoever subscribes in two chats at once is one subscriber: the second waits for the first.
    chats = await _chats(db, reference)
    await db.hold(chats)
    if await places.subscriptions(db, topic, chats):
        return False
    await db.run(_SQL["subscribe"], (topic, reference.number, now))
    return True


async def unsubscribe(db: Session, bot: str, name: str, reference: Reference) -> bool:
    topic = await _number(db, bot, name)
    chats = await _chats(db, reference)
    await db.hold(chats)
    subscribed = await places.subscriptions(db, topic, chats)
    await db.run_many(_SQL["unsubscribe"], [(topic, each) for each in subscribed])
    return bool(subscribed)


async def subscribers(
    db: Session, bot: str, name: str, after: str | None, limit: int
) -> Page[Subscription]:
    topic = await _number(db, bot, name)
    found = await db.all(_SQL["subscribers"], (topic, pages.position(after), limit + 1))
    items = [
        Subscription(reference_id=row["id"], since=rows.instant(row["since"]))
        for row in found[:limit]
    ]
    return Page(items=items, next=str(found[limit - 1]["number"]) if len(found) > limit else None)


async def of(db: Session, reference: Reference) -> Sequence[Topic]:
    found: dict[int, Topic] = {}
    for chat in await _chats(db, reference):
        for row in await db.all(_SQL["topics_of"], (chat,)):
            found[row["number"]] = Topic(
                name=row["name"],
                title=row["title"],
                created_at=rows.instant(row["created_at"]),
            )
    return sorted(found.values(), key=lambda topic: topic.name)


async def prefer(db: Session, reference: Reference) -> None:
    chats = await _chats(db, reference)
    await db.hold(chats)
    await db.run_many(_SQL["prefer"], [{"here": reference.number, "number": c} for c in chats])


async def bounds(db: Session, bot: str, name: str) -> tuple[int, int]:
    """The number of a topic, and that of its last subscription; 0 if it has none."""
    topic = await _number(db, bot, name)
    return topic, await db.value(_SQL["last"], (topic,))


async def begin(db: Session, bot: str, name: str, notification: int) -> None:
    """Freeze the audience of something published.

    Raises:
        UnknownTopic: there is none with that name.
    """
    topic, last = await bounds(db, bot, name)
    first = 0 if last else None
    await db.run(_SQL["begin"], (topic, first, last, notification))


async def walk(
    db: Session, topic: int, after: int, until: int, limit: int
) -> tuple[Sequence[int], int | None]:
    """The next conversations something published comes to.

    Args:
        db: the database.
        topic: its number.
        after: the number of the subscription that was come to last.
        until: that of the last one in the audience.
        limit: subscriptions, at most.

    Returns:
        The numbers of references, and as far as which subscription that was; None at the end.
    """
    cut = {"within": topic, "after": after, "until": until, "limit": limit}
    found = await db.all(_SQL["walk"], cut)
    people = [row["reference"] for row in found if row["private"]]
    chats = await places.chats_of(db, people)
    theirs = {each.number for some in chats.values() for each in some}
    subscribed = await places.subscriptions(db, topic, theirs)
    chosen: list[int] = []
    for row in found:
        if not row["private"]:
            chosen.append(row["reference"])
            continue
        own = chats[row["reference"]]
        # Whose ids have since shown that they are one person subscribes once: with the first.
        first = min(subscribed[each.number] for each in own if each.number in subscribed)
        if first == row["number"]:
            chosen.append(best(own).number)
    return chosen, found[-1]["number"] if len(found) == limit else None


async def _whole(db: Session, bot: str, name: str) -> Row:
    """The topic, with its subscribers counted, which costs as much as there are."""
    found = await db.first(_SQL["topic"], (bot, name))
    if found is None:
        raise UnknownTopic(name)
    return found


async def _number(db: Session, bot: str, name: str) -> int:
    found = await db.first(_SQL["number"], (bot, name))
    if found is None:
        raise UnknownTopic(name)
    number: int = found["number"]
    return number


async def _chats(db: Session, reference: Reference) -> list[int]:
    """What stands for a subscriber: a group itself, or all private chats of a person."""
    if not reference.private:
        return [reference.number]
    found = (await places.chats_of(db, [reference.number]))[reference.number]
    return sorted(each.number for each in found)


def _topic(row: Row) -> Topic:
    return Topic(
        name=row["name"],
        title=row["title"],
        created_at=rows.instant(row["created_at"]),
        subscribed=row["subscribed"],
    )
