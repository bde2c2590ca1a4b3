"""Firing: each occurrence once, whatever happens to processes and clocks."""

# ruff: noqa: DTZ001 - these are times of a wall clock

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from recado.domain.explanation import explain
from recado.domain.politeness import Rules
from recado.domain.reference import Member
from recado.domain.schedule import FiringKind, ScheduleState
from recado.domain.schedule.rules import Unreadable
from recado.errors import InvalidInput, StoreUnavailable
from recado.store.port.schedules import Fire
from recado.telemetry import Event, ScheduleFired, sentence
from recado.testing import HandClock, SimulatedChannel, simulate, wired
from tests.schedules.kit import HOUR, MINUTE, Office
from tests.store.kit import BACKENDS

MakeOffice = Callable[..., Awaitable[Office]]


async def test_a_schedule_is_said_each_time(office: Office) -> None:
    """On time, and not before."""
    made = await office.create(every=HOUR)
    assert await office.wind(59 * MINUTE) == []
    assert await office.wind(MINUTE) == ["tick"]
    assert await office.wind(HOUR) == ["tick"]
    assert [each.occurrence for each in await office.history(made)] == [
        made.created_at + HOUR,
        made.created_at + 2 * HOUR,
    ]


async def test_a_notification_knows_its_schedule(office: Office) -> None:
    """And which of its occurrences it says."""
    made = await office.create()
    await office.wind(HOUR)
    (only,) = await office.ids()
    notification = (await office.detail(only)).delivery.notification_id
    firing = await office.schedules.firing_of(notification)
    assert firing is not None
    assert (firing.schedule_id, firing.occurrence) == (made.id, office.now)


async def test_the_audience_is_that_of_the_moment(office: Office) -> None:
    """Whoever came since is told as well."""
    await office.create(to="all")
    ben = await office.meet("a:2", members=(Member(user_id="29:ben"),))
    office.later(3600)
    await office.step()
    await office.store.expand(office.now, 100)
    found = [(await office.detail(each)).delivery.reference_id for each in await office.ids()]
    assert ben.id in found
    assert len(found) == 2


@pytest.mark.parametrize(
    ("misfire", "wanted"), [("once", ["tick"]), ("all", ["tick"] * 120), ("skip", [])]
)
async def test_after_a_long_downtime(office: Office, misfire: str, wanted: list[str]) -> None:
    """As was asked for; and then it goes on in its rhythm."""
    made = await office.create(every=HOUR, misfire=misfire)
    assert await office.wind(120 * HOUR + 30 * MINUTE) == wanted
    found = await office.schedules.get(made.id)
    assert found.next_at == made.created_at + 121 * HOUR
    assert await office.wind(30 * MINUTE) == ["tick"]


async def test_a_clock_that_jumps(office: Office) -> None:
    """Back, nothing is said again; forward, what passed is made up for once."""
    made = await office.create(every=HOUR)
    assert await office.wind(HOUR) == ["tick"]
    there = office.now
    office.clock.set(there - 10 * HOUR)
    assert await office.wind(10 * HOUR) == []
    assert await office.wind(HOUR) == ["tick"]
    office.clock.set(there + 100 * HOUR + MINUTE)
    assert await office.wind(timedelta(0)) == ["tick"]
    assert await office.wind(59 * MINUTE) == ["tick"]
    occurrences = [each.occurrence for each in await office.history(made)]
    assert occurrences == [there, there + HOUR, there + 2 * HOUR, there + 101 * HOUR]


async def test_one_that_cannot_be_said_keeps_nobody_waiting(office: Office) -> None:
    """Others of its step are said; of it, it is told why not."""
    ben = await office.meet("a:2", members=(Member(user_id="29:ben"),))
    lost = await office.create(to="user:29:ben")
    await office.create("good")
    await office.see(
        ben.key.conversation_id, members=(), departed=("29:ben",), timezone="Europe/Madrid"
    )
    assert await office.wind(HOUR) == ["good"]
    (told,) = await office.history(lost)
    assert told.kind is FiringKind.FAILED
    assert told.detail is not None
    assert told.detail.startswith("unknown_recipient: Nobody is known")
    assert (await office.schedules.get(lost.id)).state is ScheduleState.ACTIVE


async def test_what_was_made_in_another_process_is_said_by_this_one(
    office: Office, make_office: MakeOffice
) -> None:
    """Schedules are rows, not timers."""
    other = await make_office()
    await other.create("theirs")
    await other.store.close()
    assert await office.wind(HOUR) == ["theirs"]


class Breaking:
    """A store that fails before or after its firing commit, as told."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.before = self.after = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def fire_schedules(self, fires: Sequence[Fire], now: datetime) -> Any:
        """Fire, unless it fails before; and fail after it if that was asked for."""
        if self.before:
            raise StoreUnavailable("gone before the commit")
        done = await self._store.fire_schedules(fires, now)
        if self.after:
            raise StoreUnavailable("gone after the commit")
        return done


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_failure_around_the_commit(
    office: Office, make_office: MakeOffice, moment: str
) -> None:
    """What was not committed is said later, and what was is not said again."""
    broken = await make_office(Breaking)
    made = await broken.create()
    setattr(broken.store, moment, True)
    office.later(3600)
    with pytest.raises(StoreUnavailable):
        await broken.scheduler.run_once()
    await office.step()
    assert await office.drain() == ["tick"]
    assert len(await office.history(made)) == 1


async def test_processes_that_race(office: Office, make_office: MakeOffice) -> None:
    """However many look at the same moment, each occurrence is said once."""
    others = [await make_office() for _ in range(2)]
    made = [await office.create(f"{n}", every=HOUR, misfire="all") for n in range(60)]
    for hours in (1, 3, 1):
        office.later(hours * 3600)
        await asyncio.gather(*[each.step() for each in (office, *others)])
    assert len(await office.drain()) == 5 * len(made)
    for each in made:
        occurrences = [one.occurrence for one in await office.history(each)]
        assert occurrences == [each.created_at + n * HOUR for n in range(1, 6)]


async def test_daily_across_both_changes_of_the_clock(office: Office) -> None:
    """At 2:30 in Madrid, once each day for a year, whatever clocks do."""
    made = await office.create(cron="30 2 * * *")
    madrid = ZoneInfo("Europe/Madrid")
    days: set[Any] = set()
    for _ in range(366):
        following = await office.schedules.next_due()
        assert following is not None
        assert await office.wind(following - office.now) == ["tick"]
        wall = office.now.astimezone(madrid)
        assert (wall.hour, wall.minute) in {(2, 30), (3, 0)}
        assert wall.date() not in days
        days.add(wall.date())
    assert max(days) - min(days) == timedelta(days=365)
    assert (await office.schedules.get(made.id)).fired == 366


async def test_cancelled_once_they_have_spoken(office: Office) -> None:
    """A reminder to answer is not needed by who has answered."""
    made = await office.create(every=HOUR, unless_spoken=True)
    assert await office.wind(HOUR) == ["tick"]
    office.later(60)
    await office.see("a:1")
    assert await office.wind(HOUR) == []
    found = await office.schedules.get(made.id)
    assert (found.state, found.reason) == (ScheduleState.CANCELLED, "spoken")


async def test_a_step_is_bounded(office: Office) -> None:
    """However much is due, the writer is left to others in between."""
    for number in range(120):
        await office.create(f"{number}", at=datetime(2030, 1, 1))
    office.clock.advance((datetime(2030, 1, 1, tzinfo=UTC) - office.now).total_seconds())
    due, fired = await office.schedules.fire_due(50)
    assert (due, len(fired)) == (50, 50)
    await office.step()
    assert len(await office.drain()) == 120


async def test_what_a_process_sleeps_over_keeps_only_itself_waiting(
    migrated_url: str, clock: HandClock
) -> None:
    """A process that stops within its commit has a step's schedules in hand; others are said."""
    store = BACKENDS["postgres"].make(migrated_url, clock)
    await store.open()
    try:
        office = Office(store, clock)
        await office.meet("a:1")
        held = [(await office.create("held", after=MINUTE)).id for _ in range(50)]
        await office.create("free", after=2 * MINUTE)
        office.later(180)
        sleeper = await asyncpg.connect(migrated_url)
        async with sleeper.transaction():
            asked = "SELECT 1 FROM recado_schedule WHERE id = ANY($1) FOR NO KEY UPDATE"
            await sleeper.execute(asked, held)
            await office.scheduler.run_once()
            assert await office.drain() == ["free"]
            pause = await office.scheduler.run_once()
            assert pause is not None
            assert pause > 0, "it looks again and again at what it cannot have"
        await sleeper.close()
        await office.step()
        assert await office.drain() == ["held"] * 50
    finally:
        await store.close()


def test_it_is_said_on_time_in_a_whole_recado() -> None:
    """Made while everything runs, it leaves within a quarter of a second of its time."""

    async def scene(clock: HandClock) -> list[float]:
        channel = SimulatedChannel(clock)
        async with wired(channel) as recado:
            ana = await channel.meet(recado, "ana")
            begun = clock.now()
            to = f"conversation:{ana.id}"
            await recado.schedules.create(to, "far", after=10 * HOUR)
            await recado.schedules.create(to, "tick", every=MINUTE)
            await channel.until(5)
            return [(each.arrived_at - begun).total_seconds() for each in channel.requests]

    times = simulate(scene)
    assert len(times) == 5
    for number, at in enumerate(times, 1):
        assert 0 <= at - 60 * number < 0.25


async def test_it_is_explained_whose_delivery_it_is(office: Office) -> None:
    """Its schedule and the occurrence stand in the explanation."""
    made = await office.create()
    await office.wind(HOUR)
    (only,) = await office.ids()
    told = explain(await office.detail(only), now=office.now, served=True)
    assert any(
        f"an occurrence of schedule {made.id}: 2026-01-05 10:00:00 UTC" in each for each in told
    )


async def test_what_was_asked_for_passes_quiet_hours(office: Office) -> None:
    """A reminder comes when its person wanted it; what others schedule waits for the morning."""
    office.rules = Rules(quiet="09:00-20:00")
    await office.create("asked for", after=HOUR, asked_at=office.now)
    await office.create("not asked for", after=HOUR)
    assert await office.wind(HOUR) == ["asked for"]


async def test_an_audience_that_is_gone_keeps_nobody_waiting(office: Office) -> None:
    """A topic that was removed, say: it is told, and the next occurrence is tried again."""
    await office.store.create_topic("local", "news", office.now)
    lost = await office.create("news", to="topic:news")
    await office.create("good")
    await office.store.remove_topic("local", "news")
    assert await office.wind(HOUR) == ["good"]
    (told,) = await office.history(lost)
    assert told.kind is FiringKind.FAILED
    assert (told.detail or "").startswith("unknown_topic: ")


async def test_a_rule_that_cannot_be_read_is_paused(office: Office) -> None:
    """It says why, it can be listed and rescheduled, and others are said."""
    made = await office.create("broken")
    await office.create("good")
    broken = replace(made.timing, rule=Unreadable('{"moon": "full"}', "no such rule"))
    waits = made.due
    assert waits is not None
    await office.store.retime_schedule(made, broken, waits, office.now)
    assert await office.wind(HOUR) == ["good"]
    found = await office.schedules.get(made.id)
    assert found.state is ScheduleState.PAUSED
    assert "cannot be understood" in (found.reason or "")
    assert len((await office.schedules.page()).items) == 2
    again = await office.schedules.reschedule(made.id, after=HOUR)
    assert again.reason is None
    assert "broken" in await office.wind(HOUR)


class Refusing(Breaking):
    """A store that refuses one of the schedules, as a bug would."""

    async def fire_schedules(self, fires: Sequence[Fire], now: datetime) -> Any:
        """Fire, if everything that is said can be."""
        for each in fires:
            for said in each.said:
                if said.notification and "bad" in str(said.notification.content):
                    raise InvalidInput("It is bad.")
        return await self._store.fire_schedules(fires, now)


async def test_one_that_is_refused_takes_nobody_with_it(
    office: Office, make_office: MakeOffice
) -> None:
    """What a transaction fails of is found by trying each by itself."""
    refusing = await make_office(Refusing)
    bad = await refusing.create("bad")
    for number in range(3):
        await refusing.create(f"good {number}")
    office.later(3600)
    await refusing.step()
    assert sorted(await office.drain()) == ["good 0", "good 1", "good 2"]
    (told,) = await office.history(bad)
    assert (told.kind, told.detail) == (FiringKind.FAILED, "invalid_input: It is bad.")
    assert (await office.schedules.get(bad.id)).next_at == office.now + HOUR


async def test_telemetry_is_told_how_late_each_is(office: Office) -> None:
    """In words as well, and with why where nothing could be said."""
    events: list[Event] = []
    office.telemetry.subscribe(events.append)
    made = await office.create()
    await office.store.create_topic("local", "news", office.now)
    lost = await office.create("news", to="topic:news")
    await office.store.remove_topic("local", "news")
    office.later(3602)
    await office.step()
    told = {each.schedule_id: each for each in events if isinstance(each, ScheduleFired)}
    assert (told[made.id].kind, told[made.id].late) == ("fired", 2.0)
    assert sentence(told[made.id]).startswith(f"Schedule {made.id}: said 2.0 s after its time")
    assert "could not be said (unknown_topic: " in sentence(told[lost.id])
