"""Acceptance: a notification, its deliveries, and the expansion of broadcasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from recado.domain.audience import Broadcast, written
from recado.domain.delivery import HeldReason, State
from recado.domain.expecting import is_expected
from recado.domain.ids import new_ids
from recado.domain.notification import Action, Notification
from recado.domain.question import Question
from recado.domain.reference import Health, Reference
from recado.domain.standing import ENQUEUED, TURN_LIMIT, begins
from recado.errors import IdempotencyConflict, InvalidAudience
from recado.store.port import Accepted
from recado.store.session import Row, Session, statements
from recado.store.verbs import audiences, changing, expecting, lanes, once, rows
from recado.store.verbs.collapsing import Version, collapse

_SQL = statements("acceptance")

_TURN_LIMIT = TURN_LIMIT // timedelta(microseconds=1)


async def accept(
    db: Session,
    notification: Notification,
    recipients: Sequence[Reference],
    *,
    apart: bool = False,
) -> Accepted:
    """Commit a notification; see the port.

    Args:
        db: the database.
        notification: what is to be said.
        recipients: where.
        apart: in a transaction of somebody else's, which nobody is to wait for: rows are inserted
            and none is locked. Its deliveries wait outside their lanes for :func:`expand`.
    """
    if notification.action is not Action.SEND:
        return await _accept_change(db, notification)
    broadcast = isinstance(notification.audience, Broadcast)
    if not broadcast and not recipients:
        raise InvalidAudience("The audience is empty: name at least one conversation or person.")
    replayed = await _replay(db, notification)
    if replayed is not None:
        return replayed
    entry = await lanes.take_numbers(db, "entry")
    everywhere = broadcast and not recipients
    number = await _insert(db, notification, entry, everywhere=everywhere, later=apart)
    await audiences.begin(db, number, notification)
    await _keep_key(db, notification, number)
    if notification.once is not None:
        await once.keep(db, number, notification.once)
    shared = _Shared(
        notification=number,
        version=number,
        bot=notification.bot,
        priority=int(notification.priority),
        entry=entry,
        now=rows.micros(notification.accepted_at),
        due_at=rows.micros(notification.due_at),
        expires_at=rows.maybe_micros(notification.expires_at),
        collapse_key=notification.collapse_key,
        after_turn=notification.after_turn,
        after_turn_lane=notification.after_turn_lane,
    )
    reached = [recipient.number for recipient in recipients]
    if apart:
        ids = await _set_apart(db, shared, reached)
    else:
        await db.hold(reached)
        ids = await _deliver(db, shared, await audiences.with_health(db, reached))
        if any(is_expected(recipient.key) for recipient in recipients):
            await expecting.look_again(db, reached, shared.now)
    return Accepted(
        notification_id=notification.id,
        delivery_ids=tuple(ids),
        accepted_at=notification.accepted_at,
    )


async def _accept_change(db: Session, change: Notification) -> Accepted:
    replayed = await _replay(db, change)
    if replayed is not None:
        return replayed
    number, accepted = await changing.accept(db, change)
    await _keep_key(db, change, number)
    return accepted


async def _keep_key(db: Session, notification: Notification, number: int) -> None:
    if notification.key is None:
        return
    await db.run(
        _SQL["keep_key"],
        (
            notification.bot,
            notification.key_scope,
            notification.key,
            notification.fingerprint(),
            number,
            rows.micros(notification.accepted_at),
        ),
    )


async def _replay(db: Session, notification: Notification) -> Accepted | None:
    if notification.key is None:
        return None
    wanted = (notification.bot, notification.key_scope, notification.key)
    known = await db.first(_SQL["known_key"], wanted)
    if known is None:
        return None
    if known["fingerprint"] != notification.fingerprint():
        raise IdempotencyConflict(notification.key)
    return Accepted(
        notification_id=known["id"],
        delivery_ids=await _known_ids(db, notification, known["notification"]),
        accepted_at=rows.instant(known["accepted_at"]),
        replayed=True,
    )


async def _known_ids(db: Session, notification: Notification, number: int) -> tuple[str, ...]:
    if notification.action is not Action.SEND:
        return await changing.own(db, number)
    if isinstance(notification.audience, Broadcast):
        return ()
    return tuple(row[0] for row in await db.all(_SQL["delivery_ids"], {"notification": number}))


async def _insert(
    db: Session, notification: Notification, entry: int, *, everywhere: bool, later: bool
) -> int:
    until = None
    later = later or everywhere
    if everywhere:
        until = await db.value(_SQL["last_reference"], (notification.bot,))
    turn = notification.turn
    number: int = await db.value(
        _SQL["insert"],
        (
            notification.id,
            notification.bot,
            rows.dumps(written(notification.audience)),
            notification.content.json if notification.content else None,
            turn.handler if turn else None,
            rows.maybe_dumps(turn.value) if turn else None,
            turn.value_type if turn else None,
            rows.maybe_dumps(notification.user),
            int(notification.priority),
            str(notification.on_unknown),
            notification.mode,
            notification.category,
            notification.collapse_key,
            rows.micros(notification.accepted_at),
            rows.micros(notification.due_at),
            rows.maybe_micros(notification.expires_at),
            entry,
            0 if until else None,
            until,
            notification.after_turn if later else None,
            notification.after_turn_lane if later else None,
            rows.maybe_micros_of(notification.quiet),
            rows.maybe_micros_of(notification.max_wait),
            rows.maybe_micros(notification.asked_at),
            notification.watch,
            *_asking(notification.question),
        ),
    )
    return number


def _asking(question: Question | None) -> tuple[str | None, str | None, int | None, str | None]:
    """Who hears the answer to what is asked, as the columns have it."""
    if question is None:
        return None, None, None, None
    value, within = rows.maybe_dumps(question.value), rows.maybe_micros_of(question.within)
    return question.handler, value, within, question.mark


class _Standing(NamedTuple):
    """Where a delivery begins: its state, what holds it, and until when."""

    state: State
    reason: str | None
    due_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What the deliveries of one notification have in common."""

    notification: int
    #: Tells older from newer among notifications with one collapse key: an update's is that of
    #: its original, because it says nothing that is newer than what was said since.
    version: int
    bot: str
    priority: int
    entry: int
    now: int
    due_at: int
    expires_at: int | None
    collapse_key: str | None
    after_turn: str | None
    after_turn_lane: int | None

    def standing(self, lane: int, health: str) -> _Standing:
        """Where a delivery begins: its state, what holds it, and until when."""
        state, reason = begins(
            due=self.due_at <= self.now,
            in_own_turn=self.after_turn is not None and lane == self.after_turn_lane,
            reachable=Health(health).reachable,
        )
        if state is State.SCHEDULED:
            return _Standing(state, reason, self.due_at)
        until = self.now + _TURN_LIMIT if reason is HeldReason.BUSY else None
        return _Standing(state, reason, until)


async def _deliver(
    db: Session,
    shared: _Shared,
    recipients: Sequence[tuple[int, str]],
    ids: Sequence[str] | None = None,
) -> list[str]:
    """Make deliveries, in their lanes or waiting outside; each recipient is (lane, health)."""
    ids = new_ids(len(recipients)) if ids is None else ids
    made = list(zip(ids, [lane for lane, _ in recipients], strict=True))
    # Mostly all of them begin alike, and what they have in common need not be taken out of JSON.
    beginnings: dict[_Standing, dict[str, int]] = {}
    of_health: dict[tuple[str, bool], dict[str, int]] = {}
    for (delivery_id, lane), (_, health) in zip(made, recipients, strict=True):
        alike = of_health.get((health, lane == shared.after_turn_lane))
        if alike is None:
            alike = beginnings.setdefault(shared.standing(lane, health), {})
            of_health[health, lane == shared.after_turn_lane] = alike
        alike[delivery_id] = lane
    for standing, some in beginnings.items():
        await _insert_deliveries(db, shared, standing, some)
    again = await once.suppress_duplicates(db, shared.notification, made, shared.now)
    for standing, some in beginnings.items():
        if standing.state is State.PENDING:
            entering = [lane for each, lane in some.items() if each not in again]
            await lanes.enter(db, entering, shared.priority, shared.now)
    going = [each for each in made if each[0] not in again] if again else made
    if shared.collapse_key is not None:
        version = Version(shared.bot, shared.collapse_key, shared.version)
        for delivery_id, lane in going:
            await collapse(db, version, delivery_id, lane, shared.now)
    return [delivery_id for delivery_id, _ in made]


async def _insert_deliveries(
    db: Session, shared: _Shared, standing: _Standing, some: Mapping[str, int]
) -> None:
    """Deliveries that begin alike, each by its id with its lane."""
    await db.run(
        _SQL["insert_deliveries"],
        {
            "notification": shared.notification,
            "priority": shared.priority,
            "rank": int(shared.priority > 0),
            "entry": shared.entry,
            "expires_at": shared.expires_at,
            "state": str(standing.state),
            "reason": standing.reason,
            "due_at": standing.due_at,
            "turn": shared.after_turn if standing.reason is HeldReason.BUSY else None,
            "deliveries": rows.dumps(some),
        },
    )


async def _set_apart(db: Session, shared: _Shared, reached: Sequence[int]) -> list[str]:
    """Make deliveries that wait for :func:`_take_up`.

    Whether a conversation can be spoken in is not asked now: who would be told that it has come
    back before this is committed?
    """
    ids = new_ids(len(reached))
    standing = _Standing(State.SCHEDULED, ENQUEUED, shared.now)
    await _insert_deliveries(db, shared, standing, dict(zip(ids, reached, strict=True)))
    return ids


async def expand(db: Session, now: int, limit: int) -> int:
    """Take up to *limit* steps of what was enqueued, changes, and the oldest broadcasts.

    What was enqueued gets half of them, and of the rest changes do, so that none keeps the others
    waiting.
    """
    made = await _take_up(db, now, -(-limit // 2))
    made += await changing.expand(db, now, -(-(limit - made) // 2))
    while made < limit and (row := await db.first(_SQL["expanding"])) is not None:
        made += await _expand(db, row, now, limit - made)
    return made


async def _take_up(db: Session, now: int, limit: int) -> int:
    """Do for deliveries that were set apart what acceptance does for others; how many."""
    found = await db.all(_SQL["enqueued"], (limit,))
    await db.run_many(_SQL["take_up"], [(row["id"],) for row in found])
    together: dict[int, list[Row]] = {}
    for row in found:
        together.setdefault(row["number"], []).append(row)
    for alike in together.values():
        ids = [row["id"] for row in alike]
        lanes_of = [row["reference"] for row in alike]
        healths = dict(await audiences.with_health(db, lanes_of))
        reached = [(lane, healths[lane]) for lane in lanes_of]
        await _deliver(db, _shared(alike[0], now), reached, ids)
        if gone := [lane for lane, health in reached if not Health(health).reachable]:
            await expecting.look_again(db, gone, now)
    return len(found)


def _shared(row: Row, now: int) -> _Shared:
    """What the deliveries of a notification that is stored have in common."""
    changed = row["target"]
    return _Shared(
        notification=row["number"],
        version=row["number"] if changed is None else changed,
        bot=row["bot"],
        priority=row["priority"],
        entry=row["entry"],
        # Who looked at the clock before it was accepted does not schedule what is due at once.
        now=max(now, row["accepted_at"]),
        due_at=row["due_at"],
        expires_at=row["expires_at"],
        collapse_key=row["collapse_key"],
        after_turn=row["after_turn"],
        after_turn_lane=row["after_turn_lane"],
    )


async def _expand(db: Session, row: Row, now: int, limit: int) -> int:
    step = await audiences.step(db, row, limit)
    changed = row["target"]
    shared = _shared(row, now)
    reached = step.recipients
    if await db.hold(lane for lane, _ in reached):
        reached = await audiences.with_health(db, [lane for lane, _ in reached])
    ids = await _deliver(db, shared, reached)
    if changed is not None:
        await changing.keep_copies(db, changed, ids)
    await db.run(_SQL["expanded_to"], (step.reached, step.person, row["number"]))
    return step.taken
