"""References in SQLite: capture and look-up."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from recado.domain.ids import new_id
from recado.domain.reference import (
    ConversationKey,
    Health,
    Presence,
    Reference,
    Sighting,
    pace_key,
)
from recado.errors import InvalidInput
from recado.store.port import Captured, Page
from recado.store.queries import load_queries
from recado.store.sqlite import lanes, rows

_SQL = load_queries("sqlite", "references")

#: Columns that a refresh may change, besides last_seen.
_REFRESHED = (
    "service_url",
    "tenant_id",
    "conversation_type",
    "is_group",
    "name",
    "locale",
    "timezone",
    "agent",
    "health",
    "health_reason",
    "raw",
)


def capture(db: sqlite3.Connection, sightings: Sequence[Sighting]) -> list[Captured]:
    """Store what inbound activities tell about their conversations."""
    return [_capture(db, sighting) for sighting in sightings]


def _capture(db: sqlite3.Connection, sighting: Sighting) -> Captured:
    key = sighting.key
    row = db.execute(_SQL["by_key"], (key.bot, key.channel, key.conversation_id)).fetchone()
    told = _told(sighting)
    if row is None:
        number = _insert(db, sighting, told)
        _put_members(db, number, sighting)
        _write_address(db, number)
        return Captured(number, new=True, released=0)
    number = row["number"]
    people_changed = _put_members(db, number, sighting)
    if rows.micros(sighting.at) < row["last_seen"]:
        # Activities may arrive out of order: an older one fills gaps but overwrites nothing, and
        # what has become of the conversation since is not its to tell.
        gaps = {name for name in _REFRESHED if row[name] in (None, "", "{}")}
        told = {name: told[name] for name in told.keys() & (gaps - {"health", "health_reason"})}
    changed = {name: value for name, value in told.items() if row[name] != value}
    if changed:
        db.execute(
            _SQL["refresh"],
            {
                **{name: row[name] for name in (*_REFRESHED, "number", "address")},
                **changed,
                "last_seen": max(row["last_seen"], rows.micros(sighting.at)),
            },
        )
    else:
        db.execute(_SQL["seen"], (rows.micros(sighting.at), number))
    if people_changed or changed.keys() - {"locale", "timezone", "service_url", "raw"}:
        _write_address(db, number)
    released = 0
    if not Health(row["health"]).reachable and changed.get("health") == Health.ACTIVE:
        released = lanes.release_unreachable(db, number, rows.micros(sighting.at))
    elif changed.get("health") == Health.UNINSTALLED:
        lanes.hold_unreachable(db, number)
    return Captured(number, new=False, released=released)


def _told(sighting: Sighting) -> dict[str, Any]:
    """The columns a sighting has something to say about."""
    left = sighting.presence is Presence.LEFT
    told: dict[str, Any] = {
        "service_url": sighting.service_url or None,
        "tenant_id": rows.clean(sighting.tenant_id),
        "conversation_type": rows.clean(sighting.conversation_type),
        "is_group": None if sighting.is_group is None else int(sighting.is_group),
        "name": rows.clean(sighting.name),
        "locale": rows.clean(sighting.locale),
        "timezone": rows.clean(sighting.timezone),
        "agent": rows.maybe_dumps(sighting.agent),
        "raw": rows.dumps(sighting.raw) if sighting.raw else None,
    }
    told = {name: value for name, value in told.items() if value is not None}
    told["health"] = str(Health.UNINSTALLED if left else Health.ACTIVE)
    told["health_reason"] = "removed" if left else None
    return told


def _insert(db: sqlite3.Connection, sighting: Sighting, told: dict[str, Any]) -> int:
    columns: dict[str, Any] = dict.fromkeys(_REFRESHED)
    columns |= {"service_url": "", "is_group": 0, "raw": "{}", "address": "{}"} | told
    cursor = db.execute(
        _SQL["insert"],
        {
            **columns,
            "id": new_id(),
            "bot": sighting.key.bot,
            "channel": sighting.key.channel,
            "conversation_id": sighting.key.conversation_id,
            "pace_key": pace_key(sighting.key.conversation_id),
            "first_seen": rows.micros(sighting.at),
            "last_seen": rows.micros(sighting.at),
        },
    )
    assert cursor.lastrowid is not None  # noqa: S101 - an INSERT always sets it
    return cursor.lastrowid


def _put_members(db: sqlite3.Connection, number: int, sighting: Sighting) -> bool:
    """Add, refresh and remove members; whether who is in the conversation may have changed."""
    at = rows.micros(sighting.at)
    changed = False
    for member in sighting.members:
        told = {
            "reference": number,
            "user_id": member.user_id,
            "name": rows.clean(member.name),
            "aad_object_id": rows.clean(member.aad_object_id),
            "email": _folded(member.email),
            "last_seen": at,
        }
        row = db.execute(_SQL["member"], (number, member.user_id)).fetchone()
        if row is not None and row["last_seen"] > at:
            told |= {name: row[name] for name in ("name", "aad_object_id", "email") if row[name]}
        account = ("name", "aad_object_id")
        changed = changed or row is None or any(told[n] not in (None, row[n]) for n in account)
        db.execute(_SQL["put_member"], told)
    for user_id in sighting.departed:
        changed = db.execute(_SQL["drop_member"], (number, user_id, at)).rowcount > 0 or changed
    return changed


def _folded(email: str | None) -> str | None:
    """An e-mail address as it is compared. SQLite itself knows the case of ASCII only."""
    return rows.clean(email and email.casefold())


def _write_address(db: sqlite3.Connection, number: int) -> None:
    row = db.execute(_SQL["by_number"], (number,)).fetchone()
    found = rows.reference(row, db.execute(_SQL["members"], (number,)))
    db.execute(_SQL["set_address"], (rows.dumps(address_of(found)), number))


def address_of(found: Reference) -> dict[str, Any]:
    """What is merged into content that goes to a conversation.

    ``from``, ``recipient`` and ``conversation`` are always sent: without them some channels
    refuse the activity or do not show it (protocol §10).
    """
    return {
        "channelId": found.key.channel,
        "from": dict(found.agent) if found.agent else {"id": found.key.bot, "role": "bot"},
        "recipient": found.recipient(None),
        "conversation": found.conversation(),
    }


def _whole(db: sqlite3.Connection, row: sqlite3.Row | None) -> Reference | None:
    if row is None:
        return None
    return rows.reference(row, db.execute(_SQL["members"], (row["number"],)))


def _wholes(db: sqlite3.Connection, found: list[sqlite3.Row]) -> list[Reference]:
    people: dict[int, list[sqlite3.Row]] = defaultdict(list)
    numbers = rows.dumps([row["number"] for row in found])
    for row in db.execute(_SQL["members_of_many"], (numbers,)):
        people[row["reference"]].append(row)
    return [rows.reference(row, people[row["number"]]) for row in found]


def by_id(db: sqlite3.Connection, reference_id: str) -> Reference | None:
    return _whole(db, db.execute(_SQL["by_id"], (reference_id,)).fetchone())


def by_key(db: sqlite3.Connection, key: ConversationKey) -> Reference | None:
    wanted = (key.bot, key.channel, key.conversation_id)
    return _whole(db, db.execute(_SQL["by_key"], wanted).fetchone())


def by_conversation(db: sqlite3.Connection, bot: str, conversation_id: str) -> Reference | None:
    return _whole(db, db.execute(_SQL["by_conversation"], (bot, conversation_id)).fetchone())


def of_person(db: sqlite3.Connection, bot: str, name: str) -> list[Reference]:
    wanted = {"bot": bot, "name": name, "email": _folded(name)}
    return _wholes(db, db.execute(_SQL["of_person"], wanted).fetchall())


def page(db: sqlite3.Connection, bot: str | None, after: str | None, limit: int) -> Page[Reference]:
    cut = {"after": _position(after), "bot": bot, "limit": limit + 1}
    found = db.execute(_SQL["page"], cut).fetchall()
    items = _wholes(db, found[:limit])
    return Page(items=items, next=str(items[-1].number) if len(found) > limit else None)


def _position(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise InvalidInput(f"{after!r} is no page: pass on what the page before gave as next.")
    return int(after)


def set_health(db: sqlite3.Connection, number: int, health: Health, reason: str | None) -> None:
    """Note what an answer said about a conversation."""
    db.execute(_SQL["set_health"], (str(health), reason, number))


def set_service_url(db: sqlite3.Connection, number: int, service_url: str) -> None:
    db.execute(_SQL["set_service_url"], (service_url, number))
