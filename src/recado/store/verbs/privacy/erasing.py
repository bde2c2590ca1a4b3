"""Erasing: everything about one person, step by step; who they are is forgotten in the last one.

A step that is done again changes nothing, so whoever does not know how far it has come begins
again.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

from recado.domain.audit import AuditKind, Note
from recado.domain.consent import Said, Subject
from recado.domain.delivery import State
from recado.domain.politeness.consent import holding
from recado.domain.recipient import conversation
from recado.domain.recipient import person as preferred_by
from recado.store.port import Erased
from recado.store.session import Session, statements
from recado.store.verbs import audit, consent, erasures, lanes, rows, steering
from recado.store.verbs.privacy import person as persons
from recado.store.verbs.privacy.person import Person, Place
from recado.store.verbs.privacy.sweeping import SWEEPS

_SQL = statements("privacy")


#: Deliveries that can be accepted for somebody while they are being erased.
_MANY: Final = 1_000


class _Done(NamedTuple):
    """What a step has done, and where its stage goes on; None at its end."""

    rows: int
    after: list[Any] | None = None
    sending: int = 0
    #: Whether something has come for them since, so that it is to be done again.
    again: bool = False


_Stage = Callable[[Session, Person, Sequence[Any], int, int], Awaitable[_Done]]


async def erase(  # noqa: PLR0913 - the port's verb
    db: Session, bot: str, subject: Subject, now: int, *, after: str | None, limit: int
) -> Erased:
    """One step; see the port."""
    stage, position = json.loads(after) if after else (0, [])
    person = await persons.find(db, bot, subject)
    done = await _STAGES[stage](db, person, position, limit, now)
    if done.again:
        # What they had refused is kept by now.
        following: tuple[int, list[Any]] | None = (1, [])
    elif done.after is not None:
        following = (stage, done.after)
    else:
        following = (stage + 1, []) if stage + 1 < len(_STAGES) else None
    return Erased(
        rows=done.rows,
        sending=done.sending,
        after=None if following is None else rows.dumps(following),
    )


async def _remember_refusals(
    db: Session,
    person: Person,
    position: Sequence[Any],  # noqa: ARG001 - it is one step; so below
    limit: int,  # noqa: ARG001
    now: int,  # noqa: ARG001
) -> _Done:
    facts = await consent.facts(db, person.bot, person.known_as)
    kinds = [None, *sorted({each.category for each in facts if each.category is not None})]
    refused = [
        (category or "", held.at)
        for category in kinds
        if (held := holding(facts, category)) is not None and held.said is Said.OUT
    ]
    kept = [
        erasures.Refusal(identity, category, rows.micros(at))
        for identity in person.known_as
        for category, at in refused
    ]
    await erasures.keep(db, person.bot, kept)
    return _Done(0)


# -- private conversations -------------------------------------------------------------------


async def _cancel(
    db: Session, person: Person, position: Sequence[Any], limit: int, now: int
) -> _Done:
    """End what has not left, one conversation after the other."""
    index = position[0] if position else 0
    if index >= len(person.places):
        return _Done(0)
    place = person.places[index]
    await db.hold([place.number])
    ended, sending = await _end(db, place, limit, now)
    return _Done(ended, [index if ended + sending == limit > sending else index + 1])


async def _end(db: Session, place: Place, limit: int, now: int) -> tuple[int, int]:
    """Cancel up to *limit* deliveries; how many, and how many are being sent."""
    wanted = {"place": place.number, "limit": limit}
    live = await db.all(_SQL["deliveries"], wanted)
    await steering.cancel_many(db, [row["id"] for row in live], now, None)
    # What may have arrived is parked by that: nobody is to decide about it any more.
    left = {row["id"]: State(row["state"]) for row in await db.all(_SQL["deliveries"], wanted)}
    parked = [id_ for id_, state in left.items() if state is State.UNKNOWN]
    await lanes.finish(
        db, [lanes.Ending(each, State.CANCELLED, "cancelled", now) for each in parked]
    )
    sending = sum(state is State.SENDING for state in left.values())
    return len(live) - sending, sending


async def _blank_history(
    db: Session,
    person: Person,
    position: Sequence[Any],
    limit: int,
    now: int,  # noqa: ARG001 - as above
) -> _Done:
    """Take out of what was delivered where it can be found at the channel."""
    index, after = position or (0, "")
    if index >= len(person.places):
        return _Done(0)
    place = person.places[index]
    found = [row["id"] for row in await db.all(_SQL["history"], (place.number, after, limit))]
    for statement in (_SQL["blank_history"], _SQL["blank_attempts"], _SQL["drop_sends"]):
        await db.run_many(statement, [(each,) for each in found])
    last = [index, found[-1]] if len(found) == limit else [index + 1, ""]
    return _Done(len(found), last)


async def _clear_places(
    db: Session,
    person: Person,
    position: Sequence[Any],
    limit: int,  # noqa: ARG001 - a private conversation has few rows of each of these
    now: int,  # noqa: ARG001 - as above
) -> _Done:
    """What belongs to a conversation and is no delivery."""
    index = position[0] if position else 0
    if index >= len(person.places):
        return _Done(0)
    cleared = await _clear(db, person, person.places[index])
    return _Done(cleared, [index + 1])


async def _clear(db: Session, person: Person, place: Place) -> int:
    cleared = 0
    for statement in (
        _SQL["drop_firings"],
        _SQL["drop_watches"],
        _SQL["drop_schedule_lanes"],
        _SQL["drop_questions"],
        _SQL["drop_presence"],
        _SQL["drop_subscriptions"],
        _SQL["drop_audit"],
    ):
        cleared += await db.run(statement, (place.number,))
    for name in (place.id, place.pace_key):
        for statement in (_SQL["drop_pauses"], _SQL["drop_pace"], _SQL["drop_asks"]):
            cleared += await db.run(statement, (person.bot, name))
    for statement in (_SQL["drop_local_activities"], _SQL["drop_local_conversation"]):
        cleared += await db.run(statement, (place.conversation_id,))
    await db.run(_SQL["drop_turn"], (person.bot, place.channel, place.conversation_id))
    return cleared


# -- everything else -------------------------------------------------------------------------


async def _sweep(
    db: Session, person: Person, position: Sequence[Any], limit: int, now: int
) -> _Done:
    """Whatever names them anywhere."""
    index, after = position or (0, [])
    sweep = SWEEPS[index]
    found, last = await sweep.portion(db, person, after, limit)
    for row in found:
        await sweep.take_out(db, row, person, now)
    if last is not None:
        return _Done(len(found), [index, last])
    return _Done(len(found), [index + 1, []] if index + 1 < len(SWEEPS) else None)


async def _forget_who(
    db: Session,
    person: Person,
    position: Sequence[Any],  # noqa: ARG001 - as above
    limit: int,  # noqa: ARG001 - as above
    now: int,
) -> _Done:
    """By which names they are known, and which conversations are theirs."""
    await db.hold(person.numbers)
    # Something may have been accepted for them meanwhile. What is being sent now is waited for:
    # what the channel answers to it is about them as well.
    ends = [await _end(db, place, _MANY, now) for place in person.places]
    if sending := sum(each for _, each in ends):
        return _Done(0, [], sending)
    ended = sum(each for each, _ in ends)
    come = [await db.value(_SQL["come_since"], {"place": each}) for each in person.numbers]
    if ended or any(come):
        return _Done(ended, again=True)
    gone = 0
    for key in person.state_keys(await persons.groups_of(db, person)):
        gone += await db.run(_SQL["drop_states"], {"bot": person.bot, "key": key})
    set_by = [preferred_by(name) for name in person.names]
    set_by += [conversation(place.id) for place in person.places]
    for name in set_by:
        gone += await db.run(_SQL["drop_preferences"], (person.bot, name))
        gone += await db.run(_SQL["drop_counts"], (person.bot, name))
    for name in person.names:
        for statement in (_SQL["drop_consents"], _SQL["drop_consents_now"]):
            gone += await db.run(statement, (person.bot, name))
        for statement in (_SQL["drop_rosters"], _SQL["drop_from_groups"]):
            gone += await db.run(statement, {"bot": person.bot, "name": name})
    for number in person.numbers:
        gone += await db.run(_SQL["drop_members"], (number,))
        gone += await db.run(_SQL["erase_reference"], (number,))
    if gone:
        note = Note(kind=AuditKind.ERASED, detail={"conversations": len(person.places)})
        await audit.write(db, now, person.bot, None, note)
    return _Done(gone)


_STAGES: Final[Sequence[_Stage]] = (
    _remember_refusals,
    _cancel,
    _blank_history,
    _clear_places,
    _sweep,
    _forget_who,
)
