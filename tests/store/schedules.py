"""Schedules at a store: made, due and fired, with everything filled in but what a test is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from recado.domain.audience import Conversation
from recado.domain.content import content_of
from recado.domain.ids import new_id
from recado.domain.reference import Reference
from recado.domain.schedule import Every, Firing, Saying, Schedule, Timing, decide
from recado.store.port.schedules import Fire, Said
from recado.testing import make_notification
from tests.store.kit import Desk

HOUR = timedelta(hours=1)
_MICROSECOND = timedelta(microseconds=1)


def make_schedule(desk: Desk, to: Reference, text: str = "tick", **changes: Any) -> Schedule:
    """One that says *text* every hour from an hour from now on, but for what *changes* says.

    Fields of its saying and its timing are given like its own.
    """
    saying = Saying(audience=Conversation(to.id), content=content_of(text).json)
    timing = Timing(rule=Every(HOUR, desk.now + HOUR), zone="Europe/Madrid")
    for name in list(changes):
        if name in Saying.__dataclass_fields__:
            saying = replace(saying, **{name: changes.pop(name)})
        elif name in Timing.__dataclass_fields__:
            timing = replace(timing, **{name: changes.pop(name)})
    told: dict[str, Any] = {
        "id": new_id(),
        "bot": "local",
        "saying": saying,
        "timing": timing,
        "created_at": desk.now,
        "reached": desk.now - _MICROSECOND,
        "fingerprint": text,
    } | changes
    told.setdefault("due", timing.next(told["reached"], told["id"]))
    return Schedule(**told)


async def scheduled(desk: Desk, to: Reference, text: str = "tick", **changes: Any) -> Schedule:
    """A schedule that is stored."""
    return await desk.store.create_schedule(make_schedule(desk, to, text, **changes), [to.number])


def make_fire(desk: Desk, schedule: Schedule, to: Reference, text: str = "tick") -> Fire:
    """What is to become of it now."""
    decision = decide(schedule.timing, schedule.reached, desk.now, schedule.id)
    said = [
        Said(
            at,
            make_notification(text, audience=schedule.audience, accepted_at=desk.now),
            [to],
        )
        for at in decision.fire
    ]
    return Fire(schedule=schedule, said=said, due=decision.next, reached=decision.reached)


async def due(desk: Desk, limit: int = 100) -> Sequence[Schedule]:
    """What is due now."""
    return await desk.store.due_schedules("local", desk.now, limit)


async def fire_all(desk: Desk, to: Reference, text: str = "tick") -> Sequence[Firing]:
    """Fire what is due in *to*."""
    fires = [make_fire(desk, each, to, text) for each in await due(desk)]
    return await desk.store.fire_schedules(fires, desk.now)


async def again(desk: Desk, schedule: Schedule) -> Schedule:
    """It, as it is stored now."""
    found = await desk.store.schedule(schedule.bot, schedule.id)
    assert found is not None
    return found
