"""Once per key and period: what is the same again is suppressed when it is accepted."""

from __future__ import annotations

from collections.abc import Sequence

from recado.domain.delivery import State
from recado.domain.notification import Once
from recado.store.session import Session, statements
from recado.store.verbs import lanes, rows

_SQL = statements("once")


async def keep(db: Session, number: int, once: Once) -> None:
    """Note that a notification is to be said once for its key; before its deliveries are made."""
    await db.run(_SQL["keep"], (once.key, rows.micros_of(once.every), number))


async def suppress_duplicates(
    db: Session, number: int, made: Sequence[tuple[str, int]], now: int
) -> set[str]:
    """End those of a notification's new deliveries that say the same again; their ids.

    Args:
        db: in the transaction that made them.
        number: the notification's.
        made: each delivery's id and lane.
        now: the present instant, in microseconds.
    """
    wanted = await db.first(_SQL["wanted"], (number,))
    if wanted is None or not made:
        return set()
    bot, key, every, accepted_at = wanted
    asked = {
        "bot": bot,
        "key": key,
        "since": accepted_at - every,
        "lanes": rows.dumps([lane for _, lane in made]),
    }
    told = {row[0] for row in await db.all(_SQL["said"], asked)}
    again = {each for each, lane in made if lane in told}
    await lanes.finish(
        db, [lanes.Ending(each, State.SUPPRESSED, "duplicate", now) for each in again]
    )
    first = [lane for _, lane in made if lane not in told]
    noted = {"bot": bot, "key": key, "at": accepted_at, "until": accepted_at + every}
    await db.run(_SQL["note"], {**noted, "lanes": rows.dumps(first)})
    return again


async def count(db: Session, bot: str, key: str, since: int, numbers: Sequence[int] | None) -> int:
    """In how many conversations it would be a duplicate; of *numbers* or, with None, of all."""
    named = None if numbers is None else rows.dumps(list(numbers))
    asked = {"bot": bot, "key": key, "since": since, "lanes": named}
    return int(await db.value(_SQL["count"], asked))


async def forget(db: Session, now: int, limit: int) -> int:
    """Drop what was said so long ago that it may be said again; how many rows."""
    return await db.run(_SQL["forget"], {"now": now, "limit": limit})
