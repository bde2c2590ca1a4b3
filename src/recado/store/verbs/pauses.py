"""Pauses and pace: what stops, and what the channels have counted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from recado.domain.pace import Operation
from recado.domain.pause import Pause, PauseKind
from recado.domain.scope import Scope, Stamp
from recado.store.port import Observed
from recado.store.session import Row, Session, statements
from recado.store.verbs import asks, holding, rows

_SQL = statements("pauses")

#: In microseconds.
_SECOND: Final = 1_000_000
_FIFTH: Final = 200_000
#: How a count for each fifth of a second stands in one number. What is too much for a fifth is
#: carried over, and so counts as later than it was.
_BITS: Final = 12
_MASK: Final = (1 << _BITS) - 1


async def observe(db: Session, observed: Observed) -> None:
    """Write down what the channels' answers have taught."""
    await count(db, *observed.stamps)
    for each in observed.paused:
        await pause(db, each)
    for each in observed.resumed:
        await db.run(_SQL["resume"], each.what)
    # Not before what it counted for is written down.
    await asks.forget(db, observed.handed_in)


async def count(db: Session, *made: Stamp) -> None:
    """Note requests that were made, or may have been."""
    counted: dict[tuple[str, str, str, str, str, int], tuple[int, int, int]] = {}
    for stamp in made:
        scope, (second, within) = stamp.scope, divmod(rows.micros(stamp.at), _SECOND)
        fifths = stamp.many << _BITS * (within // _FIFTH)
        # For its own windows, and for those of its tenant.
        for name in {stamp.key, ""}:
            of = (scope.bot, scope.channel, scope.tenant, name, str(stamp.operation), second)
            many, before, last = counted.get(of, (0, 0, 0))
            counted[of] = many + stamp.many, before + fifths, max(last, within)
    if counted:
        told = [
            (*of, many, fifths, of[-1] * _SECOND + last)
            for of, (many, fifths, last) in counted.items()
        ]
        await db.run(_SQL["count"], (rows.dumps(told),))


async def stamps(db: Session, keys: Sequence[tuple[Scope, str]], since: int) -> list[Stamp]:
    """See the port."""
    asked = {"keys": rows.dumps([(*scope, name) for scope, name in keys])}
    found = await db.all(_SQL["counted"], asked | {"since": since // _SECOND})
    return [
        Stamp(Scope(bot, channel, tenant), name, Operation(operation), rows.instant(at), times)
        for bot, channel, tenant, name, operation, second, many, fifths, last_at in found
        for at, times in _ends(second * _SECOND, many, fifths, last_at)
    ]


def _ends(begin: int, many: int, fifths: int, last_at: int | None) -> Iterator[tuple[int, int]]:
    """When the requests of a second were answered, and how many.

    Each fifth of it stands for its end, so that no window opens early; and the second stands for
    its own, for what no fifth is known of: an older program has counted it.
    """
    end = begin + _SECOND if last_at is None else last_at
    for fifth in range(_SECOND // _FIFTH):
        times = fifths >> _BITS * fifth & _MASK
        many -= times
        if times:
            yield min(begin + (fifth + 1) * _FIFTH, end), times
    if many > 0:
        yield begin + _SECOND, many


async def begun_elsewhere(
    db: Session, owner: str, scopes: Collection[Scope], now: int
) -> list[Stamp]:
    """See the port."""
    wanted = {"me": owner, "scopes": rows.dumps(sorted(scopes))}
    return [
        Stamp(
            Scope(bot, channel, tenant),
            name,
            Operation.CREATE if unmade else Operation.SEND,
            rows.instant(now),
            many,
        )
        for bot, channel, tenant, name, unmade, many in await db.all(
            _SQL["begun_elsewhere"], wanted
        )
    ]


async def forget(db: Session, stamps_before: int, now: int, limit: int) -> int:
    """See the port."""
    await db.run(_SQL["forget_pauses"], (now,))
    await asks.forget_old(db, now)
    cut = {"before": stamps_before // _SECOND, "limit": limit}
    return await db.run(_SQL["forget_stamps"], cut)


async def pause(db: Session, wanted: Pause) -> None:
    since, until = rows.micros(wanted.since), rows.maybe_micros(wanted.until)
    told = (rows.clean(wanted.reason), since, until, rows.clean(wanted.by))
    await db.run(_SQL["pause"], (*wanted.what, *told))


async def resume(db: Session, wanted: Pause, now: int) -> bool:
    ended = await db.run(_SQL["resume"], wanted.what) > 0
    if ended and wanted.kind is PauseKind.PACE_KEY:
        await db.run(_SQL["let_on"], {"now": now, "bot": wanted.bot, "key": wanted.name})
    if ended and wanted.kind is PauseKind.CONVERSATION:
        await holding.take_up(db, wanted.name)
    return ended


async def lasting(db: Session, now: int) -> list[Pause]:
    return [_pause(row) for row in await db.all(_SQL["lasting"], (now,))]


async def stopping(db: Session, now: int) -> list[Pause]:
    """Pauses that stop whole routes."""
    return [_pause(row) for row in await db.all(_SQL["stopping"], (now,))]


async def of_delivery(db: Session, delivery_id: str) -> list[Pause]:
    """Whatever pauses a delivery that has not ended, whether it is over or not."""
    return [_pause(row) for row in await db.all(_SQL["of_delivery"], (delivery_id,))]


async def of_notification(db: Session, bot: str, notification_id: str) -> list[Pause]:
    """What pauses a whole notification, whether it is over or not."""
    named = {"bot": bot, "notification": notification_id}
    return [_pause(row) for row in await db.all(_SQL["of_notification"], named)]


def stops(paused: Pause, route: Row) -> bool:
    return paused.stops(
        bot=route["bot"],
        channel=route["channel"],
        tenant=route["tenant"],
        service_url=route["service_url"],
    )


def _pause(row: Row) -> Pause:
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
