"""References in SQLite: capture and look-up.

The rules of capture are in :mod:`recado.domain.sighting`.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Sequence

from recado.domain.ids import new_id
from recado.domain.reference import (
    ConversationKey,
    Health,
    Reference,
    Sighting,
    fold_email,
    pace_key,
)
from recado.domain.sighting import FIELDS, first, people, refresh
from recado.errors import InvalidInput
from recado.store.port import Captured, Page
from recado.store.queries import load_queries
from recado.store.sqlite import audit, healing, joining, lanes, rows

_SQL = load_queries("sqlite", "references")


def capture(db: sqlite3.Connection, sightings: Sequence[Sighting]) -> list[Captured]:
    """Store what inbound activities tell about their conversations."""
    return [_capture(db, sighting) for sighting in sightings]


def _capture(db: sqlite3.Connection, sighting: Sighting) -> Captured:
    key = sighting.key
    row = db.execute(_SQL["by_key"], (key.bot, key.channel, key.conversation_id)).fetchone()
    if row is None:
        number = add(db, sighting)
        healing.offer(db, number, rows.micros(sighting.at))
        released = joining.welcome(db, number, sighting, rows.micros(sighting.at))
        return Captured(number, new=True, released=released)
    return _refresh(db, row, sighting)


def add(db: sqlite3.Connection, sighting: Sighting) -> int:
    """Store a conversation that is not known; its number."""
    number = _insert(db, sighting)
    _put_people(db, number, sighting)
    write_address(db, number)
    return number


def _insert(db: sqlite3.Connection, sighting: Sighting) -> int:
    at = rows.micros(sighting.at)
    cursor = db.execute(
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
    assert cursor.lastrowid is not None  # noqa: S101 - an INSERT always sets it
    return cursor.lastrowid


def _refresh(db: sqlite3.Connection, row: sqlite3.Row, sighting: Sighting) -> Captured:
    number, at = row["number"], rows.micros(sighting.at)
    others = _put_people(db, number, sighting)
    told = refresh(row, sighting, last_seen=rows.instant(row["last_seen"]))
    if told.fields:
        stored = {name: row[name] for name in FIELDS}
        db.execute(_SQL["refresh"], {**stored, **told.fields, "at": at, "number": number})
    else:
        db.execute(_SQL["seen"], (at, number))
    if others or told.readdressed:
        write_address(db, number)
    if told.offers:
        healing.offer(db, number, at)
    audit.write(db, at, row["bot"], number, *told.notes)
    released = 0
    if told.returned:
        released = lanes.release_unreachable(db, number, at)
    elif told.left:
        lanes.hold_unreachable(db, number)
    return Captured(number, new=False, released=released)


def _put_people(db: sqlite3.Connection, number: int, sighting: Sighting) -> bool:
    """Add, refresh and remove members; whether who is in the conversation has changed."""
    known = {}
    for user_id in (*(member.user_id for member in sighting.members), *sighting.departed):
        row = db.execute(_SQL["member"], (number, user_id)).fetchone()
        if row is not None:
            known[user_id] = rows.member(row)
    now = people(known, sighting)
    for each in now.met:
        seen = rows.maybe_micros(each.last_seen)
        account = (each.user_id, each.name, each.aad_object_id, each.email)
        db.execute(_SQL["put_member"], (number, *account, seen, seen))
    for user_id in now.departed:
        db.execute(_SQL["drop_member"], (number, user_id))
    return now.changed


def write_address(db: sqlite3.Connection, number: int) -> None:
    """Keep what goes out with every activity ready."""
    row = db.execute(_SQL["by_number"], (number,)).fetchone()
    found = rows.reference(row, db.execute(_SQL["two_members"], (number,)))
    db.execute(_SQL["set_address"], (rows.dumps(found.address()), number))


def _whole(db: sqlite3.Connection, row: sqlite3.Row | None) -> Reference | None:
    if row is None:
        return None
    return rows.reference(row, db.execute(_SQL["members"], (row["number"],)))


def _wholes(db: sqlite3.Connection, found: list[sqlite3.Row]) -> list[Reference]:
    members: dict[int, list[sqlite3.Row]] = defaultdict(list)
    numbers = rows.dumps([row["number"] for row in found])
    for row in db.execute(_SQL["members_of_many"], (numbers,)):
        members[row["reference"]].append(row)
    return [rows.reference(row, members[row["number"]]) for row in found]


def by_id(db: sqlite3.Connection, reference_id: str) -> Reference | None:
    return _whole(db, db.execute(_SQL["by_id"], (reference_id,)).fetchone())


def by_number(db: sqlite3.Connection, number: int) -> Reference | None:
    return _whole(db, db.execute(_SQL["by_number"], (number,)).fetchone())


def by_key(db: sqlite3.Connection, key: ConversationKey) -> Reference | None:
    wanted = (key.bot, key.channel, key.conversation_id)
    return _whole(db, db.execute(_SQL["by_key"], wanted).fetchone())


def by_conversation(db: sqlite3.Connection, bot: str, conversation_id: str) -> Reference | None:
    return _whole(db, db.execute(_SQL["by_conversation"], (bot, conversation_id)).fetchone())


def of_person(db: sqlite3.Connection, bot: str, name: str) -> list[Reference]:
    wanted = {"bot": bot, "name": name, "email": rows.clean(fold_email(name))}
    return _wholes(db, db.execute(_SQL["of_person"], wanted).fetchall())


def page(  # noqa: PLR0913 - one parameter a filter
    db: sqlite3.Connection,
    bot: str | None,
    after: str | None,
    limit: int,
    *,
    channel: str | None = None,
    tenant: str | None = None,
    health: Collection[Health] = (),
) -> Page[Reference]:
    cut = {
        "after": _position(after),
        "bot": bot,
        "channel": channel,
        "tenant": tenant,
        "health": rows.dumps(sorted(health or Health)),
        "limit": limit + 1,
    }
    if health and Health.ACTIVE not in health:
        found = db.execute(_SQL["page_unwell"], cut).fetchall()
    else:
        found = db.execute(_SQL["page"], cut).fetchall()
    items = _wholes(db, found[:limit])
    return Page(items=items, next=str(items[-1].number) if len(found) > limit else None)


def _position(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise InvalidInput(f"{after!r} is no page: pass on what the page before gave as next.")
    return int(after)
