"""Schedules: keeping them, finding what is due, and firing it once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from recado.domain.audience import audience_of, written
from recado.domain.schedule import (
    Firing,
    FiringKind,
    Misfire,
    Occurrence,
    Saying,
    Schedule,
    ScheduleState,
    Timing,
    rules,
)
from recado.errors import IdempotencyConflict
from recado.store.port.schedules import ScheduleFilter
from recado.store.port.values import Page
from recado.store.session import Row, Session, statements
from recado.store.verbs import rows

_SQL = statements("schedules")

#: Sorts behind every id.
_LAST = "~"


async def create(db: Session, schedule: Schedule, lanes: Sequence[int]) -> Schedule:
    if schedule.key is not None:
        known = await db.first(_SQL["by_key"], (schedule.bot, schedule.key))
        if known is not None and known["fingerprint"] != schedule.fingerprint:
            raise IdempotencyConflict(schedule.key)
        if known is not None:
            return _schedule(known)
    saying = schedule.saying
    await db.run(
        _SQL["insert"],
        {
            "id": schedule.id,
            "bot": schedule.bot,
            "key": schedule.key,
            "fingerprint": schedule.fingerprint,
            "state": str(schedule.state),
            "audience": rows.dumps(written(saying.audience)),
            "content": saying.content,
            "options": rows.dumps(saying.options),
            "user_id": rows.clean(saying.user_id),
            "expires_after": rows.maybe_micros_of(saying.expires_after),
            "asked_at": rows.maybe_micros(saying.asked_at),
            "unless_spoken": saying.unless_spoken,
            "jitter": rows.maybe_micros_of(schedule.timing.jitter),
            "misfire": str(schedule.timing.misfire),
            "late_limit": rows.maybe_micros_of(schedule.timing.late_limit),
            "title": rows.clean(schedule.title),
            "created_at": rows.micros(schedule.created_at),
            "reached": rows.micros(schedule.reached),
            **_times(schedule.timing),
            **waits(schedule.due),
        },
    )
    await db.run_many(_SQL["insert_lane"], [(lane, schedule.id) for lane in sorted(set(lanes))])
    return schedule


def _times(timing: Timing) -> dict[str, Any]:
    return {
        "rule": rules.written(timing.rule),
        "zone": timing.zone,
        "starts_at": rows.maybe_micros(timing.start),
        "until": rows.maybe_micros(timing.until),
    }


def waits(due: Occurrence | None) -> dict[str, int | None]:
    return {
        "occurrence": None if due is None else rows.micros(due.at),
        "next_at": None if due is None else rows.micros(due.fires_at),
    }


# -- looking ---------------------------------------------------------------------------------


async def one(db: Session, bot: str, name: str) -> Schedule | None:
    row = await db.first(_SQL["by_id"], (name,))
    if row is None or row["bot"] != bot:
        row = await db.first(_SQL["by_key"], (bot, name))
    if row is None:
        row = await db.first(_SQL["cancelled_by_key"], (bot, name))
    return None if row is None else _schedule(row)


async def page(
    db: Session, bot: str, wanted: ScheduleFilter, after: str | None, limit: int
) -> Page[Schedule]:
    cut = {"bot": bot, "before": _LAST if after is None else after, "limit": limit + 1}
    state = None if wanted.state is None else str(wanted.state)
    if wanted.lanes is not None:
        named = {"lanes": rows.dumps(list(wanted.lanes)), "user_id": wanted.user_id}
        found = await db.all(_SQL["page_of_lanes"], {**cut, **named, "state": state})
    elif state is not None:
        found = await db.all(_SQL["page_of_state"], {**cut, "state": state})
    else:
        found = await db.all(_SQL["page"], cut)
    items = [_schedule(row) for row in found[:limit]]
    return Page(items=items, next=items[-1].id if len(found) > limit else None)


async def upcoming(db: Session, bot: str, wanted: ScheduleFilter, limit: int) -> Sequence[Schedule]:
    named = {"lanes": rows.dumps(list(wanted.lanes or ())), "user_id": wanted.user_id}
    found = await db.all(_SQL["upcoming"], {"bot": bot, "limit": limit, **named})
    return [_schedule(row) for row in found]


async def due(db: Session, bot: str, now: int, limit: int) -> Sequence[Schedule]:
    return [_schedule(row) for row in await db.all(_SQL["due"], (bot, now, limit))]


async def next_due(db: Session, bot: str) -> int | None:
    at = await db.value(_SQL["next"], (bot,))
    return None if at is None else int(at)


async def firings(db: Session, schedule_id: str, limit: int) -> Sequence[Firing]:
    return [_firing(row) for row in await db.all(_SQL["firings"], (schedule_id, limit))]


async def firing_of(db: Session, notification_id: str) -> Firing | None:
    row = await db.first(_SQL["firing_of"], (notification_id,))
    return None if row is None else _firing(row)


# -- changing --------------------------------------------------------------------------------


async def pause(db: Session, schedule: Schedule) -> Schedule | None:
    changed = await db.run(_SQL["pause"], (schedule.id, schedule.revision))
    return await _again(db, schedule, changed)


async def retime(
    db: Session, schedule: Schedule, timing: Timing, due: Occurrence, reached: int
) -> Schedule | None:
    told = {"id": schedule.id, "revision": schedule.revision, "reached": reached}
    changed = await db.run(_SQL["retime"], {**told, **_times(timing), **waits(due)})
    return await _again(db, schedule, changed)


async def cancel(db: Session, schedule: Schedule, now: int) -> Schedule | None:
    changed = await db.run(_SQL["cancel"], (now, schedule.id, schedule.revision))
    return await _again(db, schedule, changed)


async def _again(db: Session, schedule: Schedule, changed: int) -> Schedule | None:
    row = await db.first(_SQL["by_id"], (schedule.id,)) if changed else None
    return None if row is None else _schedule(row)


# -- forgetting ------------------------------------------------------------------------------


async def forget_occurrences(db: Session, before: int, limit: int) -> int:
    """Drop what became of occurrences long ago; how many."""
    return await db.run(_SQL["forget_occurrences"], {"before": before, "limit": limit})


async def forget(db: Session, before: int, limit: int) -> int:
    """Drop schedules that ended long ago, with what is theirs; how many."""
    found = await db.all(_SQL["ended"], {"before": before, "limit": limit})
    ids = [(row["id"],) for row in found]
    for name in (_SQL["forget_lanes"], _SQL["forget_its_occurrences"], _SQL["forget"]):
        await db.run_many(name, ids)
    return len(ids)


# -- rows ------------------------------------------------------------------------------------


def _schedule(row: Row) -> Schedule:
    due = None
    if row["next_at"] is not None:
        due = Occurrence(rows.instant(row["occurrence"]), rows.instant(row["next_at"]))
    return Schedule(
        id=row["id"],
        bot=row["bot"],
        saying=Saying(
            audience=audience_of(json.loads(row["audience"])),
            content=row["content"],
            options=json.loads(row["options"]),
            expires_after=rows.maybe_length(row["expires_after"]),
            asked_at=rows.maybe_instant(row["asked_at"]),
            unless_spoken=bool(row["unless_spoken"]),
        ),
        timing=Timing(
            rule=rules.read(row["rule"]),
            zone=row["zone"],
            start=rows.maybe_instant(row["starts_at"]),
            until=rows.maybe_instant(row["until"]),
            jitter=rows.maybe_length(row["jitter"]),
            misfire=Misfire(row["misfire"]),
            late_limit=rows.maybe_length(row["late_limit"]),
        ),
        created_at=rows.instant(row["created_at"]),
        reached=rows.instant(row["reached"]),
        state=ScheduleState(row["state"]),
        due=due,
        key=row["key"],
        title=row["title"],
        revision=row["revision"],
        fired=row["fired"],
        last_fired_at=rows.maybe_instant(row["last_fired_at"]),
        ended_at=rows.maybe_instant(row["ended_at"]),
        reason=row["reason"],
        fingerprint=row["fingerprint"],
    )


def _firing(row: Row) -> Firing:
    return Firing(
        schedule_id=row["schedule"],
        occurrence=rows.instant(row["occurrence"]),
        fired_at=rows.instant(row["fired_at"]),
        kind=FiringKind(row["kind"]),
        notification_id=row["notification"],
        detail=row["detail"],
    )
