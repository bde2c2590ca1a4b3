"""Identities: the names somebody is known by, found through the private conversations they are in.

Names are the same person's where a private conversation has a member of both. Groups tell nothing:
what holds for a person is decided by their own conversations.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from recado.domain.consent import ANYWHERE, Identity
from recado.domain.reference import VOUCHING_CHANNELS
from recado.store.session import Session, statements
from recado.store.verbs import rows

_SQL = statements("consent")

#: Channels whose user ids nobody chooses for themselves.
VOUCHING: Final = rows.dumps(sorted(VOUCHING_CHANNELS))


async def linked(
    db: Session, bot: str, names: Collection[Identity], *, met: bool = False
) -> list[Identity]:
    """Every name of the person who is known by these, in a fixed order.

    Args:
        db: the database.
        bot: to whom.
        names: some of theirs.
        met: whether a channel has told them: then each is what it says it is, and nobody else's
            who has chosen the same.
    """
    seeds = set(names)
    for each in () if met else names:
        if each.channel == ANYWHERE:
            # It may be the id of a channel that was recorded without saying which.
            for (channel,) in await db.all(_SQL["channels_of"], (each.name, bot)):
                seeds.add(Identity(channel, each.name))
    asked = {"bot": bot, "names": rows.dumps(sorted(seeds)), "vouching": VOUCHING}
    found = {Identity(channel, name) for channel, name in await db.all(_SQL["linked"], asked)}
    return sorted(found)


async def chats(db: Session, bot: str, names: Collection[Identity]) -> list[int]:
    """The private conversations of whoever has these names, by the numbers of their references."""
    asked = {"bot": bot, "names": rows.dumps(list(names))}
    return [number for (number,) in await db.all(_SQL["chats"], asked)]
