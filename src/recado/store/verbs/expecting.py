"""Expecting: what waits for people no conversation is known with, and where it goes in the end."""

from __future__ import annotations

from collections.abc import Sequence

from recado.domain.consent import ANYWHERE, Identity
from recado.domain.expecting import EXPECTED, expected_key
from recado.domain.reference import Health
from recado.store.session import Session, statements
from recado.store.verbs import identities, lanes, meeting, rows

_SQL = statements("expecting")


async def welcome(db: Session, bot: str, names: Sequence[Identity], number: int, now: int) -> int:
    """Somebody has come: give their private conversation what waited for them.

    Args:
        db: the database.
        bot: whose conversation it is.
        names: those of them that were not known to be theirs.
        number: of the conversation's reference, which is private.
        now: the time.

    Returns:
        How many deliveries entered its lane because of that.
    """
    if not await db.value(_SQL["any"], (bot,)):
        return 0
    all_names = {each.name for each in await identities.linked(db, bot, names)}
    keys = [expected_key(bot, name).conversation_id for name in sorted(all_names)]
    here = [row[0] for row in await db.all(_SQL["waiting_for"], (bot, rows.dumps(keys)))]
    return await _give(db, here, number, now) if here else 0


async def look_again(db: Session, accepted: Sequence[int], now: int) -> None:
    """Something was accepted for people who are expected: say so, unless they have come.

    Args:
        db: the database.
        accepted: for which references, among others.
        now: the time.
    """
    found = await db.all(_SQL["expected"], (rows.dumps(list(accepted)),))
    if found:
        await meeting.alone(db)
    for number, bot, conversation_id in found:
        name = Identity(ANYWHERE, conversation_id.removeprefix(EXPECTED))
        names = await identities.linked(db, bot, [name])
        chats = [each for each in await identities.chats(db, bot, names) if each != number]
        there = await db.value(_SQL["best"], (rows.dumps(chats), identities.VOUCHING))
        if there is not None:
            await _give(db, [number], there, now)
        else:
            await db.run(_SQL["hold"], (number,))


async def _give(db: Session, here: Sequence[int], there: int, now: int) -> int:
    """Have everything for these go to another conversation, in the order it was accepted."""
    await db.hold([*here, there])
    both = {"here": rows.dumps(list(here)), "there": there}
    await db.run(_SQL["resubscribe"], both)
    await db.run(_SQL["unsubscribe"], (both["here"],))
    if not await db.run(_SQL["move"], both):
        return 0
    if Health(await db.value(_SQL["health"], (there,))).reachable:
        return await lanes.release_unreachable(db, there, now)
    return 0
