"""Making: references of conversations that are made from here.

A conversation that is to be made has a reference, hence a lane, from the moment its person is
named. The reference has an id that stands for the conversation's until the channel tells that.
"""

from __future__ import annotations

from recado.domain.audit import made_note
from recado.domain.consent import identities_of
from recado.domain.making import Made, Wish, never_made
from recado.domain.reference import ConversationKey, Health, Reference, Sighting, pace_key
from recado.errors import UnknownReference
from recado.store.port import Settlement
from recado.store.session import Session, statements
from recado.store.verbs import audit, expecting, joining, references, rows

_SQL = statements("making")


async def wish(db: Session, wanted: Wish, now: int) -> Reference:
    """The reference of a private conversation that is to be made, the same each time."""
    known = await references.by_key(db, wanted.key)
    if known is not None:
        return known
    member = wanted.member
    number = await references.add(
        db,
        Sighting(
            key=wanted.key,
            service_url=wanted.service_url,
            at=rows.instant(now),
            tenant_id=wanted.tenant_id,
            conversation_type="personal",
            is_group=False,
            agent=wanted.agent,
            members=(member,),
        ),
    )
    # Until it has an id, whoever it is for stands for it in the channel's windows too.
    await db.run(_SQL["wished"], (member.user_id, number))
    names = identities_of(member, wanted.channel)
    await expecting.welcome(db, wanted.bot, names, number, now)
    return await _found(db, wanted.key)


async def thread(
    db: Session,
    channel: Reference,
    conversation_id: str,
    now: int,
    *,
    service_url: str | None = None,
) -> Reference:
    """The reference of a thread, or of the whole channel, by one that is known of the channel."""
    bot, base = channel.key.bot, channel.key.channel
    key = ConversationKey(bot=bot, channel=base, conversation_id=conversation_id)
    known = await references.by_key(db, key)
    if known is not None:
        return known
    number = await references.add(
        db,
        Sighting(
            key=key,
            service_url=service_url or channel.service_url,
            at=rows.instant(now),
            tenant_id=channel.tenant_id,
            conversation_type=channel.conversation_type,
            is_group=channel.is_group,
            name=channel.name,
            agent=channel.agent,
        ),
    )
    await db.run(_SQL["begun_here"], (number,))
    return await _found(db, key)


async def threads_channel(db: Session, bot: str, channel_id: str) -> Reference | None:
    """A conversation that is known of a channel: the channel itself, or one of its threads."""
    wanted = {"bot": bot, "channel": channel_id}
    found = await db.first(_SQL["threads_channel"], wanted)
    return None if found is None else await references.by_id(db, found["id"])


async def settle(db: Session, settlement: Settlement, now: int) -> None:
    """What an attempt means for the conversation it was made in, after its lane was freed."""
    claim, made = settlement.claim, settlement.made
    if settlement.make_again:
        await db.run(_SQL["make_again"], (claim.lane,))
    elif made is not None and made.thread:
        channel = await references.by_number(db, claim.lane)
        if channel is not None:
            url = made.service_url
            await thread(db, channel, made.conversation_id, now, service_url=url)
    elif made is not None:
        await _made(db, claim.lane, made, now)
    elif claim.unmade:
        if settlement.health is Health.GONE:
            await db.run(_SQL["not_made_again"], (claim.lane,))
        await joining.join(db, claim.lane, now)


async def _made(db: Session, number: int, made: Made, now: int) -> None:
    row = await db.first(_SQL["unmade"], (number,))
    if row is None:
        return
    conversation_id = str(rows.clean(made.conversation_id))
    key = (row["bot"], row["channel"], conversation_id)
    other = await db.first(_SQL["by_key"], key)
    again = not never_made(row["conversation_id"])
    note = made_note(conversation_id, again=again)
    if other is None or other["number"] == number:
        told = {
            "number": number,
            "conversation_id": conversation_id,
            "pace_key": pace_key(conversation_id),
            "service_url": made.service_url or row["service_url"],
            "remade": again,
        }
        await db.run(_SQL["made"], told)
        await references.write_address(db, number)
        await audit.write(db, now, row["bot"], number, note)
        return
    # It is known already: the person has come meanwhile, or was known by another name.
    await joining.move(db, number, other["number"], now)
    await audit.write(db, now, row["bot"], other["number"], note)
    if again:
        await db.run(_SQL["moved"], (number,))


async def _found(db: Session, key: ConversationKey) -> Reference:
    found = await references.by_key(db, key)
    if found is None:
        raise UnknownReference(f"There is no reference of {key.conversation_id}.")
    return found
