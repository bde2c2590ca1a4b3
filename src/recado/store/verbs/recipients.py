"""Recipients: what people and conversations have set, and which zone they live in."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from recado.domain.audience import Conversation, Person, Single
from recado.domain.recipient import Change, Preferences, conversation, named, people, person
from recado.domain.reference import fold_email
from recado.store.session import Row, Session, held, statements
from recado.store.verbs import references, rows

_SQL = statements("recipients")

_NOTHING: Final = Preferences()


class Place(NamedTuple):
    """A conversation, and by which names what is set for it may be kept."""

    bot: str
    #: Its own first; then those of its people, if it is private.
    names: tuple[str, ...]
    #: The zone its activities have told.
    told: str | None


async def places(db: Session, lanes: Iterable[int]) -> dict[int, Place]:
    """Conversations by their numbers."""
    found: dict[int, Place] = {}
    for number, id_, bot, zone, *known_as in await db.all(
        _SQL["of_lanes"], (rows.dumps(list(lanes)),)
    ):
        before = found.get(number)
        names = (conversation(id_),) if before is None else before.names
        found[number] = Place(bot, (*names, *people(known_as)), zone)
    return found


async def told(db: Session, bot: str, names: Iterable[str]) -> dict[str, Preferences]:
    """What has been set under these names, the latest first."""
    found = await db.all(_SQL["told"], {"bot": bot, "names": rows.dumps(sorted(set(names)))})
    return {row["name"]: _preferences(row) for row in found}


async def at(db: Session, found: Mapping[int, Place]) -> dict[int, Preferences]:
    """What has been set for those of *found* conversations for which anything has."""
    of_bots: dict[str, set[str]] = defaultdict(set)
    for place in found.values():
        of_bots[place.bot].update(place.names)
    said = {bot: await told(db, bot, names) for bot, names in of_bots.items()}
    return {
        number: _merged(said[place.bot], place.names)
        for number, place in found.items()
        if not said[place.bot].keys().isdisjoint(place.names)
    }


def _merged(said: Mapping[str, Preferences], names: Sequence[str]) -> Preferences:
    """One's own before those of people; of these the latest first, as they come."""
    own, others = names[:1], set(names[1:])
    merged = _NOTHING
    for each in [*own, *(name for name in said if name in others)]:
        merged = merged.over(said.get(each, _NOTHING))
    return merged


def _preferences(row: Row) -> Preferences:
    windows = row["windows"]
    return Preferences(
        zone=row["zone"], quiet=row["quiet"], windows={} if windows is None else json.loads(windows)
    )


# -- one of them -----------------------------------------------------------------------------


async def _place(db: Session, bot: str, who: Single) -> tuple[Place, list[int]]:
    """Where what *who* has set may be kept, and the numbers of their conversations."""
    if isinstance(who, Person):
        return await _persons(db, bot, who)
    reference = await references.by_id(db, who.id)
    if reference is None or reference.key.bot != bot:
        return Place(bot, (named(who),), None), []
    found = await places(db, [reference.number])
    return found[reference.number], [reference.number]


async def _persons(db: Session, bot: str, who: Person) -> tuple[Place, list[int]]:
    email = rows.clean(fold_email(who.id))
    found = await db.all(
        _SQL["of_person"], {"bot": bot, "name": rows.clean(who.id), "email": email}
    )
    names = [person(who.id)]
    for row in found:
        names += people((row["user_id"], row["aad_object_id"], row["email"]))
    zones = [row["timezone"] for row in found if row["timezone"]]
    place = Place(bot, tuple(dict.fromkeys(names)), zones[0] if zones else None)
    return place, list(dict.fromkeys(row["number"] for row in found))


async def preferences(db: Session, bot: str, who: Single) -> Preferences:
    place, _ = await _place(db, bot, who)
    said = await told(db, bot, place.names)
    if isinstance(who, Conversation):
        return _merged(said, place.names)
    return _merged(said, ("", *place.names))


async def told_zone(db: Session, bot: str, who: Single) -> str | None:
    place, _ = await _place(db, bot, who)
    return place.told


async def prefer(db: Session, bot: str, who: Single, change: Change, now: int) -> Preferences:
    """Change what *who* has set; what a person said under several names becomes one."""
    place, lanes = await _place(db, bot, who)
    names = place.names if isinstance(who, Person) else place.names[:1]
    said = await told(db, bot, names)
    changed = _merged(said, ("", *names)).changed(change)
    kept = next(iter(said), names[0])
    await db.run_many(_SQL["drop"], [(bot, name) for name in said if name != kept])
    if changed == _NOTHING:
        await db.run(_SQL["drop"], (bot, kept))
    else:
        await db.run(_SQL["put"], _row(bot, kept, changed, now))
    await look_again(db, lanes, now)
    return changed


def _row(bot: str, name: str, said: Preferences, now: int) -> dict[str, object]:
    return {
        "bot": bot,
        "name": name,
        "zone": said.zone,
        "quiet": said.quiet,
        "windows": rows.dumps(dict(said.windows)) if said.windows else None,
        "now": now,
    }


async def look_again(db: Session, lanes: Sequence[int], now: int) -> None:
    """Have what is held for the hours of these conversations enter its lane and be looked at."""
    if not lanes:
        return
    found = await held(db, _SQL["waiting_for_window"], (rows.dumps(list(lanes)),))
    if found:
        ids = rows.dumps([row["id"] for row in found])
        await db.run(_SQL["look_again"], {"ids": ids, "now": now})
