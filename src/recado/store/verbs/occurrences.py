"""Occurrences of schedules: each is said once, whoever tries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from recado.domain.schedule import Firing, FiringKind, Schedule, ScheduleState
from recado.errors import TransitionRefused
from recado.store.port.schedules import Fire, Said
from recado.store.session import Session, statements
from recado.store.verbs import acceptance, rows, schedules, singles

_SQL = statements("schedules")


async def fire(db: Session, fires: Sequence[Fire], now: int) -> list[Firing]:
    ids = rows.dumps([each.schedule.id for each in fires])
    free = {row["id"]: row["revision"] for row in await db.all(_SQL["hold"], (ids,))}
    wanted = [each for each in fires if free.get(each.schedule.id) == each.schedule.revision]
    # All at once, and in one order, so that nobody waits for each other in a circle.
    await db.hold({lane.number for each in wanted for said in each.said for lane in said.lanes})
    spoken = {each.schedule.id for each in wanted if await _is_spoken(db, each)}
    going = [each for each in wanted if each.schedule.id not in spoken]
    accepted = await _accept(db, [said for each in going for said in each.said])
    told = {each.schedule.id: _come_to(each, spoken, accepted, now) for each in wanted}
    await db.run_many(
        _SQL["advance"], [_advanced(each, told[each.schedule.id], now) for each in wanted]
    )
    done = [firing for each in wanted for firing in told[each.schedule.id]]
    await db.run_many(_SQL["note"], [_noted(each) for each in done])
    return done


async def _is_spoken(db: Session, fire: Fire) -> bool:
    """Whether the person has spoken, of a schedule that is not said then."""
    schedule = fire.schedule
    if not fire.said or not schedule.saying.unless_spoken:
        return False
    asked = {
        "id": schedule.id,
        "since": rows.micros(schedule.created_at),
        "user_id": schedule.saying.user_id,
    }
    return bool(await db.value(_SQL["spoken"], asked))


async def _accept(db: Session, said: Sequence[Said]) -> dict[str, str]:
    """Accept what is said, the usual kind together; ids of notifications by what was asked."""
    known: dict[str, str] = {}
    alone: list[Said] = []
    together: list[Said] = []
    for each in said:
        if each.notification is not None:
            usual = singles.is_single(each.notification, each.lanes)
            (together if usual else alone).append(each)
    pairs = [(each.notification, each.lanes[0]) for each in together if each.notification]
    for each, accepted in zip(together, await singles.accept(db, pairs), strict=True):
        if accepted is None:
            alone.append(each)
        elif each.notification is not None:
            known[each.notification.id] = accepted.notification_id
    for each in alone:
        if each.notification is not None:
            made = await acceptance.accept(db, each.notification, each.lanes)
            known[each.notification.id] = made.notification_id
    return known


def _come_to(
    fire: Fire, spoken: Collection[str], accepted: Mapping[str, str], now: int
) -> list[Firing]:
    """What becomes of the occurrences of a schedule."""
    schedule = fire.schedule
    if schedule.id in spoken:
        return [_told(fire.said[0].occurrence, FiringKind.SPOKEN, schedule, now)]
    if fire.trouble is not None:
        at = schedule.reached if schedule.due is None else schedule.due.at
        return [_told(at, FiringKind.FAILED, schedule, now, detail=fire.trouble)]
    return [_became(schedule, each, accepted, now) for each in fire.said]


def _became(schedule: Schedule, said: Said, accepted: Mapping[str, str], now: int) -> Firing:
    if said.notification is None:
        return _told(said.occurrence, FiringKind.FAILED, schedule, now, detail=said.failure)
    id_ = accepted[said.notification.id]
    return _told(said.occurrence, FiringKind.FIRED, schedule, now, notification=id_)


def _advanced(fire: Fire, told: Sequence[Firing], now: int) -> dict[str, Any]:
    """What a schedule is like afterwards."""
    said = sum(each.kind is FiringKind.FIRED for each in told)
    spoken = any(each.kind is FiringKind.SPOKEN for each in told)
    reason = str(FiringKind.SPOKEN) if spoken else fire.trouble
    if spoken:
        state, following = ScheduleState.CANCELLED, None
    elif fire.trouble is not None:
        state, following = ScheduleState.PAUSED, fire.due
    else:
        state, following = (
            ScheduleState.DONE if fire.due is None else ScheduleState.ACTIVE,
            fire.due,
        )
    return {
        "id": fire.schedule.id,
        "revision": fire.schedule.revision,
        "state": str(state),
        "reason": reason,
        "reached": rows.micros(fire.reached),
        "said": said,
        "fired_at": now if said else None,
        "ended_at": now if state.ended else None,
        **schedules.waits(following),
    }


def _told(  # noqa: PLR0913 - what became of an occurrence
    occurrence: datetime,
    kind: FiringKind,
    schedule: Schedule,
    now: int,
    *,
    notification: str | None = None,
    detail: str | None = None,
) -> Firing:
    return Firing(
        schedule_id=schedule.id,
        occurrence=occurrence,
        fired_at=rows.instant(now),
        kind=kind,
        notification_id=notification,
        detail=detail,
    )


def _noted(firing: Firing) -> dict[str, Any]:
    return {
        "schedule": firing.schedule_id,
        "occurrence": rows.micros(firing.occurrence),
        "kind": str(firing.kind),
        "fired_at": rows.micros(firing.fired_at),
        "notification": firing.notification_id,
        "detail": rows.clean(firing.detail),
    }


async def run(db: Session, schedule: Schedule, said: Said, now: int) -> Firing:
    await db.all(_SQL["hold"], (rows.dumps([schedule.id]),))
    found = await db.first(_SQL["by_id"], (schedule.id,))
    if found is None or found["state"] == ScheduleState.CANCELLED:
        raise TransitionRefused("The schedule has been cancelled: make another one.")
    assert said.notification is not None  # noqa: S101 - else whoever asked was told why not
    made = await acceptance.accept(db, said.notification, said.lanes)
    id_ = made.notification_id
    firing = _told(said.occurrence, FiringKind.RUN, schedule, now, notification=id_)
    await db.run(_SQL["note"], _noted(firing))
    return firing
