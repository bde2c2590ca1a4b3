"""Making in SQLite: references of conversations that are made from here.

A conversation that is to be made has a reference, hence a lane, from the moment its person is
named. The reference has an id that stands for the conversation's until the channel tells that.
"""

from __future__ import annotations

import sqlite3

from recado.domain.audit import made_note
from recado.domain.making import Made, Wish, never_made
from recado.domain.reference import ConversationKey, Health, Reference, Sighting, pace_key
from recado.errors import UnknownReference
from recado.store.port import Settlement
from recado.store.queries import load_queries
from recado.store.sqlite import audit, joining, references, rows

_SQL = load_queries("sqlite", "making")


def wish(db: sqlite3.Connection, wanted: Wish, now: int) -> Reference:
    """The reference of a private conversation that is to be made, the same each time."""
    known = references.by_key(db, wanted.key)
    if known is not None:
        return known
    member = wanted.member
    number = references.add(
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
    db.execute(_SQL["wished"], (member.user_id, number))
    return _found(db, wanted.key)


def thread(
    db: sqlite3.Connection,
    channel: Reference,
    conversation_id: str,
    now: int,
    *,
    service_url: str | None = None,
) -> Reference:
    """The reference of a thread, or of the whole channel, by one that is known of the channel."""
    bot, base = channel.key.bot, channel.key.channel
    key = ConversationKey(bot=bot, channel=base, conversation_id=conversation_id)
    known = references.by_key(db, key)
    if known is not None:
        return known
    number = references.add(
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
    db.execute(_SQL["begun_here"], (number,))
    return _found(db, key)


def threads_channel(db: sqlite3.Connection, bot: str, channel_id: str) -> Reference | None:
    """A conversation that is known of a channel: the channel itself, or one of its threads."""
    wanted = {"bot": bot, "channel": channel_id}
    found = db.execute(_SQL["threads_channel"], wanted).fetchone()
    return None if found is None else references.by_id(db, found["id"])


def settle(db: sqlite3.Connection, settlement: Settlement, now: int) -> None:
    """What an attempt means for the conversation it was made in, after its lane was freed."""
    claim, made = settlement.claim, settlement.made
    if settlement.make_again:
        db.execute(_SQL["make_again"], (claim.lane,))
    elif made is not None and made.thread:
        channel = references.by_number(db, claim.lane)
        if channel is not None:
            url = made.service_url
            thread(db, channel, made.conversation_id, now, service_url=url)
    elif made is not None:
        _made(db, claim.lane, made, now)
    elif claim.unmade:
        if settlement.health is Health.GONE:
            db.execute(_SQL["not_made_again"], (claim.lane,))
        joining.join(db, claim.lane, now)


def _made(db: sqlite3.Connection, number: int, made: Made, now: int) -> None:
    row = db.execute(_SQL["unmade"], (number,)).fetchone()
    if row is None:
        return
    conversation_id = str(rows.clean(made.conversation_id))
    key = (row["bot"], row["channel"], conversation_id)
    other = db.execute(_SQL["by_key"], key).fetchone()
    again = not never_made(row["conversation_id"])
    note = made_note(conversation_id, again=again)
    if other is None or other["number"] == number:
        told = {
            "number": number,
            "conversation_id": conversation_id,
            "pace_key": pace_key(conversation_id),
            "service_url": made.service_url or row["service_url"],
            "remade": int(again),
        }
        db.execute(_SQL["made"], told)
        references.write_address(db, number)
        audit.write(db, now, row["bot"], number, note)
        return
    # It is known already: the person has come meanwhile, or was known by another name.
    joining.move(db, number, other["number"], now)
    audit.write(db, now, row["bot"], other["number"], note)
    if again:
        db.execute(_SQL["moved"], (number,))


def _found(db: sqlite3.Connection, key: ConversationKey) -> Reference:
    found = references.by_key(db, key)
    if found is None:
        raise UnknownReference(f"There is no reference of {key.conversation_id}.")
    return found
