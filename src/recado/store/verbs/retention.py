"""Forgetting what nobody will ask for again, by the rule in the port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from recado.domain.ids import first_id
from recado.store.port import Forgotten, Old
from recado.store.session import Row, Session, statements
from recado.store.verbs import answers, events, gate, questions, rows, schedules, watches

_SQL = statements("retention")


async def alone(db: Session) -> bool:
    """Whether nobody else forgets anything until the end of the transaction."""
    return bool(await db.value(_SQL["alone"]))


async def forget(  # noqa: PLR0913 - the port's verb, with what the database adds
    db: Session, what: Old, before: datetime, *, after: str, limit: int, by_months: bool
) -> Forgotten | None:
    """One step; see the port.

    Args:
        db: in a transaction.
        what: of which kind, but for months.
        before: see the port.
        after: see the port.
        limit: see the port.
        by_months: whether history is kept by months, which go as a whole first.
    """
    if not await alone(db):
        return None
    # Ids tell when something was made, and nothing ends before that.
    until = first_id(month(before) if by_months else before)
    page = {"after": after, "until": until, "limit": limit}
    match what:
        case Old.DELIVERIES:
            older = first_id(month(month(before) - timedelta(days=1)))
            cut = {**page, "until": first_id(before), "older": older}
            return await _deliveries(db, {**cut, "before": rows.micros(before)})
        case Old.SENDS:
            found = await db.all(_SQL["sends"], page)
            going, last = _portion(found, limit)
            await db.run(_SQL["forget_sends"], (rows.dumps([row["id"] for row in going]),))
            return Forgotten(len(going), last)
        case Old.NOTIFICATIONS:
            return await _notifications(db, {**page, "before": rows.micros(before)})
        case Old.EVENTS:
            return await events.forget(db, rows.micros(before), after, limit)
    dropped = await _WITHOUT_PLACES[what](db, rows.micros(before), limit)
    return Forgotten(dropped, "" if dropped == limit else None)


async def _audit(db: Session, before: int, limit: int) -> int:
    return await db.run(_SQL["forget_audit"], {"before": before, "limit": limit})


#: How is forgotten what has an index by when it ended: there is no place where a step goes on.
_WITHOUT_PLACES: Final[Mapping[Old, Callable[[Session, int, int], Awaitable[int]]]] = {
    Old.OCCURRENCES: schedules.forget_occurrences,
    Old.SCHEDULES: schedules.forget,
    Old.WATCHES: watches.forget,
    Old.QUESTIONS: questions.forget,
    Old.ANSWERS: answers.forget,
    Old.COUNTS: gate.forget_counts,
    Old.AUDIT: _audit,
}


def month(of: datetime) -> datetime:
    """When the month began that a time is in."""
    return of.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _portion(found: Sequence[Row], limit: int) -> tuple[list[Row], str | None]:
    """Those of a page that go in one step, and where the next one goes on.

    A delivery that was tried often has many rows, so a step may end before its page does.
    """
    going: list[Row] = []
    weight = 0
    for row in found:
        if row["outlived"]:
            going.append(row)
            weight += row["weight"]
        if weight >= limit:
            return going, row["id"]
    return going, found[-1]["id"] if len(found) == limit else None


async def _deliveries(db: Session, page: dict[str, object]) -> Forgotten:
    found = await db.all(_SQL["ended"], page)
    going, last = _portion(found, _limit(page))
    ids = rows.dumps([row["id"] for row in going])
    if going:
        await db.run(_SQL["forget_history"], (ids,))
        await db.run(_SQL["forget_attempts"], (ids,))
    return Forgotten(len(going), last)


async def _notifications(db: Session, page: dict[str, object]) -> Forgotten:
    limit = _limit(page)
    found = await db.all(_SQL["notifications"], page)
    going, last = _portion(found, limit)
    if not going:
        return Forgotten(0, last)
    await db.all(_SQL["keep_from_changes"], (rows.dumps([row["number"] for row in going]),))
    # Looked at again, because a change may have been accepted while they were waited for.
    again = {row["number"] for row in await db.all(_SQL["notifications"], page) if row["outlived"]}
    roots = [row["number"] for row in going if row["number"] in again]
    family = {"roots": rows.dumps(roots), "limit": limit}
    if await db.run(_SQL["forget_copies"], family) == limit:
        return Forgotten(0, str(page["after"]))
    changes = [row["number"] for row in await db.all(_SQL["changes"], family)]
    # One may have been changed more often than fits into a step.
    whole = len(changes) < limit
    numbers = rows.dumps([*changes, *roots] if whole else changes)
    await db.run(_SQL["forget_keys"], (numbers,))
    await db.run(_SQL["forget_pauses"], (numbers,))
    await watches.forget_firings(db, numbers)
    dropped = await db.run(_SQL["forget_notifications"], (numbers,))
    return Forgotten(dropped, last if whole else str(page["after"]))


def _limit(page: dict[str, object]) -> int:
    limit = page["limit"]
    assert isinstance(limit, int)  # noqa: S101 - it was put there a moment ago
    return limit
