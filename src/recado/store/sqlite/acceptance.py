"""Acceptance in SQLite: a notification, its deliveries, and the expansion of broadcasts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
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
    ids = []
    for recipient in recipients:
        (health,) = db.execute(_SQL["health"], (recipient.number,)).fetchone()
        own = recipient.number == notification.after_turn_lane
        ids.append(
            _deliver(
                db,
                number,
                recipient.number,
                Health(health),
                bot=notification.bot,
                priority=int(notification.priority),
                entry=entry,
                accepted_at=rows.micros(notification.accepted_at),
                due_at=rows.micros(notification.due_at),
                expires_at=rows.maybe_micros(notification.expires_at),
                collapse_key=notification.collapse_key,
                turn=notification.after_turn if own else None,
            )
        )
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


def _deliver(  # noqa: PLR0913 - one row's worth of columns
    db: sqlite3.Connection,
    notification: int,
    lane: int,
    health: Health,
    *,
    bot: str,
    priority: int,
    entry: int,
    accepted_at: int,
    due_at: int,
    expires_at: int | None,
    collapse_key: str | None,
    turn: str | None,
) -> str:
    """Make one delivery, in its lane or waiting outside."""
    state, reason, due = State.PENDING, None, None
    if due_at > accepted_at:
        state, due = State.SCHEDULED, due_at
    elif turn is not None:
        state, reason = State.HELD, HeldReason.BUSY
        due = accepted_at + _TURN_LIMIT // timedelta(microseconds=1)
    elif not health.reachable:
        state, reason = State.HELD, HeldReason.UNREACHABLE
    delivery_id = new_id()
    rank = int(priority > 0)
    db.execute(
        _SQL["insert_delivery"],
        (
            delivery_id,
            notification,
            lane,
            str(state),
            reason and str(reason),
            priority,
            rank,
            entry,
            due,
            expires_at,
            turn,
        ),
    )
    if collapse_key is not None:
        wanted = {"lane": lane, "bot": bot, "key": collapse_key, "notification": notification}
        if db.execute(_SQL["newer"], wanted).fetchone()[0]:
            _supersede(db, [delivery_id], lane, accepted_at)
            return delivery_id
        older = [row[0] for row in db.execute(_SQL["collapsed"], wanted)]
        _supersede(db, older, lane, accepted_at)
    if state is State.PENDING:
        lanes.enter(db, lane, priority, accepted_at)
    return delivery_id


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
    for number, health in recipients:
        _deliver(
            db,
            row["number"],
            number,
            Health(health),
            bot=row["bot"],
            priority=row["priority"],
            entry=row["entry"],
            accepted_at=now,
            due_at=row["due_at"],
            expires_at=row["expires_at"],
            collapse_key=row["collapse_key"],
            turn=row["after_turn"] if number == row["after_turn_lane"] else None,
        )
    reached = recipients[-1][0] if len(recipients) == limit else None
    db.execute(_SQL["expanded_to"], (reached, row["number"]))
    return len(recipients)
