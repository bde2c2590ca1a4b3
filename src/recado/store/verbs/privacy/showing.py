"""Showing: everything that is kept about one person, a portion at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from recado.domain.consent import Subject
from recado.domain.recipient import conversation
from recado.domain.recipient import person as preferred_by
from recado.store.port import About
from recado.store.session import Row, Session, statements
from recado.store.verbs import rows
from recado.store.verbs.privacy import person as persons
from recado.store.verbs.privacy.person import Person, Place
from recado.store.verbs.privacy.sweeping import SWEEPS

_SQL = statements("privacy")

#: Rows by table, each once.
Found = dict[str, dict[str, dict[str, Any]]]

#: Deliveries to one person that have not ended; more are not shown.
_LIVE: Final = 100_000


async def about(db: Session, bot: str, subject: Subject, *, after: str | None, limit: int) -> About:
    """A portion; see the port."""
    stage, position = json.loads(after) if after else (0, [])
    person = await persons.find(db, bot, subject)
    found: Found = {}
    following: list[Any] | None
    if stage == 0:
        await _under_names(db, person, found)
        following = [1, [0, ""]]
    elif stage == 1:
        following = await _in_places(db, person, position, limit, found)
    else:
        following = await _anywhere(db, person, position, limit, found)
    return About(
        names=person.known_as,
        rows={table: list(each.values()) for table, each in found.items()},
        after=None if following is None else rows.dumps(following),
    )


async def _under_names(db: Session, person: Person, found: Found) -> None:
    bot = person.bot
    for name in person.names:
        told = {"bot": bot, "name": name}
        _add(found, "roster", await db.all(_SQL["rosters"], told))
        _add(found, "member", await db.all(_SQL["in_groups"], told))
        _add(found, "consent", await db.all(_SQL["consents"], (bot, name)))
    set_by = [preferred_by(name) for name in person.names]
    set_by += [conversation(place.id) for place in person.places]
    for name in set_by:
        _add(found, "recipient", await db.all(_SQL["preferences"], (bot, name)))
        _add(found, "counted", await db.all(_SQL["counts"], (bot, name)))
    for key in person.state_keys(await persons.groups_of(db, person)):
        _add(found, "state", await db.all(_SQL["states"], {"bot": bot, "key": key}))
    for place in person.places:
        await _of_place(db, person, place, found)


async def _of_place(db: Session, person: Person, place: Place, found: Found) -> None:
    for table, statement in (
        ("reference", _SQL["references"]),
        ("member", _SQL["members"]),
        ("watch", _SQL["watches"]),
        ("schedule", _SQL["schedules"]),
        ("question", _SQL["questions"]),
        ("presence", _SQL["presence"]),
        ("subscription", _SQL["subscriptions"]),
        ("audit", _SQL["audit"]),
    ):
        _add(found, table, await db.all(statement, (place.number,)))
    _add(found, "pause", await db.all(_SQL["pauses"], (person.bot, place.id)))
    _add(
        found,
        "local_conversation",
        await db.all(_SQL["local_conversations"], (place.conversation_id,)),
    )
    _add(found, "local_activity", await db.all(_SQL["local_activities"], (place.conversation_id,)))
    live = {"place": place.number, "limit": _LIVE}
    _add(found, "delivery", await db.all(_SQL["deliveries"], live))


async def _in_places(
    db: Session, person: Person, position: Sequence[Any], limit: int, found: Found
) -> list[Any]:
    """What was delivered, with what it said and the attempts."""
    index, after = position
    if index >= len(person.places):
        return [2, [0, []]]
    number = person.places[index].number
    history = await db.all(_SQL["history"], (number, after, limit))
    _add(found, "history", history)
    for row in history:
        _add(found, "attempt", await db.all(_SQL["attempts"], (row["id"],)))
    for notification in dict.fromkeys(row["notification"] for row in history):
        _add(found, "notification", await db.all(_SQL["notifications"], (notification,)))
    last = [index, history[-1]["id"]] if len(history) == limit else [index + 1, ""]
    return [1, last]


async def _anywhere(
    db: Session, person: Person, position: Sequence[Any], limit: int, found: Found
) -> list[Any] | None:
    index, after = position
    sweep = SWEEPS[index]
    named, last = await sweep.portion(db, person, after, limit)
    _add(found, sweep.table, named)
    if last is not None:
        return [2, [index, last]]
    return [2, [index + 1, []]] if index + 1 < len(SWEEPS) else None


def _add(found: Found, table: str, rows_: Sequence[Row]) -> None:
    """Add rows, each once."""
    known = found.setdefault(table, {})
    for row in rows_:
        told = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row is no mapping
        known[rows.dumps(told)] = told
