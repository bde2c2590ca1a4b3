"""Reach: how many somewhere, counted for plans and for how long something takes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final, cast

from recado.domain.audience import (
    Broadcast,
    EveryConversation,
    Members,
    Subscribers,
    audience_of,
    written,
)
from recado.domain.notification import Once
from recado.domain.plan import Place, Reach, Survey
from recado.domain.reference import Health
from recado.errors import UnknownRecipient
from recado.store.session import Row, Session, statements
from recado.store.verbs import audiences, once, references, rows, topics

_SQL = statements("reach")

#: Recipients looked at in one step, and those that are shown.
_STEP: Final = 5_000
_FIRST: Final = 10


async def survey(
    db: Session, bot: str, audience: Broadcast, now: int, wanted: Once | None
) -> Survey:
    """See the port."""
    counted: list[Row] = []
    first: list[int] = []
    again = 0
    if isinstance(audience, EveryConversation):
        counted += await db.all(_SQL["everywhere"], (bot,))
        first += await anext(_walk(db, bot, audience, now, _FIRST), [])
        again = await _duplicates(db, bot, wanted, now, None)
    else:
        async for numbers in _walk(db, bot, audience, now, _STEP):
            counted += await db.all(_SQL["these"], {"numbers": rows.dumps(numbers)})
            first += numbers[: _FIRST - len(first)]
            again += await _duplicates(db, bot, wanted, now, numbers)
    found = [await references.by_number(db, number) for number in first]
    return Survey(
        reach=_added(counted),
        duplicates=again,
        first=[each for each in found if each is not None],
    )


async def _duplicates(
    db: Session, bot: str, wanted: Once | None, now: int, numbers: list[int] | None
) -> int:
    if wanted is None:
        return 0
    return await once.count(db, bot, wanted.key, now - rows.micros_of(wanted.every), numbers)


async def _walk(
    db: Session, bot: str, audience: Broadcast, now: int, limit: int
) -> AsyncIterator[list[int]]:
    """The references an audience would come to, a step at a time."""
    within, until = await _bounds(db, bot, audience)
    cursor: dict[str, Any] = {
        "bot": bot,
        "audience": rows.dumps(written(audience)),
        "expand_after": 0,
        "expand_until": until,
        "expand_within": within,
        "expand_person": "",
        "expand_known": now,
    }
    while cursor["expand_after"] is not None:
        # It reads the columns of a notification by their names, and nothing else of a row.
        step = await audiences.step(db, cast("Row", cursor), limit)
        yield [number for number, _ in step.recipients]
        cursor["expand_after"], cursor["expand_person"] = step.reached, step.person


async def _bounds(db: Session, bot: str, audience: Broadcast) -> tuple[int | None, int]:
    """Whose people are meant, and the number of the last one there is."""
    if isinstance(audience, Subscribers):
        return await topics.bounds(db, bot, audience.topic)
    until = int(await db.value(_SQL["last"], (bot,)))
    if not isinstance(audience, Members):
        return None, until
    within = await db.first(_SQL["within"], {"bot": bot, "name": audience.id})
    if within is None:
        raise UnknownRecipient(f"No conversation {audience.id!r} is known.")
    return within["number"], until


def _added(counted: Iterable[Row]) -> list[Reach]:
    reachable: Counter[Place] = Counter()
    unreachable: Counter[Place] = Counter()
    for row in counted:
        found = reachable if Health(row["health"]).reachable else unreachable
        found[Place(row["channel"], row["tenant"])] += row["many"]
    return [
        Reach(place=place, reachable=reachable[place], unreachable=unreachable[place])
        for place in sorted({*reachable, *unreachable})
    ]


async def remaining(db: Session, notification_id: str) -> dict[Place, int]:
    """See the port."""
    found = await db.first(_SQL["number"], (notification_id,))
    counts: Counter[Place] = Counter()
    if found is not None:
        topical = _is_topic(found["audience"])
        to_come = _SQL["subscribers_to_come"] if topical else _SQL["to_come"]
        for statement in (_SQL["standing"], to_come):
            for row in await db.all(statement, (found["number"],)):
                counts[Place(row["channel"], row["tenant"])] += row["many"]
    return dict(counts)


def _is_topic(audience: str) -> bool:
    return isinstance(audience_of(json.loads(audience)), Subscribers)
