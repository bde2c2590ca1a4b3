"""Audiences: whom a broadcast comes to next.

An audience is frozen when it is accepted: only references, and members, known then are in it. It
is walked through by a cursor that is committed with the deliveries it made, so that a crash
leaves nobody out and tells nobody twice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from recado.domain.audience import Everyone, Members, Subscribers, Where, audience_of
from recado.domain.notification import Notification
from recado.domain.reference import VOUCHING_CHANNELS, fold_email
from recado.errors import UnknownRecipient
from recado.store.session import Row, Session, Statement, statements
from recado.store.verbs import rows, topics

_SQL = statements("audiences")

_VOUCHING: Final = rows.dumps(sorted(VOUCHING_CHANNELS))
#: So many references are looked at for each delivery that could be made: looking is cheaper.
_LOOKS: Final = 8

Recipient = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step through an audience."""

    #: Number and health of the references it came to.
    recipients: Sequence[Recipient]
    #: How far it got; None at the end.
    reached: int | None
    #: The person it came to, in an audience of a group's people.
    person: str | None = None
    #: How much of the limit it took; at least 1.
    taken: int


async def begin(db: Session, number: int, notification: Notification) -> None:
    """Note whose people are meant.

    Raises:
        UnknownRecipient: that conversation is not known.
        UnknownTopic: there is no topic with that name.
    """
    if isinstance(notification.audience, Subscribers):
        await topics.begin(db, notification.bot, notification.audience.topic, number)
    if not isinstance(notification.audience, Members):
        return
    wanted = {"bot": notification.bot, "name": notification.audience.id}
    found = await db.first(_SQL["within"], wanted)
    if found is None:
        raise UnknownRecipient(f"No conversation {notification.audience.id!r} is known.")
    await db.run(_SQL["begin_within"], {"within": found["number"], "number": number})


async def step(db: Session, row: Row, limit: int) -> Step:
    """The next recipients.

    Args:
        db: the database.
        row: the notification that is being expanded.
        limit: recipients, at most.
    """
    audience = audience_of(json.loads(row["audience"]))
    match audience:
        case Members():
            return await _members(db, row, limit)
        case Subscribers():
            return await _subscribers(db, row, limit)
        case Everyone():
            return await _everyone(db, row, limit)
        case Where():
            return await _references(db, row, limit, _SQL["where"], _conditions(audience))
        case _:
            return await _references(db, row, limit, _SQL["everywhere"], {})


async def _references(
    db: Session,
    row: Row,
    limit: int,
    statement: Statement,
    conditions: dict[str, str | None],
) -> Step:
    """References in the order of their numbers."""
    cut = _cut(row, limit)
    window = await _window(db, cut)
    if window is None:
        return Step(recipients=(), reached=None, taken=1)
    wanted = {**cut, "window": window, **conditions}
    found = [(number, health) for number, health in await db.all(statement, wanted)]
    reached = found[-1][0] if len(found) == limit else window
    return _walked(found, reached, cut)


async def _everyone(db: Session, row: Row, limit: int) -> Step:
    cut = _cut(row, limit)
    window = await _window(db, cut)
    if window is None:
        return Step(recipients=(), reached=None, taken=1)
    wanted = {**cut, "window": window, "vouching": _VOUCHING}
    found = await db.all(_SQL["everyone"], wanted)
    reached = found[-1]["first"] if len(found) == limit else window
    return _walked(await with_health(db, [each["number"] for each in found]), reached, cut)


def _walked(found: Sequence[Recipient], reached: int, cut: dict[str, int | str]) -> Step:
    end = reached >= int(cut["until"])
    # Numbers may have gaps, so this is what it cost at most.
    taken = max(len(found), min(-(-(reached - int(cut["after"])) // _LOOKS), int(cut["limit"])), 1)
    return Step(recipients=found, reached=None if end else reached, taken=taken)


def _cut(row: Row, limit: int) -> dict[str, int | str]:
    return {
        "bot": row["bot"],
        "after": row["expand_after"],
        "until": row["expand_until"],
        "limit": limit,
        "look": limit * _LOOKS,
    }


async def _window(db: Session, cut: dict[str, int | str]) -> int | None:
    window = await db.value(_SQL["window"], cut)
    return None if window is None else int(window)


async def _members(db: Session, row: Row, limit: int) -> Step:
    """People in the order of their user ids; those without a private chat are passed over."""
    wanted = {
        "within": row["expand_within"],
        "person": row["expand_person"],
        "known": row["expand_known"],
        "limit": limit,
    }
    people = await db.all(_SQL["people"], wanted)
    group = await db.first(_SQL["group"], (row["expand_within"],))
    if not people or group is None:
        return Step(recipients=(), reached=None, taken=1)
    asked = {
        "bot": group["bot"],
        "channel": group["channel"],
        "until": row["expand_until"],
        "vouching": _VOUCHING,
        "people": rows.dumps([tuple(each) for each in people]),
    }
    chats = [number for (number,) in await db.all(_SQL["chats"], asked) if number is not None]
    last = len(people) < limit
    return Step(
        recipients=await with_health(db, chats),
        reached=None if last else row["expand_after"] + len(people),
        person=people[-1]["user_id"],
        taken=len(people),
    )


async def _subscribers(db: Session, row: Row, limit: int) -> Step:
    """Who subscribes to a topic, in the order they did."""
    cut = (row["expand_within"], row["expand_after"], row["expand_until"])
    chosen, reached = await topics.walk(db, *cut, limit)
    return Step(
        recipients=await with_health(db, chosen), reached=reached, taken=max(1, len(chosen))
    )


async def with_health(db: Session, numbers: Sequence[int]) -> list[Recipient]:
    """Each reference once, in this order, with its health."""
    found = await db.all(_SQL["healths"], (rows.dumps(list(numbers)),))
    healths: dict[int, str] = {row["number"]: row["health"] for row in found}
    return [(number, healths[number]) for number in dict.fromkeys(numbers)]


def _conditions(where: Where) -> dict[str, str | None]:
    """The conditions of a filter as the statement takes them."""
    told = dict(where.conditions)
    for name in ("locale", "domain"):
        told[name] = tuple(each.casefold() for each in told.get(name, ()))
    told["email"] = tuple(fold_email(each) or "" for each in told.get("member", ()))
    names = ("channel", "tenant", "locale", "timezone", "type", "health", "member", "domain")
    written = {name: rows.dumps(told[name]) if told.get(name) else None for name in names}
    return written | {"email": rows.dumps(told["email"]), "vouching": _VOUCHING}
