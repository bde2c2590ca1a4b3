"""Pauses and pace in SQLite: what stops, and what the channels have counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from recado.domain.pace import Operation
from recado.domain.pause import Pause, PauseKind
from recado.domain.scope import Scope, Stamp
from recado.store.port import Observed
from recado.store.queries import load_queries
from recado.store.sqlite import holding, rows

_SQL = load_queries("sqlite", "pauses")

_SECOND = 1_000_000  # microseconds


def observe(db: sqlite3.Connection, observed: Observed) -> None:
    """Write down what the channels' answers have taught."""
    count(db, *observed.stamps)
    for each in observed.paused:
        pause(db, each)
    for each in observed.resumed:
        db.execute(_SQL["resume"], each.what)


def count(db: sqlite3.Connection, *made: Stamp) -> None:
    """Note requests that were made, or may have been."""
    counted: dict[tuple[str, str, str, str, str, int], int] = {}
    for stamp in made:
        scope, second = stamp.scope, rows.micros(stamp.at) // _SECOND
        # For its own windows, and for those of its tenant.
        for name in (stamp.key, ""):
            of = (scope.bot, scope.channel, scope.tenant, name, str(stamp.operation), second)
            counted[of] = counted.get(of, 0) + stamp.many
    if counted:
        db.execute(_SQL["count"], (rows.dumps([(*of, many) for of, many in counted.items()]),))


def stamps(db: sqlite3.Connection, keys: Sequence[tuple[Scope, str]], since: int) -> list[Stamp]:
    """See the port. A second stands for its end, so that no window opens early."""
    found = []
    for scope, name in keys:
        whose = (scope.bot, scope.channel, scope.tenant, name, since // _SECOND)
        for operation, second, many in db.execute(_SQL["counted"], whose):
            at = rows.instant((second + 1) * _SECOND)
            found.append(Stamp(scope, name, Operation(operation), at, many))
    return found


def forget(db: sqlite3.Connection, stamps_before: int, now: int, limit: int) -> int:
    """See the port."""
    db.execute(_SQL["forget_pauses"], (now,))
    cut = {"before": stamps_before // _SECOND, "limit": limit}
    return db.execute(_SQL["forget_stamps"], cut).rowcount


def pause(db: sqlite3.Connection, wanted: Pause) -> None:
    since, until = rows.micros(wanted.since), rows.maybe_micros(wanted.until)
    told = (rows.clean(wanted.reason), since, until, rows.clean(wanted.by))
    db.execute(_SQL["pause"], (*wanted.what, *told))


def resume(db: sqlite3.Connection, wanted: Pause, now: int) -> bool:
    ended = db.execute(_SQL["resume"], wanted.what).rowcount > 0
    if ended and wanted.kind is PauseKind.PACE_KEY:
        db.execute(_SQL["let_on"], {"now": now, "bot": wanted.bot, "key": wanted.name})
    if ended and wanted.kind is PauseKind.CONVERSATION:
        holding.take_up(db, wanted.name)
    return ended


def lasting(db: sqlite3.Connection, now: int) -> list[Pause]:
    return [_pause(row) for row in db.execute(_SQL["lasting"], (now,))]


def stopping(db: sqlite3.Connection, now: int) -> list[Pause]:
    """Pauses that stop whole routes."""
    return [_pause(row) for row in db.execute(_SQL["stopping"], (now,))]


def of_delivery(db: sqlite3.Connection, delivery_id: str) -> list[Pause]:
    """Whatever pauses a delivery that has not ended, whether it is over or not."""
    return [_pause(row) for row in db.execute(_SQL["of_delivery"], (delivery_id,))]


def of_notification(db: sqlite3.Connection, bot: str, notification_id: str) -> list[Pause]:
    """What pauses a whole notification, whether it is over or not."""
    named = {"bot": bot, "notification": notification_id}
    return [_pause(row) for row in db.execute(_SQL["of_notification"], named)]


def stops(paused: Pause, route: sqlite3.Row) -> bool:
    return paused.stops(
        bot=route["bot"],
        channel=route["channel"],
        tenant=route["tenant"],
        service_url=route["service_url"],
    )


def _pause(row: sqlite3.Row) -> Pause:
    return Pause(
        kind=PauseKind(row["kind"]),
        reason=row["reason"],
        since=rows.instant(row["since"]),
        until=rows.maybe_instant(row["until"]),
        bot=row["bot"],
        channel=row["channel"],
        tenant=row["tenant"],
        name=row["name"],
        by=row["by_whom"],
    )
