from __future__ import annotations

import random
import tracemalloc
from collections.abc import Mapping
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from recado.channel.pacing import Later, Pacer, Permit
from recado.domain.pace import Operation, Profile, read_windows
from recado.domain.pause import Pause, PauseKind
from recado.domain.scope import Stamp
from recado.testing import START, HandClock
from tests.channel.pace_kit import (
    FREE,
    TAKEN,
    TENANT,
    Judge,
    later_of,
    make_pacer,
    make_request,
    permit_of,
    refusal,
    seconds,
)

# -- the store --------------------------------------------------------------------------------


def restarted(pacer: Pacer, clock: HandClock, **parts: str | None) -> Pacer:
    """Another process that is told what the first one recorded, as a store keeps it: by second."""
    successor = make_pacer(clock, **parts)
    stamps = [
        stamp._replace(at=stamp.at.replace(microsecond=0) + timedelta(seconds=1))
        for stamp in pacer.unrecorded()
    ]
    of_scope = [stamp._replace(key="") for stamp in stamps]
    asked = {(stamp.scope, stamp.key) for stamp in [*stamps, *of_scope]}
    assert not any(successor.knows(*each) for each in asked)
    successor.recall([*stamps, *of_scope], asked)
    assert all(successor.knows(*each) for each in asked)
    return successor


def test_windows_survive_a_restart() -> None:
    """What was answered before counts after, for the conversation and for the tenant."""
    clock = HandClock()
    parts = {"send": "3/1h", "tenant": "5/1s"}
    pacer = make_pacer(clock, **parts)
    for key in ("a:1", "a:1", "a:1", "a:2", "a:3"):
        permit = permit_of(pacer.reserve(TENANT, key))
        clock.set(permit.at)
        pacer.ended(permit, TAKEN)
        clock.advance(0.2)
    successor = restarted(pacer, clock, **parts)
    assert successor.room(TENANT) == 0
    clock.advance(2)
    assert not later_of(successor.reserve(TENANT, "a:1")).whole
    make_request(successor, "a:2")
    clock.advance(3600)
    make_request(successor, "a:1")


def test_what_a_dead_process_may_have_sent_counts() -> None:
    """For the conversation and the tenant, and it is recorded like any other."""
    pacer = make_pacer(send="2/1h", tenant="2/1h")
    lost = [Stamp(TENANT, key, Operation.SEND, START) for key in ("a:1", "a:1")]
    pacer.note([*lost, Stamp(FREE, "a:1", Operation.SEND, START)])
    assert pacer.unrecorded() == lost
    assert pacer.room(TENANT) == 0
    assert not pacer.knows(TENANT, "a:1")  # what came before them is not here
    assert isinstance(pacer.reserve(TENANT, "a:1"), Later)


def test_what_was_recorded_twice_is_counted_once() -> None:
    """Stamps of what is known already are left away."""
    clock = HandClock()
    pacer = make_pacer(clock, send="2/1h")
    stamp = Stamp(TENANT, "a:1", Operation.SEND, START)
    for _ in range(3):
        pacer.recall([stamp])
    make_request(pacer)
    assert isinstance(pacer.reserve(TENANT, "a:1"), Later)


def test_stamps_may_come_in_any_order_and_from_the_future() -> None:
    """Another machine's clock, or the end of the second they are counted by."""
    clock = HandClock()
    pacer = make_pacer(clock, send="3/10s")
    ago = [5, -3600, 2]
    pacer.recall(
        Stamp(TENANT, "a:1", Operation.SEND, START - timedelta(seconds=each)) for each in ago
    )
    assert isinstance(pacer.reserve(TENANT, "a:1"), Later)
    clock.advance(5.01)
    make_request(pacer)
    assert isinstance(pacer.reserve(TENANT, "a:1"), Later)
    clock.advance(3)
    make_request(pacer)


def test_an_unknown_key_is_asked_for_even_if_it_was_used() -> None:
    """A reply does not wait for the store; the next delivery does."""
    pacer = make_pacer()
    make_request(pacer)
    assert not pacer.knows(TENANT, "a:1")
    assert not pacer.knows(TENANT, "")
    pacer.recall([], [(TENANT, "a:1"), (TENANT, "")])
    assert pacer.knows(TENANT, "a:1")
    assert pacer.knows(TENANT, "")


def test_pauses_survive_a_restart() -> None:
    """And what follows them is gentle, too. Pauses of other kinds are others' business."""
    clock = HandClock()
    pacer = make_pacer(clock)
    for permit in [permit_of(pacer.reserve(TENANT, f"a:{n}")) for n in range(3)]:
        pacer.ended(permit, refusal(30))
    successor = make_pacer(clock)
    foreign = Pause(kind=PauseKind.BOT, reason="a person", since=START, bot="bot")
    successor.recall_pauses([foreign, *pacer.pauses()])
    assert successor.pauses() == pacer.pauses()
    assert successor.room(TENANT) == 0
    clock.advance(31)
    assert not successor.pauses()
    assert successor.room(TENANT) != 0


def test_what_is_idle_is_dropped_once_it_is_recorded() -> None:
    """Memory follows what goes on now, not the number of conversations."""
    clock = HandClock()
    pacer = make_pacer(clock)
    pacer.recall([], [(TENANT, "a:1"), (TENANT, "a:2")])
    make_request(pacer, "a:1")
    pacer.unrecorded()
    clock.advance(1)
    make_request(pacer, "a:2")
    for _ in range(3):
        clock.advance(31)
        make_request(pacer, "a:3")
    assert not pacer.knows(TENANT, "a:1")
    assert pacer.knows(TENANT, "a:2")  # the store has not heard of its last answer
    for _ in range(3):
        pacer.unrecorded()
        clock.advance(31)
    pacer.unrecorded()
    assert not pacer.knows(TENANT, "a:2")


def test_a_conversation_with_one_message_is_a_number_in_memory() -> None:
    """A broadcast to a million conversations must not cost a gigabyte."""
    many = 20_000
    pacer = make_pacer(tenant=f"{10 * many}/1s")
    keys = [f"a:{number}" for number in range(many)]
    pacer.recall([], [(TENANT, "a:first")])
    tracemalloc.start()
    for key in keys:
        pacer.recall([], [(TENANT, key)])
        make_request(pacer, key)
        pacer.unrecorded()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / many < 200


# -- the clock --------------------------------------------------------------------------------


def test_a_clock_that_is_set_back_closes_nothing_for_long() -> None:
    """Stamps and pauses of the future become those of now."""
    clock = HandClock()
    pacer = make_pacer(clock, send="1/10s", tenant="1/10s")
    make_request(pacer, "a:1")
    clock.set(START - timedelta(hours=5))
    assert isinstance(pacer.reserve(TENANT, "a:1"), Later)
    clock.advance(10.01)
    make_request(pacer, "a:1", refusal(30))
    clock.set(START - timedelta(hours=10))
    assert isinstance(pacer.reserve(TENANT, "a:1"), Later)
    clock.advance(30.01)
    make_request(pacer, "a:1")


@given(rng=st.randoms(use_true_random=False))
def test_steps_of_the_clock_neither_block_nor_break(rng: random.Random) -> None:
    """Whatever the clock does: all is sent in a bounded time, on a clock that goes on again."""
    clock = HandClock()
    parts: Mapping[str, str | None] = {"send": "2/1s", "tenant": "3/1s"}
    pacer = make_pacer(clock, **parts)
    for _ in range(30):
        if isinstance(leave := pacer.reserve(TENANT, rng.choice("ab")), Permit):
            pacer.ended(leave, rng.choice([TAKEN, TAKEN, refusal(1), refusal()]))
        clock.advance(rng.choice([0.1, 0.5, -3000, 0.2]))
    clock.advance(75)
    judge = Judge((3, 1.0))
    for _ in range(6):
        leave = pacer.reserve(TENANT, "c")
        while isinstance(leave, Later):
            assert leave.until - clock.now() <= timedelta(seconds=75)
            clock.set(leave.until)
            leave = pacer.reserve(TENANT, "c")
        clock.set(max(clock.now(), leave.at))
        judge.counts(seconds(clock.now()))
        pacer.ended(leave, TAKEN)
    assert judge.violations == 0


def test_a_profile_of_ones_own_is_kept_to() -> None:
    """Profiles are given by whoever makes the pacer."""
    pacer = Pacer(HandClock(), {"emulator": Profile(send=read_windows("1/1h"))})
    make_request(pacer, scope=FREE)
    assert isinstance(pacer.reserve(FREE, "a:1"), Later)
    assert pacer.room(FREE) is None
