"""References: capture and look-up.

The rules of capture are in :mod:`recado.domain.sighting`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from recado.domain.consent import Identity, identities_of
from recado.domain.ids import new_id
from recado.domain.reference import (
    ConversationKey,
    Health,
    Member,
    Presence,
    Reference,
    Sighting,
    fold_email,
    pace_key,
)
from recado.domain.sighting import FIELDS, first, people, refresh
from recado.store.port import Captured, Page
from recado.store.session import Row, Session, statements
from recado.store.verbs import (
    audit,
    consent,
    expecting,
    healing,
    joining,
    lanes,
    meeting,
    pages,
    places,
    rows,
)

_SQL = statements("references")


async def capture(db: Session, sightings: Sequence[Sighting]) -> list[Captured]:
    """Store what inbound activities tell about their conversations."""
    return [await _capture(db, sighting) for sighting in sightings]


async def _capture(db: Session, sighting: Sighting) -> Captured:
    key = sighting.key
    row = await db.first(_SQL["sighted"], (key.bot, key.channel, key.conversation_id))
    if row is None:
        number = await add(db, sighting)
        if sighting.presence is Presence.UNHEARD:
            await db.run(_SQL["unheard"], (number,))
        await healing.offer(db, number, rows.micros(sighting.at))
        at = rows.micros(sighting.at)
        released = await joining.welcome(db, number, sighting, at)
        if sighting.members and await db.value(_SQL["is_private"], (number,)):
            names = _names(sighting.members, key.channel)
            released += await expecting.welcome(db, key.bot, names, number, at)
        return Captured(number, new=True, released=released)
    if sighting.presence is Presence.UNHEARD:
        return Captured(row["number"], new=False, released=0)
    return await _refresh(db, row, sighting)


async def add(db: Session, sighting: Sighting) -> int:
    """Store a conversation that is not known; its number."""
    number = await _insert(db, sighting)
    await _put_people(db, number, sighting)
    await write_address(db, number)
    return number


async def _insert(db: Session, sighting: Sighting) -> int:
    at = rows.micros(sighting.at)
    number: int = await db.value(
        _SQL["insert"],
        {
            **first(sighting),
            "address": "{}",
            "id": new_id(),
            "bot": sighting.key.bot,
            "channel": sighting.key.channel,
            "conversation_id": sighting.key.conversation_id,
            "pace_key": pace_key(sighting.key.conversation_id),
            "at": at,
        },
    )
    return number


async def _refresh(db: Session, row: Row, sighting: Sighting) -> Captured:
    number, at = row["number"], rows.micros(sighting.at)
    others, met = await _put_people(db, number, sighting)
    told = refresh(row, sighting, last_seen=rows.instant(row["last_seen"]))
    if told.fields:
        stored = {name: row[name] for name in FIELDS}
        await db.run(_SQL["refresh"], {**stored, **told.fields, "at": at, "number": number})
    else:
        await db.run(_SQL["seen"], (at, number))
    if others or told.readdressed:
        await write_address(db, number)
    if told.offers:
        await healing.offer(db, number, at)
    await audit.write(db, at, row["bot"], number, *told.notes)
    released = 0
    if told.returned:
        released = await lanes.release_unreachable(db, number, at)
    elif told.left:
        await lanes.hold_unreachable(db, number)
        released = await places.go_elsewhere(db, number, at)
    if met:
        names = _names(met, sighting.key.channel)
        released += await expecting.welcome(db, sighting.key.bot, names, number, at)
    return Captured(number, new=False, released=released)


def _names(members: Iterable[Member], channel: str) -> list[Identity]:
    return [name for each in members for name in identities_of(each, channel)]


async def _put_people(
    db: Session, number: int, sighting: Sighting
) -> tuple[bool, Sequence[Member]]:
    """Add, refresh and remove members.

    Returns:
        Whether who is in the conversation has changed and, of a private one, those of whom a name
        was not known.
    """
    known = {}
    for user_id in (*(member.user_id for member in sighting.members), *sighting.departed):
        row = await db.first(_SQL["member"], (number, user_id))
        if row is not None:
            known[user_id] = rows.member(row)
    now = people(known, sighting)
    for each in now.met:
        seen = rows.maybe_micros(each.last_seen)
        account = (each.user_id, each.name, each.aad_object_id, each.email)
        await db.run(_SQL["put_member"], (number, *account, seen, seen))
    for user_id in now.departed:
        await db.run(_SQL["drop_member"], (number, user_id))
    bot, channel = sighting.key.bot, sighting.key.channel
    met = [each for each in now.met if _is_news(known.get(each.user_id), each)]
    if met and await db.value(_SQL["is_private"], (number,)):
        await meeting.together(db)
        names = _names(met, channel)
        await consent.recall(db, bot, names, rows.micros(sighting.at))
        await consent.spread(db, bot, names)
        return now.changed, met
    return now.changed, ()


def _is_news(known: Member | None, now: Member) -> bool:
    """Whether another name of somebody has come to be known."""
    return known is None or (known.aad_object_id, known.email) != (now.aad_object_id, now.email)


async def write_address(db: Session, number: int) -> None:
    """Keep what goes out with every activity ready."""
    row = await db.one(_SQL["by_number"], (number,))
    found = rows.reference(row, await db.all(_SQL["two_members"], (number,)))
    await db.run(_SQL["set_address"], (rows.dumps(found.address()), number))


async def _whole(db: Session, row: Row | None) -> Reference | None:
    if row is None:
        return None
    return rows.reference(row, await db.all(_SQL["members"], (row["number"],)))


async def _wholes(db: Session, found: Sequence[Row]) -> list[Reference]:
    members: dict[int, list[Row]] = defaultdict(list)
    numbers = rows.dumps([row["number"] for row in found])
    for row in await db.all(_SQL["members_of_many"], (numbers,)):
        members[row["reference"]].append(row)
    return [rows.reference(row, members[row["number"]]) for row in found]


async def by_id(db: Session, reference_id: str) -> Reference | None:
    return await _whole(db, await db.first(_SQL["by_id"], (reference_id,)))


async def by_ids(db: Session, ids: Sequence[str]) -> list[Reference]:
    return await _wholes(db, await db.all(_SQL["by_ids"], (rows.dumps(ids),)))


async def by_number(db: Session, number: int) -> Reference | None:
    return await _whole(db, await db.first(_SQL["by_number"], (number,)))


async def by_key(db: Session, key: ConversationKey) -> Reference | None:
    wanted = (key.bot, key.channel, key.conversation_id)
    return await _whole(db, await db.first(_SQL["by_key"], wanted))


async def by_conversation(db: Session, bot: str, conversation_id: str) -> Reference | None:
    return await _whole(db, await db.first(_SQL["by_conversation"], (bot, conversation_id)))


async def of_person(db: Session, bot: str, name: str) -> list[Reference]:
    wanted = {"bot": bot, "name": name, "email": rows.clean(fold_email(name))}
    return await _wholes(db, await db.all(_SQL["of_person"], wanted))


async def page(  # noqa: PLR0913 - one parameter a filter
    db: Session,
    bot: str | None,
    after: str | None,
    limit: int,
    *,
    channel: str | None = None,
    tenant: str | None = None,
    health: Collection[Health] = (),
) -> Page[Reference]:
    cut = {
        "after": pages.position(after),
        "bot": bot,
        "channel": channel,
        "tenant": tenant,
        "health": rows.dumps(sorted(health or Health)),
        "limit": limit + 1,
    }
    if health and Health.ACTIVE not in health:
        found = await db.all(_SQL["page_unwell"], cut)
    else:
        found = await db.all(_SQL["page"], cut)
    items = await _wholes(db, found[:limit])
    return Page(items=items, next=str(items[-1].number) if len(found) > limit else None)
