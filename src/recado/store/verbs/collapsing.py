"""Collapsing: of several versions of one thing only the newest that has not left goes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from recado.domain.delivery import State
from recado.store.session import Session, statements
from recado.store.verbs import lanes

_SQL = statements("acceptance")


class Version(NamedTuple):
    """Which version of what a delivery says.

    Attributes:
        bot: whose.
        key: of what, its collapse key.
        number: tells older from newer: that of its notification, or of an update's original.
    """

    bot: str
    key: str
    number: int


async def collapse(db: Session, version: Version, delivery_id: str, lane: int, now: int) -> None:
    """End a delivery that has come to a lane if a newer version has, else the older ones there."""
    wanted = {"lane": lane, "bot": version.bot, "key": version.key, "version": version.number}
    if await db.value(_SQL["newer"], wanted):
        await _supersede(db, [delivery_id], lane, now)
        return
    older = [row[0] for row in await db.all(_SQL["collapsed"], wanted)]
    await _supersede(db, older, lane, now)


async def _supersede(db: Session, ids: Sequence[str], lane: int, now: int) -> None:
    await lanes.finish(
        db, [lanes.Ending(each, State.SUPERSEDED, "collapse_key", now) for each in ids]
    )
    for each in ids:
        await lanes.leave(db, each, lane, now)
