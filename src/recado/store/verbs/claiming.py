"""Claiming: which lanes are due, in fair turn, and the attempts begun in them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from recado.domain.delivery import OnUnknown, Priority
from recado.domain.notification import Action, Otherwise
from recado.domain.pause import PauseKind
from recado.domain.politeness import Rules
from recado.store.port import Claim, Cycled, Wanted
from recado.store.session import Session, statements
from recado.store.verbs import changing, gate, holding, lanes, pauses, rows, waiting
from recado.store.verbs.choosing import Choice, Way
from recado.store.verbs.keeping import Keeping
from recado.store.verbs.sight import Sight

_SQL = statements("delivery")

#: Lanes that are let on from waiting in one cycle, at most.
_AWAKENED: Final = 500
#: So many that have expired are replaced by what comes next in one cycle, or a few more.
_REPLACED: Final = 500
#: And so often: a long lane of what may not leave now is gone through one by one.
_ROUNDS: Final = 50


class _Head(NamedTuple):
    """What stands first in a lane, as the statement ``heads`` reads it."""

    id: str
    lane: int
    route: int
    #: The number of its notification.
    notification: int
    attempts: int
    priority: int
    expires_at: int | None
    target: str | None
    stopped: int
    conversation_id: str
    pace_key: str
    is_group: int
    address: str
    unmade: int
    remade: int
    tried_since: int | None
    head_since: int | None
    last_status: int | None
    strikes: int
    maybe_sent: int
    host_switched: int


#: Where in what stands in claims the handler is, and whether something is said at all.
_HANDLER: Final = Claim._fields.index("handler") - Claim._fields.index("notification_id")
_ACTION: Final = Claim._fields.index("action") - Claim._fields.index("notification_id")


class _Told(NamedTuple):
    """A notification."""

    #: The part of a claim that is its notification's.
    said: tuple[Any, ...]
    #: How it is to be delivered.
    manner: gate.Manner


async def claim(  # noqa: PLR0913, PLR0917 - a cycle's
    db: Session,
    owner: str,
    now: int,
    lease_until: int,
    wanted: Wanted,
    keeping: Keeping,
    sight: Sight,
) -> Cycled:
    """Claim what is due; see the port."""
    paused = await pauses.stopping(db, now)
    if any(each.kind is PauseKind.ALL for each in paused):
        return Cycled()
    awakened = await db.run(_SQL["awaken"], (now, _AWAKENED))
    fetched = await db.fetch(wanted.handlers or (), wanted.limit)
    halts = await holding.halts(db)
    rules = wanted.rules if halts.hours else wanted.rules.for_nobody
    choice = Choice(wanted, paused, keeping, fetched, sight)
    claims: list[Claim] = []
    token = None
    rounds = replaced = left = 0
    while replaced < _REPLACED and rounds < _ROUNDS:
        rounds += 1
        chosen = await choice.lanes(db, len(claims))
        if not chosen:
            break
        aside = await halts.put_aside(db, chosen)
        chosen = [lane for lane in chosen if lane not in aside] if aside else chosen
        found = await _heads(db, chosen)
        said = await _said(db, {head.notification for head in found})
        expired = [
            head
            for head in found
            if head.stopped or (head.expires_at is not None and head.expires_at <= now)
        ]
        gone = {head.lane for head in expired}
        gone |= await _kept_back(db, found, said, halts, rules, now, gone)
        alive = [head for head in found if head.lane not in gone] if gone else found
        others = await _others(db, alive, said, wanted.handlers)
        left += len(others)
        if others or keeping.abroad:
            others |= _foreign(alive, said, keeping.abroad)
            aside |= others
            alive = [head for head in alive if head.lane not in others]
        about = await _about(db, alive, now)
        waiting_for_copies = [head for head in alive if head.target and head.id not in about]
        if waiting_for_copies:
            gone |= {head.lane for head in waiting_for_copies}
            alive = [head for head in alive if head.lane not in gone]
        if alive:
            token = token or await lanes.take_numbers(db, "token")
            await _begin(db, alive, {"owner": owner, "token": token, "until": lease_until}, now)
            claims += _claims_of(alive, token, now, about, said, choice.ways)
        choice.give_back(aside.values())
        replaced += len(gone) + len(aside)
        if not (gone or aside):
            break
        # What stands behind them, or in other lanes, takes their place.
        outlived = [
            waiting.expired(each.id, maybe_sent=bool(each.maybe_sent), stopped=bool(each.stopped))
            for each in expired
        ]
        await waiting.outlive(db, outlived, now)
        await lanes.free(db, sorted(gone), now)
        choice.give_back(head.route for head in found if head.lane in gone)
    else:
        choice.more = True
    return Cycled(
        claims=claims,
        passed=tuple(choice.passed),
        more=choice.more or awakened == _AWAKENED or len(fetched) >= wanted.limit,
        left=left,
    )


async def _kept_back(  # noqa: PLR0913, PLR0917 - everything it depends on
    db: Session,
    heads: Iterable[_Head],
    said: Mapping[int, _Told],
    halts: holding.Halts,
    rules: Rules,
    now: int,
    gone: Collection[int],
) -> set[int]:
    """Take out of their lanes what is paused, or would be impolite now; the lanes.

    Beside *gone* ones.
    """
    heads = [head for head in heads if head.lane not in gone]
    held: list[_Head] = []
    if halts.notifications:
        held = [h for h in heads if said[h.notification].said[0] in halts.notifications]
        await holding.hold(db, [head.id for head in held])
    paused = {head.lane for head in held}
    left = [head for head in heads if head.lane not in paused] if paused else heads
    return paused | set(await gate.stop(db, _leaving(left, said), rules, now))


async def _heads(db: Session, chosen: Sequence[int]) -> list[_Head]:
    found = await db.value(_SQL["heads"], {"lanes": rows.dumps(chosen)})
    return [_Head._make(values) for values in json.loads(found)]


async def _said(db: Session, numbers: Iterable[int]) -> dict[int, _Told]:
    """What notifications say, and how; each by its number."""
    found = await db.value(_SQL["said"], {"numbers": rows.dumps(list(numbers))})
    return {number: _told(*told) for number, *told in json.loads(found)}


def _told(  # noqa: PLR0913, PLR0917 - a row
    id_: str,
    accepted_at: int,
    on_unknown: str,
    action: str,
    otherwise: str | None,
    content: str | None,
    handler: str | None,
    value: str | None,
    value_type: str | None,
    user: str | None,
    opens_thread: int,
    bot: str,
    mode: str,
    quiet: int | None,
    max_wait: int | None,
    category: str | None,
    due_at: int,
    asked_at: int | None,
    watch: int | None,
    asks: int,
) -> _Told:
    said = (
        id_,
        rows.instant(accepted_at),
        OnUnknown(on_unknown),
        Action(action),
        None if otherwise is None else Otherwise(otherwise),
        content,
        handler,
        value,
        value_type,
        user,
        bool(opens_thread),
        bool(asks),
    )
    manner = gate.Manner(
        bot, mode, quiet, max_wait, category, accepted_at, due_at, asked_at, watch, user
    )
    return _Told(said, manner)


async def _others(
    db: Session,
    heads: Iterable[_Head],
    said: Mapping[int, _Told],
    handlers: Collection[str] | None,
) -> dict[int, int]:
    """Leave turns that need another handler to those who have it: their lanes, with the routes.

    To make the conversation of a turn needs none.
    """
    if handlers is None:
        return {}
    needed = {number: each.said[_HANDLER] for number, each in said.items()}
    foreign = {
        number: name for number, name in needed.items() if name is not None and name not in handlers
    }
    if not foreign:
        return {}
    found = [head for head in heads if head.notification in foreign and not head.unmade]
    left = await db.leave({head.lane: foreign[head.notification] for head in found})
    return {head.lane: head.route for head in found if head.lane in left}


def _foreign(
    heads: Iterable[_Head], said: Mapping[int, _Told], abroad: Collection[int]
) -> dict[int, int]:
    """What is left to the keeper of its scope: their lanes, with the routes.

    A turn may run anywhere: what it sends is asked leave for.
    """
    return {
        head.lane: head.route
        for head in heads
        if head.route in abroad and (head.unmade or said[head.notification].said[_HANDLER] is None)
    }


def _leaving(heads: Iterable[_Head], said: Mapping[int, _Told]) -> list[gate.Leaving]:
    """What is about to say something; to change what was said disturbs nobody.

    An update that is sent in the place of what it updates says something.
    """
    return [
        gate.Leaving(
            head.id,
            head.lane,
            head.priority,
            bool(head.is_group),
            bool(head.maybe_sent),
            said[head.notification].manner,
        )
        for head in heads
        if said[head.notification].said[_ACTION] is Action.SEND or head.target is None
    ]


async def _begin(db: Session, heads: Sequence[_Head], lease: Mapping[str, Any], now: int) -> None:
    """Commit the attempts of *heads*, and take their lanes."""
    claimed = {head.lane: head.id for head in heads}
    await db.run(_SQL["lease"], {**lease, "claimed": rows.dumps(claimed)})
    await db.run(_SQL["begin"], {"now": now, "heads": rows.dumps(list(claimed.values()))})


async def _about(db: Session, heads: Sequence[_Head], now: int) -> dict[str, str | None]:
    """Activities that changes among *heads* are about; a change not named cannot leave now."""
    ids = [head.id for head in heads if head.target]
    return await changing.ready(db, ids, now) if ids else {}


def _claims_of(  # noqa: PLR0913, PLR0917 - everything a claim is put together from
    heads: Iterable[_Head],
    token: int,
    now: int,
    about: Mapping[str, str | None],
    said: Mapping[int, _Told],
    ways: Mapping[int, Way],
) -> Iterator[Claim]:
    """Claims, their fields in order: by name it would take three times as long."""
    started_at = rows.instant(now)
    first_time = (started_at, started_at, None, 0, False, False)
    for head in heads:
        before = head[_BEFORE:]
        yield Claim._make(
            (
                head.id,
                head.lane,
                token,
                head.attempts + 1,
                started_at,
                _PRIORITIES[head.priority],
                rows.maybe_instant(head.expires_at),
                head.target,
                about.get(head.id),
                head.conversation_id,
                head.pace_key,
                bool(head.is_group),
                head.address,
                bool(head.unmade),
                bool(head.remade),
                *(first_time if before == _NOTHING_BEFORE else _came_before(head, now)),
                *said[head.notification].said,
                *ways[head.route],
            )
        )


#: Looked up, because making one anew for each delivery costs more than the rest of it.
_PRIORITIES: Final = {int(each): each for each in Priority}
#: Where in a head that begins which tells of earlier attempts, and what it is without any.
_BEFORE: Final = _Head._fields.index("tried_since")
_NOTHING_BEFORE: Final = (None, None, None, 0, 0, 0)


def _came_before(head: _Head, now: int) -> tuple[datetime, datetime, int | None, int, bool, bool]:
    return (
        rows.instant(now if head.tried_since is None else head.tried_since),
        rows.instant(now if head.head_since is None else head.head_since),
        head.last_status,
        head.strikes,
        bool(head.maybe_sent),
        bool(head.host_switched),
    )
