"""Other bots in the same database: kept out of listings, and named when nothing else is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from recado.store.port import Page

if TYPE_CHECKING:
    from recado.app import Recado

T = TypeVar("T")

#: Records looked at in one go, and altogether.
_STEP = 1000
_MOST = 20_000


async def own(
    fetch: Callable[[str | None, int], Awaitable[Page[T]]],
    is_own: Callable[[T], bool],
    *,
    after: str | None,
    limit: int,
) -> Page[T]:
    """One page of a listing of every bot, with the records of this one only.

    It may be shorter than *limit* though more follow, when others have very many records.

    Args:
        fetch: reads a page after a cursor, of a length.
        is_own: whether a record is this bot's.
        after: where to begin.
        limit: how many are wanted.
    """
    found: list[T] = []
    seen, step = 0, limit
    while True:
        page = await fetch(after, step)
        places = [place for place, each in enumerate(page.items) if is_own(each)]
        wanted = limit - len(found)
        if len(places) > wanted:
            # Cut behind the last one wanted, so that the next page begins there.
            page = await fetch(after, places[wanted - 1] + 1)
        found += [each for each in page.items if is_own(each)]
        seen += len(page.items)
        if page.next is None or len(found) >= limit or seen >= _MOST:
            return Page(items=found, next=page.next)
        after, step = page.next, _STEP


async def others_references(recado: Recado) -> str:
    """A sentence on the conversations of other bots in this database; nothing if there are none."""
    return await _others(
        lambda after: recado.references.page(after=after, limit=_STEP),
        lambda reference: reference.key.bot,
        recado.settings.bot,
        ("conversation belongs", "conversations belong"),
    )


async def others_jobs(recado: Recado) -> str:
    """A sentence on the jobs of other bots in this database; nothing if there are none."""
    return await _others(
        lambda after: recado.job_log.page(None, after=after, limit=_STEP),
        lambda job: job.scope.bot,
        recado.settings.bot,
        ("job belongs", "jobs belong"),
    )


async def _others(
    fetch: Callable[[str | None], Awaitable[Page[T]]],
    bot_of: Callable[[T], str],
    bot: str,
    nouns: tuple[str, str],
) -> str:
    found: Counter[str] = Counter()
    after, seen = None, 0
    while seen < _MOST:
        page = await fetch(after)
        found.update(bot_of(each) for each in page.items)
        seen += len(page.items)
        if page.next is None:
            break
        after = page.next
    del found[bot]
    if not found:
        return ""
    told = " and ".join(
        f"{count:,} {nouns[count != 1]} to bot {name!r}" for name, count in sorted(found.items())
    )
    return f" Here {told}, and this is bot {bot!r}: use the settings of the bot you mean."
