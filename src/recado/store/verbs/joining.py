"""Joining: what waits where a conversation was to be made, once there is one.

A person may write to the bot, or install it, before their conversation is made from here. What
was accepted for them goes to the conversation they came from.
"""

from __future__ import annotations

from recado.domain.making import MAKING_CHANNELS, key_to_be_made
from recado.domain.reference import Health, Sighting
from recado.store.session import Session, statements
from recado.store.verbs import lanes

_SQL = statements("making")


async def welcome(db: Session, number: int, sighting: Sighting, now: int) -> int:
    """A private conversation has come to be known: give it what waited for its person.

    Returns:
        How many deliveries entered its lane because of that.
    """
    key = sighting.key
    if sighting.is_group or key.channel not in MAKING_CHANNELS:
        return 0
    entered = 0
    for member in sighting.members:
        for name in {member.user_id, member.aad_object_id} - {None}:
            wished = key_to_be_made(key.bot, key.channel, str(name))
            wanted = (wished.bot, wished.channel, wished.conversation_id)
            found = await db.first(_SQL["by_key"], wanted)
            if found is not None:
                entered += await move(db, found["number"], number, now)
    return entered


async def join(db: Session, here: int, now: int) -> None:
    """Give what waits for a conversation that could not be made to one its person came from."""
    found = await db.first(_SQL["private_chat"], (here,))
    if found is not None and found["number"] != here:
        await move(db, here, found["number"], now)


async def move(db: Session, here: int, there: int, now: int) -> int:
    """Have the deliveries for one reference go to another's conversation.

    But for the one that is being sent, which follows when it has been settled, and for what is
    parked, which waits for a person to decide.

    Returns:
        How many deliveries entered the other lane.
    """
    await db.hold([here, there])
    standing = await db.value(_SQL["standing"], (here,))
    both = {"here": here, "there": there}
    moved = await db.run(_SQL["move_standing"], both)
    moved += await db.run(_SQL["move_waiting"], both)
    await db.run(_SQL["leave_lane"], (here,))
    if not moved:
        return 0
    if standing is not None:
        await lanes.enter(db, [there], standing, now)
    health = await db.value(_SQL["health"], (there,))
    if Health(health).reachable:
        return await lanes.release_unreachable(db, there, now) + int(standing is not None)
    await lanes.hold_unreachable(db, there)
    return 0
