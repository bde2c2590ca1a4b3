"""Schedules: kept as they are, found when due, and fired once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from recado.domain.audience import Conversation, Several
from recado.domain.delivery import State
from recado.domain.reference import Member
from recado.domain.schedule import (
    At,
    Cron,
    Every,
    FiringKind,
    Misfire,
    Occurrence,
    Schedule,
    ScheduleState,
    Timing,
)
from recado.errors import IdempotencyConflict, InvalidAudience, TransitionRefused
from recado.store.port import Old, Store
from recado.store.port.schedules import Fire, Said, ScheduleFilter
from recado.testing import HandClock, make_notification
from tests.store.kit import Desk
from tests.store.schedules import (
    HOUR,
    again,
    due,
    fire_all,
    make_fire,
    make_schedule,
    scheduled,
)

MINUTE = timedelta(minutes=1)


async def test_a_schedule_is_kept_as_it_is(desk: Desk) -> None:
    """With everything it can have."""
    ana, ben = await desk.meet("a:1"), await desk.meet("a:2")
    everything = make_schedule(
        desk,
        ana,
        audience=Several((Conversation(ana.id), Conversation(ben.id))),
        options={"priority": "urgent", "user": {"id": "29:ana"}, "value": [1, None, "é"]},
        expires_after=HOUR,
        asked_at=desk.now,
        unless_spoken=True,
        rule=Cron("0 9 * * 1-5"),
        zone="America/New_York",
        start=desk.now,
        until=desk.now + 1000 * HOUR,
        jitter=MINUTE,
        misfire=Misfire.ALL,
        late_limit=2 * HOUR,
        key="k",
        title="Stand-up é",
    )
    made = await desk.store.create_schedule(everything, [ana.number, ben.number])
    assert made == everything
    assert await again(desk, made) == everything
    plain = await scheduled(desk, ana)
    assert await again(desk, plain) == plain
    handled = await scheduled(desk, ana, content=None, options={"handler": "greet"})
    assert await again(desk, handled) == handled


async def test_what_is_not_known_is_none(desk: Desk) -> None:
    """Nor is another bot's."""
    made = await scheduled(desk, await desk.meet(), key="k")
    assert await desk.store.schedule("local", "nothing") is None
    assert await desk.store.schedule("other", made.id) is None
    assert await desk.store.schedule("other", "k") is None
    assert await desk.store.firing_of("nothing") is None


# -- keys


async def test_the_same_request_under_a_key_is_the_same_schedule(desk: Desk) -> None:
    """It is made once; another request under it is refused, and another bot has keys of its own."""
    ana = await desk.meet()
    made = await scheduled(desk, ana, "x", key="k")
    assert await scheduled(desk, ana, "x", key="k") == made
    assert await desk.store.schedule("local", "k") == made
    with pytest.raises(IdempotencyConflict):
        await scheduled(desk, ana, "y", key="k")
    other = await scheduled(desk, ana, "y", key="k", bot="other")
    assert other.id != made.id
    assert len((await desk.store.schedules("local", ScheduleFilter())).items) == 1


async def test_a_key_is_free_again_once_its_schedule_was_cancelled(desk: Desk) -> None:
    """What was done keeps it, so that nothing is said again by a late repetition."""
    ana = await desk.meet()
    made = await scheduled(desk, ana, "x", key="k")
    await desk.store.cancel_schedule(made, desk.now)
    known = await desk.store.schedule("local", "k")
    assert known is not None
    assert (known.id, known.state) == (made.id, ScheduleState.CANCELLED)
    second = await scheduled(desk, ana, "y", key="k", rule=At(desk.now + HOUR))
    assert second.id != made.id
    assert await desk.store.schedule("local", "k") == second
    desk.later(3600)
    await fire_all(desk, ana)
    assert (await scheduled(desk, ana, "y", key="k")).id == second.id


async def test_a_key_that_two_use_at_once(
    desk: Desk, opened: Callable[[], Awaitable[Store]], clock: HandClock
) -> None:
    """Is of one schedule, whoever was first."""
    ana = await desk.meet()
    made = await asyncio.gather(*[scheduled(desk, ana, "x", key="k") for _ in range(10)])
    assert len({each.id for each in made}) == 1


# -- what is due


async def test_what_is_due_is_found_in_order(desk: Desk) -> None:
    """The most overdue first, and only what is due, of this bot, and active."""
    ana = await desk.meet()
    late = await scheduled(desk, ana, rule=At(desk.now + 2 * MINUTE))
    early = await scheduled(desk, ana, rule=At(desk.now + MINUTE))
    await scheduled(desk, ana, rule=At(desk.now + 3 * MINUTE))
    await scheduled(desk, ana, rule=At(desk.now + MINUTE), bot="other")
    paused = await scheduled(desk, ana, rule=At(desk.now + MINUTE))
    await desk.store.pause_schedule(paused)
    assert await desk.store.next_schedule("local") == desk.now + MINUTE
    assert await desk.store.next_schedule("nobody") is None
    assert await due(desk) == []
    desk.later(120)
    assert await due(desk) == [early, late]
    assert await due(desk, 1) == [early]


async def test_an_occurrence_is_said_and_the_next_one_is_waited_for(desk: Desk) -> None:
    """Notification, history and what comes next are one commit."""
    ana = await desk.meet()
    made = await scheduled(desk, ana)
    desk.later(3600)
    (firing,) = await fire_all(desk, ana, "now")
    assert firing.occurrence == desk.now
    assert (firing.schedule_id, firing.kind, firing.fired_at) == (
        made.id,
        FiringKind.FIRED,
        desk.now,
    )
    assert firing.notification_id is not None
    assert await desk.store.notification(firing.notification_id) is not None
    assert await desk.store.firings(made.id, 10) == [firing]
    assert await desk.store.firing_of(firing.notification_id) == firing
    after = await again(desk, made)
    assert after.next_at == desk.now + HOUR
    assert (after.fired, after.last_fired_at, after.revision) == (1, desk.now, 1)
    assert await due(desk) == []
    assert await desk.drain() == ["now"]


async def test_what_has_no_occurrence_left_is_done(desk: Desk) -> None:
    """And is found no more among what is due."""
    ana = await desk.meet()
    made = await scheduled(desk, ana, rule=At(desk.now + HOUR))
    desk.later(3600)
    await fire_all(desk, ana)
    after = await again(desk, made)
    assert (after.state, after.ended_at, after.next_at) == (ScheduleState.DONE, desk.now, None)
    assert await desk.store.next_schedule("local") is None


async def test_what_was_read_before_is_not_fired_twice(desk: Desk, successor: Desk) -> None:
    """Two processes read the same; the second one finds that it has been changed."""
    ana = await desk.meet()
    await scheduled(desk, ana)
    desk.later(3600)
    fires = [make_fire(desk, each, ana) for each in await due(desk)]
    theirs = [make_fire(successor, each, ana) for each in await due(successor)]
    assert len(await desk.store.fire_schedules(fires, desk.now)) == 1
    assert await successor.store.fire_schedules(theirs, desk.now) == []
    assert await desk.drain() == ["tick"]


async def test_two_processes_fire_at_once(desk: Desk, successor: Desk) -> None:
    """Whoever wins, each occurrence is said once."""
    lanes = [await desk.meet(f"a:{number}") for number in range(4)]
    made = [await scheduled(desk, lane, f"{n}") for n, lane in enumerate(lanes) for _ in range(5)]
    by_lane = {lane.id: lane for lane in lanes}

    async def work(at: Desk, *, backwards: bool) -> int:
        fired = 0
        for each in sorted(await due(at), key=lambda one: one.id, reverse=backwards):
            assert isinstance(each.audience, Conversation)
            fire = make_fire(at, each, by_lane[each.audience.id])
            fired += len(await at.store.fire_schedules([fire], at.now))
        return fired

    for _ in range(5):
        desk.later(3600)
        fired = await asyncio.gather(
            work(desk, backwards=False), work(successor, backwards=True), work(desk, backwards=True)
        )
        assert sum(fired) == len(made)
    assert len(await desk.drain()) == 5 * len(made)
    for each in made:
        said = await desk.store.firings(each.id, 100)
        assert len({one.occurrence for one in said}) == len(said) == 5


@pytest.mark.parametrize("how", ["pause", "cancel", "retime"])
async def test_what_was_changed_since_it_was_read_is_left_alone(desk: Desk, how: str) -> None:
    """Whoever cancels something that is due hears nothing of it afterwards."""
    ana = await desk.meet()
    made = await scheduled(desk, ana)
    desk.later(3600)
    fires = [make_fire(desk, each, ana) for each in await due(desk)]
    if how == "pause":
        await desk.store.pause_schedule(made)
    elif how == "cancel":
        await desk.store.cancel_schedule(made, desk.now)
    else:
        next_week = Occurrence(desk.now + 168 * HOUR, desk.now + 168 * HOUR)
        await desk.store.retime_schedule(made, made.timing, next_week, desk.now)
    assert await desk.store.fire_schedules(fires, desk.now) == []
    assert await desk.drain() == []


async def test_nothing_of_a_step_happens_if_one_of_it_cannot_be(desk: Desk) -> None:
    """All of it is one transaction."""
    ana = await desk.meet()
    for _ in range(2):
        await scheduled(desk, ana)
    desk.later(3600)
    good, bad = [make_fire(desk, each, ana) for each in await due(desk)]
    nobody = Said(bad.said[0].occurrence, bad.said[0].notification, ())
    with pytest.raises(InvalidAudience):
        await desk.store.fire_schedules([good, replace(bad, said=[nobody])], desk.now)
    assert await desk.drain() == []
    assert len(await due(desk)) == 2


async def test_what_cannot_be_said_is_told_and_the_next_one_is_waited_for(desk: Desk) -> None:
    """With why."""
    ana = await desk.meet()
    made = await scheduled(desk, ana)
    desk.later(3600)
    fire = make_fire(desk, made, ana)
    silent = replace(fire, said=[Said(desk.now, None, failure="unknown_recipient: gone")])
    (firing,) = await desk.store.fire_schedules([silent], desk.now)
    assert (firing.kind, firing.detail) == (FiringKind.FAILED, "unknown_recipient: gone")
    assert await desk.store.firings(made.id, 1) == [firing]
    after = await again(desk, made)
    assert (after.state, after.fired, after.next_at) == (
        ScheduleState.ACTIVE,
        0,
        desk.now + HOUR,
    )


async def test_what_cannot_be_worked_out_is_paused(desk: Desk) -> None:
    """It waits for a person, with why."""
    made = await scheduled(desk, await desk.meet())
    desk.later(3600)
    fire = Fire(schedule=made, said=(), due=made.due, reached=made.reached, trouble="no zone")
    (firing,) = await desk.store.fire_schedules([fire], desk.now)
    assert (firing.kind, firing.detail) == (FiringKind.FAILED, "no zone")
    after = await again(desk, made)
    assert (after.state, after.reason) == (ScheduleState.PAUSED, "no zone")
    assert await due(desk) == []


# -- unless they have spoken


async def test_it_is_cancelled_once_the_person_has_spoken(desk: Desk) -> None:
    """Since it was made; what they wrote before does not count."""
    ana = await desk.meet()
    made = await scheduled(desk, ana, unless_spoken=True)
    desk.later(3600)
    (firing,) = await fire_all(desk, ana)
    assert firing.kind is FiringKind.FIRED
    desk.later(60)
    await desk.see(ana.key.conversation_id)
    desk.later(3540)
    (firing,) = await fire_all(desk, ana)
    assert (firing.kind, firing.notification_id) == (FiringKind.SPOKEN, None)
    after = await again(desk, made)
    assert (after.state, after.reason) == (ScheduleState.CANCELLED, "spoken")
    assert await desk.drain() == ["tick"]


async def test_in_a_group_the_person_it_is_about_has_to_speak(desk: Desk) -> None:
    """Others may say what they like."""
    ana, ben = Member(user_id="29:ana"), Member(user_id="29:ben")
    group = await desk.meet("19:g", is_group=True, conversation_type="groupChat", members=(ana,))
    told: dict[str, Any] = {"unless_spoken": True, "options": {"user": {"id": "29:ana"}}}
    made = await scheduled(desk, group, **told)
    desk.later(60)
    await desk.see("19:g", is_group=True, conversation_type="groupChat", members=(ben,))
    desk.later(3540)
    assert [each.kind for each in await fire_all(desk, group)] == [FiringKind.FIRED]
    await desk.see("19:g", is_group=True, conversation_type="groupChat", members=(ana,))
    desk.later(3600)
    assert [each.kind for each in await fire_all(desk, group)] == [FiringKind.SPOKEN]
    assert (await again(desk, made)).state is ScheduleState.CANCELLED


# -- changing


async def run(desk: Desk, made: Schedule, *to: Any) -> Any:
    """Say it once more."""
    note = make_notification("run", audience=made.audience, accepted_at=desk.now)
    return await desk.store.run_schedule(made, Said(desk.now, note, to), desk.now)


async def test_saying_it_once_more_changes_nothing_else(desk: Desk) -> None:
    """Not when it is said next, nor what is being fired at that moment."""
    ana = await desk.meet()
    made = await scheduled(desk, ana)
    desk.later(3600)
    fires = [make_fire(desk, each, ana) for each in await due(desk)]
    firing = await run(desk, made, ana)
    assert firing.kind is FiringKind.RUN
    assert await again(desk, made) == made
    assert len(await desk.store.fire_schedules(fires, desk.now)) == 1
    assert {each.kind for each in await desk.store.firings(made.id, 9)} == {
        FiringKind.RUN,
        FiringKind.FIRED,
    }
    assert await desk.drain() == ["run", "tick"]


async def test_what_was_cancelled_is_not_said_once_more(desk: Desk) -> None:
    """What is done or paused may be."""
    ana = await desk.meet()
    made = await scheduled(desk, ana)
    await desk.store.pause_schedule(made)
    await run(desk, made, ana)
    cancelled = await desk.store.cancel_schedule(await again(desk, made), desk.now)
    assert cancelled is not None
    with pytest.raises(TransitionRefused):
        await run(desk, cancelled, ana)
    assert await desk.drain() == ["run"]


async def test_changes_are_seen_and_refused_to_those_who_did_not_see_them(desk: Desk) -> None:
    """Every change raises the revision."""
    made = await scheduled(desk, await desk.meet())
    paused = await desk.store.pause_schedule(made)
    assert paused is not None
    assert (paused.state, paused.revision, paused.next_at) == (ScheduleState.PAUSED, 1, None)
    assert await desk.store.pause_schedule(made) is None
    assert await desk.store.cancel_schedule(made, desk.now) is None
    timing = Timing(rule=Every(2 * HOUR, desk.now + HOUR), zone="UTC")
    waits = timing.next(desk.now)
    assert waits is not None
    assert await desk.store.retime_schedule(made, timing, waits, desk.now) is None
    active = await desk.store.retime_schedule(paused, timing, waits, desk.now)
    assert active is not None
    assert (active.state, active.timing, active.due) == (ScheduleState.ACTIVE, timing, waits)
    assert active.reached == desk.now
    cancelled = await desk.store.cancel_schedule(active, desk.now)
    assert cancelled is not None
    assert (cancelled.state, cancelled.ended_at) == (ScheduleState.CANCELLED, desk.now)
    for change in (
        desk.store.pause_schedule(cancelled),
        desk.store.cancel_schedule(cancelled, desk.now),
        desk.store.retime_schedule(cancelled, timing, waits, desk.now),
    ):
        assert await change is None


# -- looking


async def test_pages(desk: Desk) -> None:
    """Newest first, by state, by conversation and by person, and each once."""
    ana, ben = await desk.meet("a:1"), await desk.meet("a:2")
    made = [await scheduled(desk, ana, options={"user": {"id": f"u{n % 2}"}}) for n in range(5)]
    other = await scheduled(desk, ben)
    await desk.store.pause_schedule(made[0])

    async def ids(**wanted: Any) -> list[str]:
        found: list[str] = []
        after = None
        while True:
            page = await desk.store.schedules(
                "local", ScheduleFilter(**wanted), after=after, limit=2
            )
            found += [each.id for each in page.items]
            after = page.next
            if after is None:
                return found

    newest_first = [each.id for each in reversed([*made, other])]
    assert await ids() == newest_first
    assert await ids(state=ScheduleState.ACTIVE) == newest_first[:-1]
    assert await ids(state=ScheduleState.PAUSED) == [made[0].id]
    assert await ids(lanes=[ben.number]) == [other.id]
    assert await ids(lanes=[ana.number, ben.number]) == newest_first
    assert await ids(lanes=[ana.number], user_id="u1") == [made[3].id, made[1].id]
    assert await ids(lanes=[ana.number], state=ScheduleState.PAUSED) == [made[0].id]
    assert await ids(lanes=[]) == []


async def test_what_comes_next_for_a_conversation(desk: Desk) -> None:
    """The first first, only what is active."""
    ana, ben = await desk.meet("a:1"), await desk.meet("a:2")
    late = await scheduled(desk, ana, rule=At(desk.now + 3 * HOUR))
    early = await scheduled(desk, ana, rule=At(desk.now + HOUR))
    gone = await scheduled(desk, ana, rule=At(desk.now + 2 * HOUR))
    await desk.store.cancel_schedule(gone, desk.now)
    await scheduled(desk, ben)
    wanted = ScheduleFilter(lanes=[ana.number])
    assert await desk.store.upcoming_schedules("local", wanted, 9) == [early, late]
    assert await desk.store.upcoming_schedules("local", wanted, 1) == [early]
    assert await desk.store.upcoming_schedules("local", ScheduleFilter(lanes=[]), 9) == []


# -- forgetting


async def test_what_ended_long_ago_is_forgotten(desk: Desk) -> None:
    """With all that is its own; what goes on is kept, but not each of its occurrences."""
    ana = await desk.meet()
    done = await scheduled(desk, ana, rule=At(desk.now + HOUR), key="k")
    active = await scheduled(desk, ana)
    desk.later(3600)
    first = await fire_all(desk, ana)
    assert len(first) == 2
    desk.later(7200)
    await fire_all(desk, ana)
    before = desk.now - HOUR
    for what, dropped in ((Old.OCCURRENCES, 2), (Old.SCHEDULES, 1)):
        step = await desk.store.forget(what, before, limit=10)
        assert step is not None
        assert (step.dropped, step.after) == (dropped, None)
    assert await desk.store.schedule("local", "k") is None
    assert await desk.store.firings(done.id, 9) == []
    page = await desk.store.schedules("local", ScheduleFilter(lanes=[ana.number]))
    assert [each.id for each in page.items] == [active.id]
    assert len(await desk.store.firings(active.id, 9)) == 1


async def test_a_delivery_of_a_schedule_is_like_any_other(desk: Desk) -> None:
    """It goes its way whatever becomes of the schedule."""
    ana = await desk.meet()
    made = await scheduled(desk, ana)
    desk.later(3600)
    await fire_all(desk, ana)
    await desk.store.cancel_schedule(await again(desk, made), desk.now)
    (only,) = await desk.ids()
    await desk.send()
    assert await desk.state(only) is State.DELIVERED
