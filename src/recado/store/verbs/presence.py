"""Presence: what goes on in conversations, and what waits for a good moment in them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from recado.domain.politeness.busy import NOTHING, WAITING_MODES, Doing, Wish, busy
from recado.domain.reference import ConversationKey
from recado.store.port.presence import Mark
from recado.store.session import Row, Session, held, statements
from recado.store.verbs import lanes, rows

_SQL = statements("presence")

#: In the column ``dialog_since``: no dialog waits.
_NO_DIALOG: Final = 0


class _Told(NamedTuple):
    """What marks say of one conversation, as the statement ``mark`` reads it."""

    bot: str
    channel: str
    conversation_id: str
    spoke_at: int
    began_at: int
    heard_at: int
    #: JSON: turns with since when and until when they run; null for those that ended.
    turns: str
    dialog_since: int | None


class Marked(NamedTuple):
    """What has become of marks."""

    #: So many deliveries may go on.
    released: int
    #: In these conversations others may have to: they were held while this was written.
    again: Collection[int]


async def mark(db: Session, marks: Sequence[Mark], now: int) -> Marked:
    """Take in what turns tell.

    A conversation is held only if something waits in it, because whoever would deliver there
    passes over what is held. And it is held first: who delivers does so in that order, too.
    """
    told = {"told": rows.dumps(_together(marks, now)), "now": now}
    ended = rows.dumps([_name(each) for each in {each.key for each in marks if each.until is None}])
    expecting = await _expecting(db, ended)
    await db.hold(expecting)
    await db.all(_SQL["mark"], told)
    return Marked(await let_go(db, expecting, now), await _expecting(db, ended) - expecting)


async def _expecting(db: Session, ended: str) -> set[int]:
    if ended == "[]":
        return set()
    return {row["reference"] for row in await db.all(_SQL["expecting"], (ended,))}


def _name(key: ConversationKey) -> tuple[str, str, str]:
    return (
        str(rows.clean(key.bot)),
        str(rows.clean(key.channel)),
        str(rows.clean(key.conversation_id)),
    )


def _together(marks: Sequence[Mark], now: int) -> list[_Told]:
    """Each conversation once: a row is written once in a statement."""
    of_each: dict[ConversationKey, list[Mark]] = {}
    for each in marks:
        of_each.setdefault(each.key, []).append(each)
    return [_of_one(key, some, now) for key, some in of_each.items()]


def _of_one(key: ConversationKey, marks: Sequence[Mark], now: int) -> _Told:
    spoke_at = began_at = heard_at = 0
    turns: dict[str, list[int] | None] = {}
    dialog: int | None = None
    for each in marks:
        began = rows.micros(each.began_at)
        ended = each.until is None
        turns[each.turn] = None if each.until is None else [began, rows.micros(each.until)]
        if each.spoke:
            spoke_at = max(spoke_at, began)
            began_at = max(began_at, began)
        if ended and each.heard:
            heard_at = max(heard_at, began)
        if each.dialog is not None:
            dialog = now if each.dialog else _NO_DIALOG
    name = str(rows.clean(key.bot)), str(rows.clean(key.channel))
    conversation_id = str(rows.clean(key.conversation_id))
    return _Told(*name, conversation_id, spoke_at, began_at, heard_at, rows.dumps(turns), dialog)


async def let_go(db: Session, numbers: Collection[int], now: int) -> int:
    """Let what waits for a good moment go on where it has come; how many did."""
    if not numbers:
        return 0
    found = await held(db, _SQL["waiting"], (rows.dumps(sorted(numbers)),))
    if not found:
        return 0
    there = await doings(db, numbers)
    moment = rows.instant(now)
    free: list[Row] = []
    later: dict[str, int | None] = {}
    for row in found:
        if row["mode"] not in WAITING_MODES:
            continue
        keeps = busy(_wish(row), there.get(row["reference"], NOTHING), moment)
        if keeps is None:
            free.append(row)
        elif row["until"] != (until := rows.maybe_micros(keeps.until)):
            # It was held for something else, which had another end.
            later[row["id"]] = until
    if later:
        await db.run(_SQL["put_off"], (rows.dumps(later),))
    here = await lanes.hold_for_the_gone(db, [row["id"] for row in free])
    if not here:
        return 0
    places = {id_: place for id_, place in _places(free).items() if id_ in here}
    await db.run(_SQL["let_go"], (rows.dumps(places),))
    await lanes.enter_again(db, here, now)
    return len(here)


def _places(free: Sequence[Row]) -> dict[str, int]:
    """Where each goes on in its lane: in its own place, before what was accepted since.

    What leaves at the end of a turn is before the others that were let go with it.
    """
    first: dict[int, int] = {}
    for row in free:
        if row["mode"] != "next_turn":
            first.setdefault(row["reference"], row["entry"])
    return {
        row["id"]: row["entry"]
        if row["mode"] != "next_turn" or row["reference"] not in first
        else min(row["entry"], first[row["reference"]] - 1)
        for row in free
    }


def _wish(row: Row) -> Wish:
    return wish(row["mode"], row["quiet"], row["max_wait"], max(row["accepted_at"], row["due_at"]))


def wish(mode: str, quiet: int | None, max_wait: int | None, ready_at: int) -> Wish:
    """For what a delivery waits, of what its notification's row says."""
    return Wish(
        mode=mode,
        ready_at=rows.instant(ready_at),
        quiet=rows.maybe_length(quiet),
        max_wait=rows.maybe_length(max_wait),
    )


async def doings(db: Session, numbers: Collection[int]) -> Mapping[int, Doing]:
    """What goes on in these conversations; nothing, in those that are missing."""
    found = await db.all(_SQL["doings"], (rows.dumps(sorted(numbers)),))
    return {row["reference"]: _doing(row) for row in found}


async def doings_now(db: Session, numbers: Collection[int]) -> Mapping[int, Doing]:
    """The same, of which nothing changes until the transaction ends."""
    missing = set(numbers) - (await doings(db, numbers)).keys()
    if missing:
        await db.run(_SQL["be_there"], (rows.dumps(sorted(missing)),))
    found = await db.all(_SQL["doings_now"], (rows.dumps(sorted(numbers)),))
    return {row["reference"]: _doing(row) for row in found}


def _doing(row: Row) -> Doing:
    turns: dict[str, Any] = json.loads(row["turns"])
    running = [each for each in turns.values() if each is not None]
    return Doing(
        spoke_at=rows.maybe_instant(row["spoke_at"] or None),
        began_at=rows.maybe_instant(row["began_at"] or None),
        turn_since=rows.instant(min(each[0] for each in running)) if running else None,
        turn_until=rows.instant(max(each[1] for each in running)) if running else None,
        dialog_since=rows.maybe_instant(row["dialog_since"] or None),
        busy_since=rows.maybe_instant(row["busy_since"] or None),
        busy_until=rows.maybe_instant(row["busy_until"] or None),
    )


async def be_busy(db: Session, key: ConversationKey, until: int | None, now: int) -> int | None:
    """See the port; how many deliveries may go on, None if the conversation is not known."""
    bot, channel, conversation_id = _name(key)
    told = {
        "bot": bot,
        "channel": channel,
        "conversation": conversation_id,
        "since": 0 if until is None else now,
        "until": 0 if until is None else until,
        "now": now,
    }
    if until is None:
        # As above: what waits is held before it is told for what.
        await db.hold(await _expecting(db, rows.dumps([_name(key)])))
    found = await db.first(_SQL["be_busy"], told)
    if found is None:
        return None
    return 0 if until is not None else await let_go(db, [found["reference"]], now)
