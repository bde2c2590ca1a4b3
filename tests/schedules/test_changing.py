"""Changing schedules: pause, resume, reschedule, run now, cancel; and what comes next."""

# ruff: noqa: DTZ001 - these are times of a wall clock

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from recado.domain.reference import Member
from recado.domain.schedule import FiringKind, Occurrence, ScheduleState, Timing
from recado.errors import InvalidInput, InvalidSchedule, TransitionRefused, UnknownSchedule
from tests.schedules.kit import HOUR, MINUTE, Office


async def test_pause_and_resume(office: Office) -> None:
    """What passes meanwhile is not made up for, and the rhythm is kept."""
    made = await office.create(misfire="all")
    assert (await office.schedules.pause(made.id)).state is ScheduleState.PAUSED
    assert (await office.schedules.pause(made.id)).state is ScheduleState.PAUSED
    assert await office.wind(5 * HOUR + MINUTE) == []
    resumed = await office.schedules.resume(made.id)
    assert resumed.next_at == made.created_at + 6 * HOUR
    assert await office.schedules.resume(made.id) == resumed
    assert await office.wind(59 * MINUTE) == ["tick"]


async def test_what_has_no_time_left_cannot_be_resumed(office: Office) -> None:
    """It says what can be done."""
    made = await office.create(after=MINUTE)
    await office.schedules.pause(made.id)
    office.later(3600)
    with pytest.raises(TransitionRefused, match="reschedule it"):
        await office.schedules.resume(made.id)
    again = await office.schedules.reschedule(made.id, after=MINUTE)
    assert again.state is ScheduleState.ACTIVE
    assert await office.wind(MINUTE) == ["tick"]


async def test_reschedule(office: Office) -> None:
    """Other times, the same words; what comes next is by the new rule alone."""
    made = await office.create(at=datetime(2030, 1, 1, 9), key="k", title="T")
    moved = await office.schedules.reschedule("k", cron="0 8 * * *")
    assert (moved.id, moved.zone, moved.title) == (made.id, "Europe/Madrid", "T")
    assert moved.next_at is not None
    assert moved.next_at < office.now + 25 * HOUR
    there = await office.schedules.reschedule("k", cron="0 8 * * *", zone="Asia/Tokyo")
    assert there.zone == "Asia/Tokyo"
    with pytest.raises(InvalidSchedule):
        await office.schedules.reschedule("k", at=datetime(2020, 1, 1))
    with pytest.raises(InvalidSchedule):
        await office.schedules.reschedule("k")
    assert await office.schedules.get("k") == there


@pytest.mark.parametrize("how", ["after", "at", "every", "rrule"])
async def test_a_new_time_that_is_now_is_not_lost(office: Office, how: str) -> None:
    """Rescheduled to this very moment it is said, and again if it repeats."""
    made = await office.create(every=2 * HOUR)
    office.later(60)
    ways: dict[str, dict[str, Any]] = {
        "after": {"after": timedelta(0)},
        "at": {"at": office.now},
        "every": {"every": HOUR, "start": office.now},
        "rrule": {"rrule": "FREQ=HOURLY"},
    }
    when = ways[how]
    moved = await office.schedules.reschedule(made.id, **when)
    assert moved.next_at == office.now
    assert await office.wind(timedelta(0)) == ["tick"]
    (told,) = await office.history(made)
    assert told.occurrence == moved.next_at
    assert await office.wind(HOUR) == (["tick"] if how in ("every", "rrule") else [])


async def test_a_clock_that_was_set_back_meanwhile_says_nothing_twice(office: Office) -> None:
    """What had been said before a pause is not said again after it."""
    made = await office.create(misfire="all")
    assert await office.wind(HOUR) == ["tick"]
    await office.schedules.pause(made.id)
    office.clock.advance(-2 * 60)
    resumed = await office.schedules.resume(made.id)
    assert resumed.next_at == made.created_at + 2 * HOUR
    assert await office.wind(HOUR + 2 * MINUTE) == ["tick"]
    assert len(await office.history(made)) == 2


async def test_run_now(office: Office) -> None:
    """Once more, whatever its rule says; when it is said next stays as it is."""
    made = await office.create()
    firing = await office.schedules.run_now(made.id)
    assert firing.kind is FiringKind.RUN
    assert await office.drain() == ["tick"]
    assert await office.schedules.get(made.id) == made
    assert await office.wind(HOUR) == ["tick"]


async def test_cancel(office: Office) -> None:
    """By id or key, as often as one likes; not what is done."""
    await office.create(key="k")
    cancelled = await office.schedules.cancel("k")
    assert (cancelled.state, cancelled.next_at) == (ScheduleState.CANCELLED, None)
    assert (await office.schedules.cancel(cancelled.id)).state is ScheduleState.CANCELLED
    assert await office.wind(10 * HOUR) == []
    done = await office.create(after=MINUTE)
    await office.wind(MINUTE)
    with pytest.raises(TransitionRefused, match=r"was done on .* cannot be cancelled"):
        await office.schedules.cancel(done.id)
    for change in (office.schedules.pause, office.schedules.resume):
        with pytest.raises(TransitionRefused):
            await change(done.id)
    with pytest.raises(TransitionRefused):
        await office.schedules.run_now(cancelled.id)


async def test_what_is_not_there(office: Office) -> None:
    """Each verb says so."""
    verbs: list[Callable[[str], Awaitable[object]]] = [
        office.schedules.get,
        office.schedules.pause,
        office.schedules.resume,
        office.schedules.run_now,
        office.schedules.cancel,
        office.schedules.firings,
    ]
    for verb in verbs:
        with pytest.raises(UnknownSchedule, match="recado schedules list"):
            await verb("nothing")


async def test_whoever_changes_it_wakes_the_scheduler(office: Office) -> None:
    """Because it may be due at another time."""
    made = await office.create()
    await office.schedules.pause(made.id)
    await office.schedules.resume(made.id)
    await office.schedules.reschedule(made.id, every=2 * HOUR)
    assert office.changes == 4


async def test_changes_at_once(office: Office) -> None:
    """All of them are made, one after the other; none is lost."""
    made = await office.create()
    await asyncio.gather(
        *[office.schedules.reschedule(made.id, every=(2 + n) * HOUR) for n in range(5)],
        office.schedules.pause(made.id),
    )
    assert (await office.schedules.get(made.id)).revision == 6


# -- looking


async def test_what_comes_next_for_a_person(office: Office) -> None:
    """Over all their schedules, in order, as often as each comes."""
    now = office.now
    hourly = await office.create("hourly")
    once = await office.create("once", after=90 * MINUTE)
    gone = await office.create("gone", after=MINUTE)
    await office.schedules.cancel(gone.id)
    resting = await office.create("resting", after=MINUTE)
    await office.schedules.pause(resting.id)
    ben = await office.meet("a:2", members=(Member(user_id="29:ben"),))
    await office.create("ben's", to="user:29:ben", after=MINUTE)
    wanted = [(now + HOUR, hourly.id), (now + 90 * MINUTE, once.id), (now + 2 * HOUR, hourly.id)]
    ana = await office.find("a:1")
    for to in ("user:29:ana", f"conversation:{ana.id}"):
        found = await office.schedules.upcoming(to, 3)
        assert [(each.at, each.schedule.id) for each in found] == wanted
    assert len(await office.schedules.upcoming(f"conversation:{ben.id}")) == 1
    with pytest.raises(InvalidInput, match="one conversation or person"):
        await office.schedules.upcoming("all")


async def test_what_comes_next_costs_what_is_asked_for(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many schedules no more times are worked out than are told, and a few."""
    for number in range(30):
        await office.create(f"{number}", every=HOUR + number * MINUTE)
    worked_out = 0

    def counted(self: Timing, after: datetime, seed: str = "") -> Occurrence | None:
        nonlocal worked_out
        worked_out += 1
        return following(self, after, seed)

    following = Timing.next
    monkeypatch.setattr(Timing, "next", counted)
    found = await office.schedules.upcoming("user:29:ana", 30)
    assert len(found) == 30
    assert [each.at for each in found] == sorted(each.at for each in found)
    assert worked_out <= 60


async def test_in_a_group_each_has_their_own(office: Office) -> None:
    """They are told apart by the person they are about."""
    group = await office.meet("19:g", is_group=True, conversation_type="groupChat")
    to = f"conversation:{group.id}"
    for user in ("29:ana", "29:ben"):
        await office.schedules.create(to, user, after=HOUR, user={"id": user})
    found = await office.schedules.upcoming(to, user_id="29:ben")
    assert [each.schedule.saying.user_id for each in found] == ["29:ben"]
    page = await office.schedules.page(to=to, user_id="29:ana")
    assert [each.saying.user_id for each in page.items] == ["29:ana"]


async def test_pages(office: Office) -> None:
    """By what they do, and by whom they name."""
    made = [await office.create() for _ in range(3)]
    await office.schedules.pause(made[1].id)
    page = await office.schedules.page(state="paused")
    assert [each.id for each in page.items] == [made[1].id]
    page = await office.schedules.page(to="user:29:ana", limit=2)
    assert [each.id for each in page.items] == [made[2].id, made[1].id]
    with pytest.raises(InvalidInput, match="active, paused, done, cancelled"):
        await office.schedules.page(state="asleep")


async def test_jitter_delays_what_is_said(office: Office) -> None:
    """By the same whenever one asks, and the rhythm stays."""
    made = await office.create(every=HOUR, jitter=timedelta(minutes=30))
    assert made.due is not None
    assert made.due.at == made.created_at + HOUR
    assert made.next_at == made.due.fires_at
    assert await office.wind(made.due.fires_at - office.now) == ["tick"]
    after = await office.schedules.get(made.id)
    assert after.due is not None
    assert after.due.at == made.created_at + 2 * HOUR
