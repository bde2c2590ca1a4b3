"""Changes: updates and recalls of what was said.

A change is one row when it is accepted. Its deliveries are made in steps over the copies of its
original, and looked at once more when they are about to leave. What a change does about a copy
is for :mod:`recado.domain.changing` to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from recado.domain import changing
from recado.domain.changing import Step
from recado.domain.delivery import HeldReason, State
from recado.domain.ids import new_id
from recado.domain.notification import Action, Changes, Notification
from recado.domain.reference import Health
from recado.domain.standing import TURN_LIMIT, begins
from recado.errors import TransitionRefused, UnknownNotification
from recado.store.port import Accepted
from recado.store.session import Row, Session, held, statements
from recado.store.verbs import lanes, rows

_SQL = statements("changing")

#: Copies that are looked at when a change is accepted, so that a change of few is made at once.
_AT_ONCE: Final = 20

_TURN_LIMIT: Final = TURN_LIMIT // timedelta(microseconds=1)
_LOOK_AGAIN: Final = changing.LOOK_AGAIN // timedelta(microseconds=1)


# -- acceptance ------------------------------------------------------------------------------


async def accept(db: Session, change: Notification) -> tuple[int, Accepted]:
    """Commit a change; its number, and what was accepted.

    A second recall finds the first one; an update of what was recalled is refused.
    """
    root = await db.value(_SQL["original"], (change.target, change.bot))
    if root is None:
        raise UnknownNotification(f"There is no notification {change.target}.")
    # What others are making for it is committed before this looks at how far they have come.
    await db.all(_SQL["family"], {"root": root})
    recalled = await db.first(_SQL["recalled"], (root,))
    if recalled is not None:
        return recalled["number"], await _recalled(db, change, recalled)
    now = rows.micros(change.accepted_at)
    number: int = await db.value(
        _SQL["insert"],
        {
            "id": change.id,
            "content": change.content.json if change.content else "{}",
            "now": now,
            "after_turn": change.after_turn,
            "after_turn_lane": change.after_turn_lane,
            "action": str(change.action),
            "otherwise": str(change.otherwise),
            "root": root,
        },
    )
    family = {"root": root, "change": number}
    if change.action is Action.UPDATE:
        await db.run(_SQL["take_over"], family)
        await db.run(_SQL["pause_too"], {"id": change.id, "root": root})
    await db.run(_SQL["stop_others"], family)
    row = await db.one(_SQL["change"], (number,))
    many = await _step(db, row, now, _AT_ONCE)
    whole = many < _AT_ONCE and row["expand_after"] is None
    return number, Accepted(
        notification_id=change.id,
        delivery_ids=await own(db, number) if whole else (),
        accepted_at=change.accepted_at,
    )


async def _recalled(db: Session, change: Notification, recalled: Row) -> Accepted:
    if change.action is not Action.RECALL:
        raise TransitionRefused(
            f"Notification {change.target} was recalled: send a new one instead of changing it."
        )
    return Accepted(
        notification_id=recalled["id"],
        delivery_ids=await own(db, recalled["number"]),
        accepted_at=rows.instant(recalled["accepted_at"]),
        replayed=True,
    )


async def own(db: Session, change: int) -> tuple[str, ...]:
    """Ids of a change's deliveries; none are named of a great many."""
    ids = [row[0] for row in await db.all(_SQL["own"], {"change": change, "most": _AT_ONCE + 1})]
    return tuple(ids) if len(ids) <= _AT_ONCE else ()


# -- steps over the copies -------------------------------------------------------------------


async def expand(db: Session, now: int, limit: int) -> int:
    """Look at up to *limit* copies that are to be changed; how many there were."""
    seen = 0
    while seen < limit and (change := await db.first(_SQL["changing"])) is not None:
        seen += await _step(db, change, now, limit - seen)
    return seen


class _Change(NamedTuple):
    """The delivery of a change for one copy, as it is inserted."""

    id: str
    lane: int
    state: State
    reason: str | None
    due_at: int | None
    turn: str | None
    copy: str


async def _step(db: Session, change: Row, now: int, limit: int) -> int:
    """Do what is to be done about the next copies; how many were looked at."""
    action = Action(change["action"])
    cut = {"root": change["target"], "change": change["number"], "limit": limit}
    copies = await held(db, _SQL["copies"], {**cut, "after": change["copies_after"]})
    made: list[_Change] = []
    unsent: list[Row] = []
    refused: list[str] = []
    for copy in copies:
        match changing.step(State(copy["state"]), maybe_sent=bool(copy["maybe_sent"])):
            case Step.REPLACE:
                unsent.append(copy)
            case Step.CHANGE if copy["followed"] and action is Action.UPDATE:
                pass  # the message that followed it is a copy of its own
            case Step.CHANGE:
                made.append(_standing(copy, change, now))
            case Step.BEHIND:
                made.append(_behind(copy, change, now))
            case Step.REFUSE:
                made.append(_Change(new_id(), copy["reference"], *_PENDING, copy["id"]))
                refused.append(made[-1].id)
            case Step.NOTHING:
                pass
    if made:
        await _insert(db, change, made)
    ended = [lanes.Ending(each, State.REJECTED, changing.COPY_UNKNOWN, now) for each in refused]
    await lanes.finish(db, ended)
    entering = [
        each.lane for each in made if each.state is State.PENDING and each.id not in refused
    ]
    entering += await _replace(db, change, action, unsent, now)
    if entering:
        await lanes.enter(db, entering, change["priority"], now)
    reached = copies[-1]["id"] if len(copies) == limit else None
    await db.run(_SQL["looked_at"], (reached, change["number"]))
    return len(copies)


_PENDING: Final = (State.PENDING, None, None, None)


def _standing(copy: Row, change: Row, now: int) -> _Change:
    """The change of a copy the channel has: due now, in the copy's lane."""
    lane = copy["reference"]
    own = change["after_turn"] is not None and lane == change["after_turn_lane"]
    reachable = Health(copy["health"]).reachable
    state, reason = begins(due=True, in_own_turn=own, reachable=reachable)
    busy = reason is HeldReason.BUSY
    due = now + _TURN_LIMIT if busy else None
    turn = change["after_turn"] if busy else None
    return _Change(new_id(), lane, state, reason, due, turn, copy["id"])


def _behind(copy: Row, change: Row, now: int) -> _Change:
    """The change of a copy that may be on its way."""
    behind = changing.behind(State(copy["state"]), copy["reason"])
    if not behind.with_copy:
        return _standing(copy, change, now)
    due = _due(behind, copy, now)
    lane = copy["reference"]
    return _Change(new_id(), lane, behind.state, behind.reason, due, None, copy["id"])


async def _insert(db: Session, change: Row, made: Sequence[_Change]) -> None:
    await db.run(
        _SQL["insert_deliveries"],
        {
            "change": change["number"],
            "priority": change["priority"],
            "rank": int(change["priority"] > 0),
            # They stand behind what is in the lanes now.
            "entry": await lanes.take_numbers(db, "entry"),
            "rows": rows.dumps(made),
        },
    )


async def _replace(
    db: Session,
    change: Row,
    action: Action,
    unsent: Sequence[Row],
    now: int,
) -> list[int]:
    """End copies that have not left, and send an update in their place; the lanes it stands in."""
    if not unsent:
        return []
    entering = []
    if action is Action.UPDATE:
        places = [changing.in_place_of(State(copy["state"]), copy["reason"]) for copy in unsent]
        made = [
            (new_id(), copy["id"], place.state, place.reason, _due(place, copy, now))
            for copy, place in zip(unsent, places, strict=True)
        ]
        wanted = {"change": change["number"], "rows": rows.dumps(made)}
        await db.run(_SQL["insert_in_place"], wanted)
        await keep_copies(db, change["target"], [each[0] for each in made])
        # Of what ends here nothing is left to find for a later change.
        ended = [(change["target"], copy["id"]) for copy in unsent]
        await db.run_many(_SQL["drop_copy"], ended)
        entering = [
            copy["reference"]
            for copy, place in zip(unsent, places, strict=True)
            if place.state is State.PENDING
        ]
    state, reason = changing.ended_by(action)
    await lanes.finish(db, [lanes.Ending(copy["id"], state, reason, now) for copy in unsent])
    for copy in unsent:
        if copy["state"] == State.RETRYING:
            await lanes.leave(db, copy["id"], copy["reference"], now)
    await lanes.tidy(db, [copy["reference"] for copy in unsent if copy["state"] == State.PENDING])
    return entering


async def keep_copies(db: Session, root: int, ids: Sequence[str]) -> None:
    """Deliveries of a change that say something themselves: later changes are about them too."""
    await db.run_many(_SQL["keep_copy"], [(root, each) for each in ids])


def _placed(place: changing.Standing, copy: Row, now: int) -> dict[str, Any]:
    due = _due(place, copy, now)
    return {"state": str(place.state), "reason": place.reason, "due_at": due}


def _due(place: changing.Standing, copy: Row, now: int) -> int | None:
    due: int | None = copy["due_at"] if place.with_copy else None
    return now + _LOOK_AGAIN if due is None and place.again else due


# -- when a change is about to leave ---------------------------------------------------------


async def ready(db: Session, ids: Sequence[str], now: int) -> dict[str, str | None]:
    """Which of these deliveries may leave, and the activity each of them is about.

    What cannot leave has been moved out of the way: its copy may have to go first, or there is
    nothing to change any more.
    """
    found = await db.all(_SQL["targets"], (rows.dumps(list(ids)),))
    going: dict[str, str | None] = {}
    for row in found:
        if row["later"] is not None:
            _, reason = changing.ended_by(Action(row["later"]))
            await lanes.finish(db, [lanes.Ending(row["id"], State.SUPERSEDED, reason, now)])
            continue
        state = None if row["state"] is None else State(row["state"])
        step = changing.step(state, maybe_sent=bool(row["maybe_sent"])) if state else Step.NOTHING
        match step:
            case Step.CHANGE:
                going[row["id"]] = changing.message_to_change(
                    Action(row["action"]),
                    row["activity_id"],
                    follow_up=row["follow_up"],
                    sends=row["sends"],
                )
            case Step.BEHIND:
                await _wait_for_copy(db, row, now)
            case Step.REPLACE:
                await _take_its_place(db, row, now)
            case Step.REFUSE:
                await _end(db, row, State.REJECTED, changing.COPY_UNKNOWN, now)
            case Step.NOTHING:
                await _end(db, row, State.CANCELLED, changing.NOTHING_TO_CHANGE, now)
    return going


async def _end(db: Session, row: Row, state: State, reason: str, now: int) -> None:
    await lanes.finish(db, [lanes.Ending(row["id"], state, reason, now)])


async def _wait_for_copy(db: Session, row: Row, now: int) -> None:
    """Its copy has left the lane, or stands behind it, and may have arrived: it goes first."""
    behind = changing.behind(State(row["state"]), row["reason"])
    if behind.with_copy:
        await db.run(_SQL["wait_for_copy"], {"id": row["id"], **_placed(behind, row, now)})
    else:
        await lanes.enter_waiting(db, [row["id"]], now)


async def _take_its_place(db: Session, row: Row, now: int) -> None:
    """Its copy was not sent after all."""
    state, reason = changing.ended_by(Action(row["action"]))
    if Action(row["action"]) is Action.UPDATE:
        place = changing.in_place_of(State(row["state"]), row["reason"])
        become = {"id": row["id"], "copy": row["copy"], **_placed(place, row, now)}
        await db.run(_SQL["become_copy"], become)
        await keep_copies(db, row["root"], [row["id"]])
    else:
        await _end(db, row, State.CANCELLED, changing.NOTHING_TO_CHANGE, now)
    await lanes.finish(db, [lanes.Ending(row["copy"], state, reason, now)])


# -- looking ---------------------------------------------------------------------------------


async def tally(db: Session, change: int, action: Action, root: int) -> Changes:
    """What a change has done so far."""
    found = await db.one(_SQL["tally"], (change,))
    if action is Action.UPDATE:
        unsent = await db.value(_SQL["sent_in_place"], {"change": change})
    else:
        unsent = await db.value(_SQL["recalled_unsent"], {"root": root})
    return Changes(
        changed=found["changed"],
        unsent=unsent,
        followed=found["followed"],
        refused=found["refused"],
    )


# -- what channels cannot do -----------------------------------------------------------------


async def learn_unable(db: Session, channel: str, action: Action, now: int) -> None:
    await db.run(_SQL["learn_unable"], (channel, str(action), now))


async def unable(db: Session, since: int) -> Mapping[tuple[str, Action], datetime]:
    found = await db.all(_SQL["unable"], (since,))
    return {(row["channel"], Action(row["action"])): rows.instant(row["since"]) for row in found}
