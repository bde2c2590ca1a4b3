"""The dispatcher in trouble: crashes, failing stores, raising channels, clocks that jump."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from recado.domain.delivery import HeldReason, OnUnknown, Outcome, State
from recado.domain.notification import Turn
from recado.domain.policy import Answer, Failure
from recado.engine.dispatcher import DispatcherSettings
from recado.engine.port import TurnEnded
from recado.errors import StoreError, StoreFull, StoreReadOnly, StoreUnavailable
from recado.store.port import Cycled, Settlement, Wanted
from recado.telemetry import DeliveriesLost, ServiceFailed
from tests.engine.kit import Bench, FakeTurns, failed
from tests.store.kit import LEASE, SECOND

MakeBench = Callable[..., Awaitable[Bench]]


# -- waking up -------------------------------------------------------------------------------


async def test_nothing_needs_polling_within_a_process(bench: Bench) -> None:
    """What is accepted leaves at once: the clock stands still, so no poll can find it."""
    reference = await bench.meet()
    await bench.start()
    for number in range(5):
        await bench.say(str(number), reference)
        await bench.quiet()
    assert bench.texts_sent == ["0", "1", "2", "3", "4"]


async def test_a_wake_up_during_a_look_is_not_lost(bench: Bench) -> None:
    """What is committed after the claim and before its answer leaves at once as well."""
    first, second = await bench.meet("a:1"), await bench.meet("a:2")
    bench.channel.shut_out("a:1")
    await bench.start()

    async def meanwhile() -> None:
        await bench.say("second", second)

    bench.store.meanwhile = meanwhile
    await bench.say("first", first)
    await bench.quiet()
    assert bench.texts_sent == ["first", "second"]


async def test_a_wake_up_during_a_pause_is_not_lost(bench: Bench) -> None:
    """Nor is one that comes while the dispatcher decides how long to sleep."""
    reference = await bench.meet()
    await bench.start()
    asked = 0
    next_due = bench.store.next_due

    async def and_say() -> object:
        nonlocal asked
        due = await next_due()
        asked += 1
        if asked == 1:
            await bench.say("meanwhile", reference)
        return due

    bench.store.next_due = and_say  # type: ignore[method-assign, assignment]
    await bench.wind(0.25)
    assert bench.texts_sent == ["meanwhile"]


async def test_idling_costs_next_to_nothing(bench: Bench) -> None:
    """An idle minute is a few hundred looks, none of them into the lanes."""
    await bench.say("hello", await bench.meet())
    await bench.start()
    cycles = bench.store.cycles
    for _ in range(40):
        await bench.wind(0.25)
    # Keeping leases up counts as a commit, which is looked after once.
    assert bench.store.cycles - cycles < 10


async def test_waiting_for_the_timekeeper_burns_nothing(bench: Bench) -> None:
    """What is due but not in its lane yet is looked for once per poll, not without pause."""
    reference = await bench.meet()
    await bench.say("later", reference, due_at=bench.now + SECOND)
    await bench.start(timekeeper=False)
    await bench.wind(5)
    cycles = bench.store.cycles
    for _ in range(20):
        await bench.wind(0.25)
    assert bench.store.cycles - cycles <= 25
    assert bench.texts_sent == []


async def test_a_retry_is_tried_on_time_without_anything_else_happening(bench: Bench) -> None:
    """An idle process wakes for it by itself."""
    made = await bench.say("hello", await bench.meet())
    bench.channel.plan("a:1", failed(503, retry_after=5))
    await bench.start(timekeeper=False)
    for _ in range(20):
        await bench.wind(0.25)
    assert await bench.state(made) is State.DELIVERED


# -- crashes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["accepted", "claimed", "sent", "answered", "settled"])
async def test_a_crash_loses_nothing_and_repeats_little(make_bench: MakeBench, when: str) -> None:
    """Wherever it strikes: all is delivered in order, what was in flight at most once more."""
    bench = await make_bench()
    references = [await bench.meet(f"a:{number}") for number in range(5)]
    made = [await bench.say(text, each) for text in ("one", "two") for each in references]
    if when == "claimed":
        await bench.claim(owner="first")
        await bench.crash()
    elif when == "sent":
        bench.channel.open.clear()
        await bench.start()
        await bench.crash()
    elif when == "answered":
        # The channel took them, and the process dies before it can write that down.
        bench.store.before.extend([None, StoreUnavailable("cut")] + [StoreUnavailable("cut")] * 99)
        await bench.start()
        await bench.crash()
    elif when == "settled":
        await bench.start()
        await bench.crash()
    successor = await make_bench(owner="second", channel=bench.channel)
    bench.channel.open.set()
    await successor.start()
    assert set(await successor.ids(state=State.DELIVERED)) == set(made)
    times = successor.times_sent()
    assert set(times) == set(made)
    repeated = [each for each, many in times.items() if many > 1]
    assert max(times.values()) <= 2
    assert len(repeated) == (5 if when in ("sent", "answered") else 0)
    for number in range(5):
        said = successor.channel.said_to(f"a:{number}")
        assert list(dict.fromkeys(said)) == ["one", "two"]
        assert said == sorted(said, key=lambda text: text != "one")


async def test_a_crash_is_counted(make_bench: MakeBench) -> None:
    """What was lost is told: how much is tried again, and how much waits for a person."""
    bench = await make_bench()
    await bench.say("retried", await bench.meet("a:1"))
    await bench.say("parked", await bench.meet("a:2"), on_unknown=OnUnknown.PARK)
    bench.channel.open.clear()
    await bench.start()
    await bench.crash()
    successor = await make_bench(owner="second")
    await successor.start()
    assert successor.told(DeliveriesLost) == [DeliveriesLost(retried=1, parked=1)]
    assert successor.texts_sent == ["retried"]


async def test_only_one_process_delivers_and_the_next_takes_over(make_bench: MakeBench) -> None:
    """On one file; the other one notices within a second that the role is free."""
    first, second = await make_bench(owner="first"), await make_bench(owner="second")
    await first.start()
    await second.start()
    assert (first.dispatcher.serving, second.dispatcher.serving) == (True, False)
    await second.say("one", await second.meet())
    await second.wind(0.25)
    await first.quiet()
    assert (first.texts_sent, second.texts_sent) == (["one"], [])
    await first.stop()
    assert not first.dispatcher.serving
    await second.say("two", await second.find())
    await second.wind(1)
    assert second.dispatcher.serving
    assert second.texts_sent == ["two"]


# -- stores that fail ------------------------------------------------------------------------

PASSING = [StoreUnavailable("locked"), StoreFull("full"), StoreReadOnly("read-only")]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
async def test_a_store_that_fails_loses_no_answer(bench: Bench, error: Exception) -> None:
    """Answers are kept until they can be settled; nothing is sent twice."""
    for number in range(5):
        await bench.say("hello", await bench.meet(f"a:{number}"))
    bench.store.before.extend([None, *[error] * 7])
    await bench.start()
    assert str(error) in (bench.dispatcher.trouble or "")
    assert len(await bench.ids(state=State.SENDING)) == 5
    for _ in range(8):
        await bench.wind(1)
    assert len(await bench.ids(state=State.DELIVERED)) == 5
    assert set(bench.times_sent().values()) == {1}
    assert not bench.dispatcher.trouble
    assert {event.service for event in bench.told(ServiceFailed)} == {"Dispatcher"}


async def test_a_store_that_fails_while_claiming_is_asked_again(bench: Bench) -> None:
    """After a moment, without anybody waking the dispatcher."""
    await bench.say("hello", await bench.meet())
    bench.store.before.append(StoreUnavailable("locked"))
    await bench.start()
    assert bench.texts_sent == []
    await bench.wind(1)
    assert bench.texts_sent == ["hello"]


async def test_a_commit_whose_answer_was_lost_is_repeated_harmlessly(bench: Bench) -> None:
    """It is settled again; what it had claimed and nobody knows of runs out, and is tried."""
    reference = await bench.meet()
    await bench.say("one", reference)
    await bench.say("two", reference)
    bench.store.after.extend([None, StoreError("the answer was lost")])
    await bench.start()
    await bench.wind(1)
    assert bench.texts_sent == ["one"]
    for _ in range(8):
        await bench.wind(LEASE / 6)
    assert bench.texts_sent == ["one", "two"]
    assert len(await bench.ids(state=State.DELIVERED)) == 2


class Refuser:
    """A database that does not take settlements of certain deliveries as they are."""

    def __init__(self, *ids: str, bare: bool = True) -> None:
        self.ids = ids
        self.bare = bare

    def __call__(self, batch: Sequence[Settlement]) -> None:
        for each in batch:
            refused = each.claim.delivery_id in self.ids
            if refused and (not self.bare or each.evidence.status is not None):
                raise StoreError("The database refused: some constraint.")


async def test_an_answer_the_store_refuses_delays_no_other(bench: Bench) -> None:
    """It is found by halving; the delivery ends all the same, without the evidence."""
    made = [await bench.say("hello", await bench.meet(f"a:{number}")) for number in range(20)]
    bench.store.refuses = Refuser(made[7])
    await bench.start()
    for _ in range(12):
        await bench.wind(1)
    assert set(await bench.ids(state=State.DELIVERED)) == set(made)
    assert set(bench.times_sent().values()) == {1}
    detail = await bench.detail(made[7])
    assert detail.delivery.evidence is not None
    assert "could not be recorded" in (detail.delivery.evidence.message or "")
    await bench.say("next", await bench.meet("a:next"))
    await bench.quiet()
    assert bench.texts_sent[-1] == "next"


async def test_an_answer_the_store_never_takes_is_left_to_its_lease(bench: Bench) -> None:
    """Its lane stays taken until then; everything else goes on."""
    made = [await bench.say("hello", await bench.meet(f"a:{number}")) for number in range(5)]
    bench.store.refuses = Refuser(made[2], bare=False)
    await bench.start()
    for _ in range(12):
        await bench.wind(1)
    assert set(await bench.ids(state=State.DELIVERED)) == {*made} - {made[2]}
    await bench.say("next", await bench.meet("a:next"))
    await bench.quiet()
    assert bench.texts_sent[-1] == "next"
    assert not bench.dispatcher.trouble
    assert await bench.state(made[2]) is State.SENDING
    bench.store.refuses = lambda _: None
    for _ in range(8):
        await bench.wind(LEASE / 6)
    assert await bench.state(made[2]) is State.DELIVERED


# -- channels, handlers and content that fail ------------------------------------------------


@pytest.mark.parametrize("error", [RuntimeError("bug"), ValueError(), asyncio.CancelledError()])
async def test_a_channel_that_raises_blocks_nothing(bench: Bench, error: BaseException) -> None:
    """It must not, but if it does nobody knows how far it came: the outcome is unknown."""
    reference = await bench.meet()
    made = await bench.say("hello", reference, on_unknown=OnUnknown.PARK)
    await bench.say("behind", reference)
    bench.channel.plan("a:1", error)
    await bench.start()
    assert await bench.standing(made) == (State.UNKNOWN, "no_answer")
    assert bench.texts_sent == ["hello", "behind"]
    (attempt,) = (await bench.detail(made)).attempts
    assert attempt.outcome is Outcome.UNKNOWN
    assert type(error).__name__ in (attempt.evidence.message or "")
    assert type(error).__name__ in bench.told(ServiceFailed)[0].error


@pytest.mark.parametrize(
    "answer",
    [
        failed(429, retry_after=float("inf")),
        failed(429, retry_after=1e300),
        failed(503, retry_after=float("nan")),
    ],
)
async def test_an_answer_that_cannot_be_judged_blocks_nothing(bench: Bench, answer: Answer) -> None:
    """The delivery waits for a person, and the lane goes on."""
    reference = await bench.meet()
    made = await bench.say("hello", reference)
    await bench.say("behind", reference)
    bench.channel.plan("a:1", answer)
    await bench.start()
    await bench.wind(3600)
    assert await bench.state(made) in (State.UNKNOWN, State.REJECTED, State.DELIVERED)
    assert "behind" in bench.texts_sent


async def test_content_that_cannot_be_read_blocks_nothing(bench: Bench) -> None:
    """Nothing was sent, so it is rejected; the conversation's next word goes out."""
    reference = await bench.meet()
    made = await bench.say("hello", reference, user={"id": "29:ana"})
    await bench.break_address("a:1")
    await bench.start()
    assert await bench.standing(made) == (State.REJECTED, "unreadable_content")
    assert bench.texts_sent == []
    await bench.see(at=bench.later(1), name="New name")
    await bench.say("next", reference)
    await bench.quiet()
    assert bench.texts_sent == ["next"]


async def test_a_turn_that_raises_blocks_nothing(make_bench: MakeBench) -> None:
    """What runs turns must not raise either; if it does, the outcome is unknown."""

    def broken(_: object) -> TurnEnded:
        raise RuntimeError("bug")

    bench = await make_bench(turns=FakeTurns(report=broken))
    reference = await bench.meet()
    made = await bench.say("", reference, turn=Turn(handler="report"), on_unknown=OnUnknown.PARK)
    await bench.say("behind", reference)
    await bench.start()
    assert await bench.state(made) is State.UNKNOWN
    assert bench.texts_sent == ["behind"]


# -- clocks ----------------------------------------------------------------------------------


async def test_a_clock_that_jumps_ahead_repeats_nothing(bench: Bench) -> None:
    """A machine that slept for hours keeps what it has in flight."""
    made = await bench.say("hello", await bench.meet(), on_unknown=OnUnknown.PARK)
    bench.channel.shut_out("a:1")
    await bench.start()
    await bench.wind(timedelta(hours=9))
    assert await bench.state(made) is State.SENDING
    bench.channel.let_in("a:1")
    await bench.quiet()
    assert await bench.state(made) is State.DELIVERED
    assert bench.times_sent() == {made: 1}
    assert bench.told(DeliveriesLost) == []


async def test_a_clock_that_goes_back_stops_nothing(bench: Bench) -> None:
    """What is accepted, what is to be retried and what is in flight all go on."""
    bench.clock.advance(timedelta(hours=9))
    hanging = await bench.say("hanging", await bench.meet("a:hanging"))
    bench.channel.shut_out("a:hanging")
    retried = await bench.say("retried", await bench.meet("a:retried"))
    bench.channel.plan("a:retried", failed(503, retry_after=20))
    await bench.start()
    bench.clock.set(bench.now - timedelta(hours=9))
    await bench.say("new", await bench.meet("a:new"))
    await bench.quiet()
    assert bench.channel.said_to("a:new") == ["new"]
    for _ in range(70):
        await bench.wind(1)
    assert await bench.state(retried) is State.DELIVERED
    assert await bench.state(hanging) is State.SENDING
    bench.channel.let_in("a:hanging")
    await bench.quiet()
    assert await bench.state(hanging) is State.DELIVERED
    assert bench.times_sent()[hanging] == 1


async def test_leases_are_renewed_while_a_request_hangs(
    bench: Bench, make_bench: MakeBench
) -> None:
    """However long the channel takes, nobody takes the work over."""
    made = await bench.say("hello", await bench.meet())
    bench.channel.shut_out("a:1")
    await bench.start()
    other = await make_bench()
    for _ in range(60):
        await bench.wind(5)
        lost = await other.store.reap("first", bench.now, 10)  # as one that waits for leases
        assert lost == []
    bench.channel.let_in("a:1")
    await bench.quiet()
    assert await bench.state(made) is State.DELIVERED


async def test_leases_are_renewed_after_the_clock_went_back(bench: Bench) -> None:
    """Not only once it is where it was."""
    bench.clock.advance(timedelta(hours=9))
    await bench.start()
    bench.clock.set(bench.now - timedelta(hours=9))
    await bench.wind(0.25)
    made = await bench.say("hello", await bench.meet())
    bench.channel.shut_out("a:1")
    await bench.quiet()
    for _ in range(12):
        await bench.wind(5)
        assert await bench.store.reap("first", bench.now, 10) == []
    assert await bench.state(made) is State.SENDING


# -- stopping --------------------------------------------------------------------------------


async def test_stopping_waits_for_what_is_in_flight(bench: Bench) -> None:
    """It ends, is settled, and nothing new is begun meanwhile."""
    reference = await bench.meet()
    made = await bench.say("one", reference)
    behind = await bench.say("two", reference)
    bench.channel.shut_out("a:1")
    await bench.start()
    stopping = asyncio.ensure_future(bench.stop())
    await bench.quiet()
    assert not stopping.done()
    bench.channel.let_in("a:1")
    await stopping
    assert await bench.state(made) is State.DELIVERED
    assert await bench.state(behind) is State.PENDING
    assert bench.texts_sent == ["one"]
    assert not await bench.store.served()


async def test_what_was_claimed_but_not_begun_is_handed_back(bench: Bench) -> None:
    """A stop in the middle of a claim leaves no attempt behind."""
    made = await bench.say("hello", await bench.meet())

    stopping: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()

    async def stop() -> None:
        stopping.put_nowait(asyncio.ensure_future(bench.stop()))
        await asyncio.sleep(0)

    bench.store.meanwhile = stop
    bench.store.on_work(bench.dispatcher.wake)
    bench._services = [bench.dispatcher]  # noqa: SLF001 - it is stopped before it has started well
    bench.dispatcher.start()
    await (await asyncio.wait_for(stopping.get(), 10))
    detail = await bench.detail(made)
    assert (detail.delivery.state, detail.delivery.attempts) == (State.PENDING, 0)
    assert detail.attempts == ()
    assert bench.texts_sent == []


async def test_stopping_does_not_wait_for_ever(make_bench: MakeBench) -> None:
    """After the grace what is still in flight is left to its lease, and taken over as lost."""
    bench = await make_bench(settings=DispatcherSettings(grace=timedelta(seconds=5)))
    ended = await bench.say("ended", await bench.meet("a:1"))
    hanging = await bench.say("hanging", await bench.meet("a:2"), on_unknown=OnUnknown.PARK)
    bench.channel.open.clear()
    bench.channel.shut_out("a:2")
    await bench.start()
    stopping = asyncio.ensure_future(bench.stop())
    await bench.quiet()
    bench.channel.open.set()
    await bench.quiet()
    assert not stopping.done()
    bench.clock.advance(5)
    await stopping
    assert await bench.state(ended) is State.DELIVERED
    assert await bench.state(hanging) is State.SENDING
    assert bench.channel.busy == 0
    successor = await make_bench(owner="second")
    await successor.start()
    assert await successor.state(hanging) is State.UNKNOWN
    assert successor.texts_sent == []


async def test_answers_are_settled_while_stopping_even_in_trouble(bench: Bench) -> None:
    """A database that is locked for a moment does not make them unknown."""
    made = await bench.say("hello", await bench.meet())
    bench.channel.shut_out("a:1")
    await bench.start()
    stopping = asyncio.ensure_future(bench.stop())
    await bench.quiet()
    bench.store.before.extend([StoreUnavailable("locked")] * 2)
    bench.channel.let_in("a:1")
    async with asyncio.timeout(20):
        while not stopping.done():
            await bench.wind(0.25)
    assert await bench.state(made) is State.DELIVERED


async def test_stopping_ends_even_if_the_database_does_not_come_back(
    make_bench: MakeBench,
) -> None:
    """The role is given up, and the successor learns the doubt."""
    bench = await make_bench(settings=DispatcherSettings(grace=timedelta(seconds=5)))
    made = await bench.say("hello", await bench.meet(), on_unknown=OnUnknown.PARK)
    bench.channel.shut_out("a:1")
    await bench.start()
    stopping = asyncio.ensure_future(bench.stop())
    await bench.quiet()
    bench.store.before.extend([StoreFull("full")] * 1_000)
    bench.channel.let_in("a:1")
    async with asyncio.timeout(20):
        while not stopping.done():
            await bench.wind(1)
    assert not await bench.store.served()
    successor = await make_bench(owner="second")
    await successor.start()
    assert await successor.state(made) is State.UNKNOWN


async def test_it_can_be_started_again(bench: Bench) -> None:
    """After a stop it goes on where it was."""
    reference = await bench.meet()
    await bench.start()
    await bench.stop()
    await bench.say("hello", reference)
    await bench.start()
    assert bench.texts_sent == ["hello"]


# -- handlers --------------------------------------------------------------------------------


async def test_turns_run_in_their_lane(make_bench: MakeBench) -> None:
    """Among plain deliveries, in order; what they sent is on record."""
    bench = await make_bench(turns=FakeTurns(report=lambda _: TurnEnded(activity_id="t-1")))
    reference = await bench.meet()
    await bench.say("before", reference)
    made = await bench.say("", reference, turn=Turn(handler="report", value=1))
    await bench.say("after", reference)
    await bench.start()
    assert bench.texts_sent == ["before", "after"]
    assert bench.turns.ran == ["report"]
    detail = await bench.detail(made)
    assert detail.delivery.state is State.DELIVERED
    assert detail.attempts[0].evidence.activity_id == "t-1"


async def test_a_turn_that_went_wrong_is_rejected(make_bench: MakeBench) -> None:
    """Its code's error is the delivery's record, and nobody else's business."""
    bench = await make_bench(
        turns=FakeTurns(report=lambda _: TurnEnded(error="KeyError: 'x'", activity_id="t-1"))
    )
    reference = await bench.meet()
    made = await bench.say("", reference, turn=Turn(handler="report"))
    await bench.say("behind", reference)
    await bench.start()
    assert await bench.standing(made) == (State.REJECTED, "handler_error")
    (attempt,) = (await bench.detail(made)).attempts
    assert (attempt.evidence.message, attempt.evidence.activity_id) == ("KeyError: 'x'", "t-1")
    assert bench.texts_sent == ["behind"]


async def test_a_turn_that_may_have_spoken_is_not_called_rejected(make_bench: MakeBench) -> None:
    """If an earlier attempt was lost, an error in the next leaves it to a person."""
    bench = await make_bench(turns=FakeTurns(report=lambda _: TurnEnded(error="KeyError: 'x'")))
    made = await bench.say(
        "", await bench.meet(), turn=Turn(handler="report"), on_unknown=OnUnknown.RETRY
    )
    await bench.claim(owner="dead")
    await bench.start()
    assert await bench.standing(made) == (State.UNKNOWN, "handler_error")


async def test_a_send_that_failed_in_a_turn_is_judged_like_any_other(
    make_bench: MakeBench,
) -> None:
    """A rate limit met in a turn is waited for, and the turn runs again."""
    answers = [failed(429, retry_after=3), Answer(failure=Failure.AMBIGUOUS)]
    bench = await make_bench(
        turns=FakeTurns(
            report=lambda _: TurnEnded(answer=answers.pop(0)) if answers else TurnEnded()
        )
    )
    made = await bench.say(
        "", await bench.meet(), turn=Turn(handler="report"), on_unknown=OnUnknown.PARK
    )
    await bench.start()
    assert await bench.state(made) is State.RETRYING
    await bench.wind(3)
    assert await bench.state(made) is State.UNKNOWN
    assert bench.turns.ran == ["report", "report"]


async def test_a_missing_handler_holds_its_deliveries(make_bench: MakeBench) -> None:
    """Without an attempt, until a process that has it starts; the lane goes on."""
    bench = await make_bench()
    reference = await bench.meet()
    made = await bench.say("", reference, turn=Turn(handler="report"))
    await bench.say("behind", reference)
    await bench.start()
    detail = await bench.detail(made)
    assert (detail.delivery.state, detail.delivery.reason) == (State.HELD, HeldReason.NO_HANDLER)
    assert (detail.delivery.attempts, detail.attempts) == (0, ())
    assert bench.texts_sent == ["behind"]
    await bench.wind(timedelta(days=1))
    assert await bench.state(made) is State.HELD
    await bench.stop()
    successor = await make_bench(
        owner="second", turns=FakeTurns(report=lambda _: TurnEnded(activity_id="t-1"))
    )
    await successor.start()
    assert await successor.state(made) is State.DELIVERED


async def test_who_claims_says_which_handlers_it_has(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the store can leave turns to processes that have theirs."""
    bench = await make_bench(turns=FakeTurns(report=lambda _: TurnEnded()))
    cycle, seen = bench.store.cycle, []

    async def watched(settlements: Sequence[Settlement], *, wanted: Wanted, **rest: Any) -> Cycled:
        if wanted.limit:
            seen.append(list(wanted.handlers or ()))
        return await cycle(settlements, wanted=wanted, **rest)

    monkeypatch.setattr(bench.store, "cycle", watched)
    made = await bench.say("", await bench.meet(), turn=Turn(handler="report"))
    await bench.start()
    assert await bench.state(made) is State.DELIVERED
    assert seen == [["report"]] * len(seen)


async def test_a_handler_may_be_registered_later(bench: Bench) -> None:
    """What waited for it runs soon after, without a restart."""
    made = await bench.say("", await bench.meet(), turn=Turn(handler="report"))
    await bench.start()
    assert await bench.state(made) is State.HELD
    bench.turns.handlers["report"] = lambda _: TurnEnded()
    await bench.wind(LEASE / 3)
    assert await bench.state(made) is State.DELIVERED
