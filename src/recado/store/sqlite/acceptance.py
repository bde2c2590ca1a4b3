"""Acceptance in SQLite: a notification, its deliveries, and the expansion of broadcasts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from recado.domain.audience import EveryConversation, written
from recado.domain.delivery import HeldReason, State
from recado.domain.ids import new_id
from recado.domain.notification import Notification
from recado.domain.reference import Health, Reference
from recado.errors import IdempotencyConflict, InvalidAudience
from recado.store.port import Accepted
from recado.store.queries import load_queries
from recado.store.sqlite import lanes, rows

_SQL = load_queries("sqlite", "acceptance")

#: A delivery that waits for its turn's end is due after this even if the process died in it.
_TURN_LIMIT = timedelta(seconds=60)


def accept(
    db: sqlite3.Connection, notification: Notification, recipients: Sequence[Reference]
) -> Accepted:
    """Commit a notification; see the port."""
    broadcast = isinstance(notification.audience, EveryConversation)
    if not broadcast and not recipients:
        raise InvalidAudience("The audience is empty: name at least one conversation or person.")
    replayed = _replay(db, notification)
    if replayed is not None:
        return replayed
    entry = lanes.take_numbers(db, "entry")
    number = _insert(db, notification, entry, broadcast=broadcast and not recipients)
    if notification.key is not None:
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
    shared = _Shared(
        notification=number,
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


def _replay(db: sqlite3.Connection, notification: Notification) -> Accepted | None:
    if notification.key is None:
        return None
    wanted = (notification.bot, notification.key_scope, notification.key)
    known = db.execute(_SQL["known_key"], wanted).fetchone()
    if known is None:
        return None
    if known["fingerprint"] != notification.fingerprint():
        raise IdempotencyConflict(notification.key)
    ids = db.execute(_SQL["delivery_ids"], {"notification": known["notification"]})
    several = not isinstance(notification.audience, EveryConversation)
    return Accepted(
        notification_id=known["id"],
        delivery_ids=tuple(row[0] for row in ids) if several else (),
        accepted_at=rows.instant(known["accepted_at"]),
        replayed=True,
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What the deliveries of one notification have in common."""

    notification: int
    bot: str
    priority: int
    entry: int
    now: int
    due_at: int
    expires_at: int | None
    collapse_key: str | None
    after_turn: str | None
    after_turn_lane: int | None

    def standing(self, lane: int, health: str) -> tuple[State, HeldReason | None, int | None]:
        """Where a delivery begins: its state, what holds it, and until when."""
        if self.due_at > self.now:
            return State.SCHEDULED, None, self.due_at
        if self.after_turn is not None and lane == self.after_turn_lane:
            return State.HELD, HeldReason.BUSY, self.now + _TURN_LIMIT // timedelta(microseconds=1)
        if not Health(health).reachable:
            return State.HELD, HeldReason.UNREACHABLE, None
        return State.PENDING, None, None


def _deliver(
    db: sqlite3.Connection, shared: _Shared, recipients: Sequence[tuple[int, str]]
) -> list[str]:
    """Make deliveries, in their lanes or waiting outside; each recipient is (lane, health)."""
    made = []
    for lane, health in recipients:
        state, reason, due = shared.standing(lane, health)
        turn = shared.after_turn if reason is HeldReason.BUSY else None
        made.append((new_id(), lane, state, reason, due, turn))
    db.execute(
        _SQL["insert_deliveries"],
        {
            "notification": shared.notification,
            "priority": shared.priority,
            "rank": int(shared.priority > 0),
            "entry": shared.entry,
            "expires_at": shared.expires_at,
            "rows": rows.dumps(made),
        },
    )
    standing = [lane for _, lane, state, *_ in made if state is State.PENDING]
    if standing:
        lanes.enter(db, standing, shared.priority, shared.now)
    if shared.collapse_key is not None:
        for delivery_id, lane, *_ in made:
            _collapse(db, shared, delivery_id, lane)
    return [delivery_id for delivery_id, *_ in made]


def _collapse(db: sqlite3.Connection, shared: _Shared, delivery_id: str, lane: int) -> None:
    """Only the newest unsent version goes out."""
    wanted = {
        "lane": lane,
        "bot": shared.bot,
        "key": shared.collapse_key,
        "notification": shared.notification,
    }
    if db.execute(_SQL["newer"], wanted).fetchone()[0]:
        _supersede(db, [delivery_id], lane, shared.now)
        return
    older = [row[0] for row in db.execute(_SQL["collapsed"], wanted)]
    _supersede(db, older, lane, shared.now)


def _supersede(db: sqlite3.Connection, ids: Sequence[str], lane: int, now: int) -> None:
    lanes.finish(db, [(each, State.SUPERSEDED, "collapse_key", now) for each in ids])
    for each in ids:
        lanes.leave(db, each, lane, now)


def expand(db: sqlite3.Connection, now: int, limit: int) -> int:
    """Make up to *limit* deliveries of the oldest broadcast not fully expanded."""
    made = 0
    while made < limit and (row := db.execute(_SQL["expanding"]).fetchone()) is not None:
        made += _expand(db, row, now, limit - made)
    return made


def _expand(db: sqlite3.Connection, row: sqlite3.Row, now: int, limit: int) -> int:
    cut = {"bot": row["bot"], "after": row["expand_after"], "until": row["expand_until"]}
    recipients = db.execute(_SQL["next_recipients"], {**cut, "limit": limit}).fetchall()
    shared = _Shared(
        notification=row["number"],
        bot=row["bot"],
        priority=row["priority"],
        entry=row["entry"],
        now=now,
        due_at=row["due_at"],
        expires_at=row["expires_at"],
        collapse_key=row["collapse_key"],
        after_turn=row["after_turn"],
        after_turn_lane=row["after_turn_lane"],
    )
    _deliver(db, shared, [(number, health) for number, health in recipients])
    reached = recipients[-1][0] if len(recipients) == limit else None
    db.execute(_SQL["expanded_to"], (reached, row["number"]))
    return len(recipients)
