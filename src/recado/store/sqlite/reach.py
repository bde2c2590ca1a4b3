"""Reach in SQLite: how many somewhere, counted for plans and for how long something takes."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

from recado.domain.audience import Broadcast, EveryConversation, Members, written
from recado.domain.notification import Once
from recado.domain.plan import Place, Reach, Survey
from recado.domain.reference import Health
from recado.errors import UnknownRecipient
from recado.store.queries import load_queries
from recado.store.sqlite import audiences, once, references, rows

_SQL = load_queries("sqlite", "reach")

#: Recipients looked at in one step, and those that are shown.
_STEP: Final = 5_000
_FIRST: Final = 10


def survey(
    db: sqlite3.Connection, bot: str, audience: Broadcast, now: int, wanted: Once | None
) -> Survey:
    """See the port."""
    counted: list[sqlite3.Row] = []
    first: list[int] = []
    again = 0
    if isinstance(audience, EveryConversation):
        counted = db.execute(_SQL["everywhere"], (bot,)).fetchall()
        first = next(_walk(db, bot, audience, now, _FIRST), [])
        again = _duplicates(db, bot, wanted, now, None)
    else:
        for numbers in _walk(db, bot, audience, now, _STEP):
            counted += db.execute(_SQL["these"], {"numbers": rows.dumps(numbers)}).fetchall()
            first += numbers[: _FIRST - len(first)]
            again += _duplicates(db, bot, wanted, now, numbers)
    found = (references.by_number(db, number) for number in first)
    return Survey(
        reach=_added(counted),
        duplicates=again,
        first=[each for each in found if each is not None],
    )


def _duplicates(
    db: sqlite3.Connection, bot: str, wanted: Once | None, now: int, numbers: list[int] | None
) -> int:
    if wanted is None:
        return 0
    return once.count(db, bot, wanted.key, now - rows.micros_of(wanted.every), numbers)


def _walk(
    db: sqlite3.Connection, bot: str, audience: Broadcast, now: int, limit: int
) -> Iterator[list[int]]:
    """The references an audience would come to, a step at a time."""
    (until,) = db.execute(_SQL["last"], (bot,)).fetchone()
    named = audience.id if isinstance(audience, Members) else None
    within = db.execute(_SQL["within"], {"bot": bot, "name": named}).fetchone()
    if named is not None and within is None:
        raise UnknownRecipient(f"No conversation {named!r} is known.")
    cursor: dict[str, Any] = {
        "bot": bot,
        "audience": rows.dumps(written(audience)),
        "expand_after": 0,
        "expand_until": until,
        "expand_within": None if within is None else within["number"],
        "expand_person": "",
        "expand_known": now,
    }
    while cursor["expand_after"] is not None:
        # It reads the columns of a notification by their names, and nothing else of a row.
        step = audiences.step(db, cast("sqlite3.Row", cursor), limit)
        yield [number for number, _ in step.recipients]
        cursor["expand_after"], cursor["expand_person"] = step.reached, step.person


def _added(counted: Iterable[sqlite3.Row]) -> list[Reach]:
    reachable: Counter[Place] = Counter()
    unreachable: Counter[Place] = Counter()
    for row in counted:
        found = reachable if Health(row["health"]).reachable else unreachable
        found[Place(row["channel"], row["tenant"])] += row["many"]
    return [
        Reach(place=place, reachable=reachable[place], unreachable=unreachable[place])
        for place in sorted({*reachable, *unreachable})
    ]


def remaining(db: sqlite3.Connection, notification_id: str) -> dict[Place, int]:
    """See the port."""
    found = db.execute(_SQL["number"], (notification_id,)).fetchone()
    counts: Counter[Place] = Counter()
    if found is not None:
        for statement in (_SQL["standing"], _SQL["to_come"]):
            for row in db.execute(statement, (found["number"],)):
                counts[Place(row["channel"], row["tenant"])] += row["many"]
    return dict(counts)
