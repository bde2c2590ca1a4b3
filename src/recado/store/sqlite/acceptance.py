"""Acceptance in SQLite: a notification, its deliveries, and the expansion of broadcasts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from recado.domain.audience import Broadcast, written
from recado.domain.delivery import HeldReason, State
from recado.domain.ids import new_ids
from recado.domain.notification import Action, Notification
from recado.domain.reference import Health, Reference
from recado.domain.standing import TURN_LIMIT, begins
from recado.errors import IdempotencyConflict, InvalidAudience
from recado.store.port import Accepted
from recado.store.queries import load_queries
from recado.store.sqlite import audiences, changing, lanes, once, rows

_SQL = load_queries("sqlite", "acceptance")

_TURN_LIMIT = TURN_LIMIT // timedelta(microseconds=1)


def accept(
    db: sqlite3.Connection, notification: Notification, recipients: Sequence[Reference]
) -> Accepted:
    """Commit a notification; see the port."""
    if notification.action is not Action.SEND:
        return _accept_change(db, notification)
    broadcast = isinstance(notification.audience, Broadcast)
    if not broadcast and not recipients:
        raise InvalidAudience("The audience is empty: name at least one conversation or person.")
    replayed = _replay(db, notification)
    if replayed is not None:
        return replayed
    entry = lanes.take_numbers(db, "entry")
    number = _insert(db, notification, entry, broadcast=broadcast and not recipients)
    audiences.begin(db, number, notification)
    _keep_key(db, notification, number)
    if notification.once is not None:
        once.keep(db, number, notification.once)
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
    named = rows.dumps([recipient.number for recipient in recipients])
    health = dict(db.execute(_SQL["healths"], (named,)).fetchall())
    ids = _deliver(db, shared, [(each.number, health[each.number]) for each in recipients])
    return Accepted(
        notification_id=notification.id,
        delivery_ids=tuple(ids),
        accepted_at=notification.accepted_at,
    )


def _accept_change(db: sqlite3.Connection, change: Notification) -> Accepted:
    replayed = _replay(db, change)
    if replayed is not None:
        return replayed
    number, accepted = changing.accept(db, change)
    _keep_key(db, change, number)
    return accepted


def _keep_key(db: sqlite3.Connection, notification: Notification, number: int) -> None:
    if notification.key is None:
        return
    db.execute(
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


def _replay(db: sqlite3.Connection, notification: Notification) -> Accepted | None:
    if notification.key is None:
        return None
    wanted = (notification.bot, notification.key_scope, notification.key)
    known = db.execute(_SQL["known_key"], wanted).fetchone()
    if known is None:
        return None
    if known["fingerprint"] != notification.fingerprint():
        raise IdempotencyConflict(notification.key)
    return Accepted(
        notification_id=known["id"],
        delivery_ids=_known_ids(db, notification, known["notification"]),
        accepted_at=rows.instant(known["accepted_at"]),
        replayed=True,
    )


def _known_ids(db: sqlite3.Connection, notification: Notification, number: int) -> tuple[str, ...]:
    if notification.action is not Action.SEND:
        return changing.own(db, number)
    if isinstance(notification.audience, Broadcast):
        return ()
    return tuple(row[0] for row in db.execute(_SQL["delivery_ids"], {"notification": number}))


def _insert(
    db: sqlite3.Connection, notification: Notification, entry: int, *, broadcast: bool
) -> int:
    until = None
    if broadcast:
        (until,) = db.execute(_SQL["last_reference"], (notification.bot,)).fetchone()
    turn = notification.turn
    cursor = db.execute(
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
            notification.after_turn if broadcast else None,
            notification.after_turn_lane if broadcast else None,
        ),
    )
    assert cursor.lastrowid is not None  # noqa: S101 - an INSERT always sets it
    return cursor.lastrowid


class _Standing(NamedTuple):
    """Where a delivery begins: its state, what holds it, and until when."""

    state: State
    reason: HeldReason | None
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


def _deliver(
    db: sqlite3.Connection, shared: _Shared, recipients: Sequence[tuple[int, str]]
) -> list[str]:
    """Make deliveries, in their lanes or waiting outside; each recipient is (lane, health)."""
    made = list(zip(new_ids(len(recipients)), [lane for lane, _ in recipients], strict=True))
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
        db.execute(
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
    again = once.suppress_duplicates(db, shared.notification, made, shared.now)
    for standing, some in beginnings.items():
        if standing.state is State.PENDING:
            entering = [lane for each, lane in some.items() if each not in again]
            lanes.enter(db, entering, shared.priority, shared.now)
    going = [each for each in made if each[0] not in again] if again else made
    if shared.collapse_key is not None:
        for delivery_id, lane in going:
            _collapse(db, shared, delivery_id, lane)
    return [delivery_id for delivery_id, _ in made]


def _collapse(db: sqlite3.Connection, shared: _Shared, delivery_id: str, lane: int) -> None:
    """Only the newest unsent version goes out."""
    wanted = {
        "lane": lane,
        "bot": shared.bot,
        "key": shared.collapse_key,
        "version": shared.version,
    }
    if db.execute(_SQL["newer"], wanted).fetchone()[0]:
        _supersede(db, [delivery_id], lane, shared.now)
        return
    older = [row[0] for row in db.execute(_SQL["collapsed"], wanted)]
    _supersede(db, older, lane, shared.now)


def _supersede(db: sqlite3.Connection, ids: Sequence[str], lane: int, now: int) -> None:
    lanes.finish(db, [lanes.Ending(each, State.SUPERSEDED, "collapse_key", now) for each in ids])
    for each in ids:
        lanes.leave(db, each, lane, now)


def expand(db: sqlite3.Connection, now: int, limit: int) -> int:
    """Take up to *limit* steps of changes and of the oldest broadcasts not fully expanded.

    Changes get half of them, so that neither keeps the other waiting.
    """
    made = changing.expand(db, now, -(-limit // 2))
    while made < limit and (row := db.execute(_SQL["expanding"]).fetchone()) is not None:
        made += _expand(db, row, now, limit - made)
    return made


def _expand(db: sqlite3.Connection, row: sqlite3.Row, now: int, limit: int) -> int:
    step = audiences.step(db, row, limit)
    changed = row["target"]
    shared = _Shared(
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
    ids = _deliver(db, shared, step.recipients)
    if changed is not None:
        changing.keep_copies(db, changed, ids)
    db.execute(_SQL["expanded_to"], (step.reached, step.person, row["number"]))
    return step.taken
