from __future__ import annotations

import asyncio
import random
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from recado.channel.pacing import HORIZON, Later, Pacer, Permit
from recado.channel.profiles import profiles
from recado.domain.pace import Operation
from recado.domain.policy import Answer, Failure
from recado.domain.reference import pace_key
from recado.domain.scope import Scope
from recado.testing import START, HandClock
from tests.channel.pace_kit import (
    FREE,
    TAKEN,
    TENANT,
    World,
    later_of,
    make_pacer,
    make_request,
    permit_of,
    seconds,
)

# -- room and reservations --------------------------------------------------------------------


def test_room_is_what_can_be_reserved() -> None:
    """No more and no less; and there is room again when it was said."""
    clock = HandClock()
    pacer = make_pacer(clock)
    under_way: list[Permit] = []
    for round_ in range(300):
        room = pacer.room(TENANT)
        assert room is not None
        under_way += (permit_of(pacer.reserve(TENANT, f"a:{round_}:{n}")) for n in range(room))
        refused = later_of(pacer.reserve(TENANT, "a:one-more"))
        assert refused.whole
        free_at = pacer.free_at(TENANT)
        assert free_at == refused.until
        clock.set(free_at)
        for permit in under_way[:-3]:
            pacer.ended(permit, TAKEN)
        del under_way[:-3]
    assert clock.now() > START + timedelta(seconds=10)


def test_a_permit_is_for_now_or_for_soon() -> None:
    """What is reserved ahead begins when its window opens, within the horizon."""
    clock = HandClock()
    pacer = make_pacer(clock, send="1/1s", tenant=None)
    make_request(pacer)
    refused = later_of(pacer.reserve(TENANT, "a:1"))
    assert not refused.whole
    assert START < refused.until < START + timedelta(seconds=1)
    clock.set(refused.until)
    permit = permit_of(pacer.reserve(TENANT, "a:1"))
    assert permit.at - START >= timedelta(seconds=1.001)
    assert permit.at - clock.now() <= timedelta(seconds=HORIZON)


def test_a_full_conversation_stops_nobody_else() -> None:
    """Its windows are its own."""
    pacer = make_pacer()
    for _ in range(4):
        make_request(pacer, "a:1")
    pacer_full = make_pacer(send="1/1h")
    make_request(pacer_full)
    assert not later_of(pacer_full.reserve(TENANT, "a:1")).whole
    make_request(pacer_full, "a:2")


def test_threads_of_a_channel_share_its_windows() -> None:
    """Two conversations, one pace key."""
    pacer = make_pacer(send="2/1h")
    for thread in ("1", "2"):
        make_request(pacer, pace_key(f"19:x@thread.tacv2;messageid={thread}"))
    assert isinstance(pacer.reserve(TENANT, pace_key("19:x@thread.tacv2;messageid=3")), Later)


def test_a_conversation_keeps_its_windows_when_its_tenant_becomes_known() -> None:
    """The tenant is an attribute of a conversation, not part of its identity."""
    pacer = make_pacer(send="1/1h")
    make_request(pacer, scope=Scope("bot", "msteams", ""))
    assert isinstance(pacer.reserve(TENANT, "a:1"), Later)


def test_operations_have_windows_of_their_own_and_share_the_tenants() -> None:
    """Rosters are read twice as fast as messages are sent, and all counts for the tenant."""
    clock = HandClock()
    pacer = make_pacer(clock, send="1/1h", create="1/1h", roster="2/1h", tenant="5/1s")
    for operation in (Operation.SEND, Operation.CREATE, Operation.ROSTER, Operation.ROSTER):
        pacer.ended(permit_of(pacer.reserve(TENANT, "a:1", operation)), TAKEN)
        clock.advance(0.2)
    for operation in Operation:
        assert not later_of(pacer.reserve(TENANT, "a:1", operation)).whole
    make_request(pacer, "a:2")
    assert pacer.room(TENANT) == 0
    assert later_of(pacer.reserve(TENANT, "a:1")).whole


def test_groups_have_windows_of_their_own() -> None:
    """Telegram: one message a second to a person, twenty a minute to a group."""
    clock, scope = HandClock(), Scope("bot", "telegram", "")
    pacer = Pacer(clock, profiles())
    sent = 0
    while clock.now() < START + timedelta(seconds=59):
        leave = pacer.reserve(scope, "group-1", group=True)
        if isinstance(leave, Permit):
            clock.set(leave.at)
            pacer.ended(leave, TAKEN)
            sent += 1
        else:
            clock.set(leave.until)
    assert sent == 20


def test_what_was_not_sent_is_not_counted() -> None:
    """Given back, or never written: its place is free again, and whoever asks is told."""
    told: list[None] = []
    pacer = Pacer(
        HandClock(), profiles({"msteams": {"send": "1/1h"}}), on_room=lambda: told.append(None)
    )
    pacer.give_back(permit_of(pacer.reserve(TENANT, "a:1")))
    for failure in (Failure.NOT_SENT, Failure.NO_TOKEN, Failure.FORBIDDEN):
        make_request(pacer, answer=Answer(failure=failure))
    assert len(told) == 4
    assert pacer.unrecorded() == []
    make_request(pacer, answer=Answer(failure=Failure.AMBIGUOUS))
    assert isinstance(pacer.reserve(TENANT, "a:1"), Later)


def test_a_broadcast_is_spread_over_the_second() -> None:
    """No tenth of a second takes much more than its share, so slots come free all the time."""
    clock = HandClock()
    pacer = make_pacer(clock)
    begins: list[float] = []
    while clock.now() < START + timedelta(seconds=5):
        for number in range(pacer.room(TENANT) or 0):
            permit = permit_of(pacer.reserve(TENANT, f"a:{len(begins)}:{number}"))
            begins.append(seconds(permit.at))
            clock.set(max(clock.now(), permit.at))
            pacer.ended(permit, TAKEN)
        clock.set(pacer.free_at(TENANT) or clock.now())
    for index, begin in enumerate(begins):
        assert sum(begin <= other < begin + 0.1 for other in begins[index : index + 20]) <= 12
    assert len(begins) >= 5 * 49


@given(rng=st.randoms(use_true_random=False), slowest=st.sampled_from([0.005, 0.1, 2.0]))
def test_no_arrival_breaks_a_window(rng: random.Random, slowest: float) -> None:
    """Whatever is reserved, given back, refused or lost, in one conversation or another."""
    parts = {"send": "2/1s 5/4s", "create": "1/1s", "tenant": "6/1s"}
    world = World(
        lambda clock: make_pacer(clock, **parts),
        lambda: (rng.uniform(0, slowest), rng.uniform(0, slowest)),
        key_rules=((2, 1.0), (5, 4.0)),
        tenant_rules=((6, 1.0),),
    )
    for _ in range(60):
        leave = world.pacer.reserve(TENANT, rng.choice(["a:1", "a:2", "a:3", "a:4"]))
        if isinstance(leave, Later):
            world.run(seconds(leave.until) if rng.random() < 0.7 else world.now + 0.02)
        elif rng.random() < 0.1:
            world.pacer.give_back(leave)
        else:
            world.send(leave, lambda _: None)
        if rng.random() < 0.2:
            world.run(world.now + rng.uniform(0, 0.5))
    world.run(world.now + 60)
    assert world.violations == 0


# -- replies ----------------------------------------------------------------------------------


async def test_a_reply_does_not_wait_for_a_broadcast() -> None:
    """Under a broadcast that takes every slot there is, it gets one of the next."""
    clock = HandClock()
    pacer = make_pacer(clock)
    waits: list[float] = []

    sent: set[asyncio.Task[None]] = set()

    async def broadcast() -> None:
        number = 0
        while True:
            for _ in range(pacer.room(TENANT) or 0):
                number += 1
                permit = permit_of(pacer.reserve(TENANT, f"a:{number}"))
                sent.add(asyncio.create_task(deliver(permit)))
            free_at = pacer.free_at(TENANT)
            until = 0.0 if free_at is None else (free_at - clock.now()).total_seconds()
            await clock.wait(asyncio.Event(), until)

    async def deliver(permit: Permit) -> None:
        await clock.wait(asyncio.Event(), (permit.at - clock.now()).total_seconds() + 0.005)
        pacer.ended(permit, TAKEN)

    async def reply(number: int) -> None:
        await clock.wait(asyncio.Event(), 2 + number * 0.271)
        asked = clock.now()
        permit = await pacer.admit(TENANT, f"reply:{number}")
        waits.append((clock.now() - asked).total_seconds())
        await clock.wait(asyncio.Event(), 0.005)
        pacer.ended(permit, TAKEN)

    tasks = [asyncio.create_task(broadcast()), *(asyncio.create_task(reply(n)) for n in range(30))]
    await clock.run_until(START + timedelta(seconds=12))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, *sent, return_exceptions=True)
    assert len(waits) == 30
    assert max(waits) < 0.25
    assert pacer.impatient == 0


async def test_replies_go_in_the_order_they_came() -> None:
    """Also when it takes answers first, and before whatever is reserved meanwhile."""
    clock = HandClock()
    pacer = make_pacer(clock, send="1/1s")
    first = await pacer.admit(TENANT, "a:1")
    order: list[int] = []

    async def reply(number: int) -> None:
        permit = await pacer.admit(TENANT, "a:1")
        order.append(number)
        pacer.ended(permit, TAKEN)

    tasks = [asyncio.create_task(reply(number)) for number in range(4)]
    await clock.run_until(START + timedelta(seconds=3))
    assert order == []
    assert isinstance(pacer.reserve(TENANT, "a:1"), Later)
    pacer.ended(first, TAKEN)
    await clock.run_until(START + timedelta(seconds=8))
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3]
    assert pacer.impatient == 0


async def test_a_reply_whose_patience_ends_goes_all_the_same() -> None:
    """A person waits for it. It is counted, in the windows too."""
    clock = HandClock()
    pacer = make_pacer(clock, send="1/1h")
    hanging = await pacer.admit(TENANT, "a:1")
    task = asyncio.create_task(pacer.admit(TENANT, "a:1", patience=15))
    await clock.run_until(START + timedelta(seconds=14.9))
    assert not task.done()
    await clock.run_until(START + timedelta(seconds=15.1))
    late = task.result()
    assert pacer.impatient == 1
    pacer.ended(hanging, TAKEN)
    pacer.ended(late, TAKEN)
    clock.advance(3600 - 5)
    assert isinstance(pacer.reserve(TENANT, "a:1"), Later)


async def test_a_reply_that_is_given_up_leaves_its_place() -> None:
    """Cancelled while it waits, for its conversation or for its tenant: the next one moves up."""
    clock = HandClock()
    for parts in ({"send": "1/1s"}, {"tenant": "1/1s"}):
        pacer = make_pacer(clock, **parts)
        hanging = await pacer.admit(TENANT, "a:1")
        given_up, next_one = (asyncio.create_task(pacer.admit(TENANT, "a:1")) for _ in range(2))
        await clock.run_until(clock.now() + timedelta(seconds=1))
        given_up.cancel()
        pacer.ended(hanging, TAKEN)
        await clock.run_until(clock.now() + timedelta(seconds=1.01))
        pacer.ended(next_one.result(), TAKEN)
        await clock.run_until(clock.now() + timedelta(seconds=1.01))
        make_request(pacer)


async def test_a_reply_without_patience_still_takes_a_free_place() -> None:
    """And is no impatient one."""
    pacer = make_pacer()
    await pacer.admit(TENANT, "a:1", patience=0)
    await pacer.admit(FREE, "a:1", patience=0)
    assert pacer.impatient == 0
