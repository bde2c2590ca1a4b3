"""Taking over: what becomes of the work of processes that died or slept."""

from __future__ import annotations

import pytest

from recado.domain.delivery import HeldReason, OnUnknown, Outcome, State
from recado.domain.notification import Turn
from recado.domain.reference import Presence
from recado.store.port import Lost, Wanted
from tests.store.kit import LEASE, SECOND, Desk


async def test_nothing_is_taken_from_who_holds_its_lease(desk: Desk) -> None:
    """Own work under way is nobody's to take over."""
    await desk.say("hello", await desk.meet())
    (claim,) = await desk.claim()
    desk.clock.advance(LEASE - SECOND)
    assert await desk.store.reap("me", desk.now, 10) == []
    await desk.settle(claim)
    assert await desk.state(claim.delivery_id) is State.DELIVERED


async def test_what_was_lost_is_retried_at_once(desk: Desk) -> None:
    """It keeps its place at the head of its lane; that it may have arrived is remembered."""
    reference = await desk.meet()
    made = await desk.say("one", reference)
    await desk.say("two", reference)
    begun = desk.now
    await desk.claim(owner="dead")
    desk.clock.advance(LEASE + SECOND)
    assert await desk.store.reap("me", desk.now, 10) == [
        Lost(delivery_id=made, state=State.RETRYING)
    ]
    assert await desk.standing(made) == (State.RETRYING, "lost")
    (attempt,) = (await desk.detail(made)).attempts
    assert (attempt.number, attempt.owner) == (1, "dead")
    assert (attempt.outcome, attempt.reason) == (Outcome.UNKNOWN, "lost")
    assert (attempt.started_at, attempt.ended_at) == (begun, desk.now)
    (again,) = await desk.claim()
    assert (again.delivery_id, again.attempt, again.maybe_sent) == (made, 2, True)
    assert again.head_since == begun
    await desk.settle(again)
    assert await desk.drain() == ["two"]


async def test_what_must_not_arrive_twice_is_parked(desk: Desk) -> None:
    """The lane goes on without it."""
    reference = await desk.meet()
    made = await desk.say("one", reference, on_unknown=OnUnknown.PARK)
    await desk.say("two", reference)
    await desk.claim(owner="dead")
    desk.clock.advance(LEASE + SECOND)
    assert await desk.store.reap("me", desk.now, 10) == [
        Lost(delivery_id=made, state=State.UNKNOWN)
    ]
    assert await desk.standing(made) == (State.UNKNOWN, "lost")
    assert await desk.drain() == ["two"]


async def test_what_was_lost_in_a_conversation_that_has_gone_is_held(desk: Desk) -> None:
    """It is not tried where nobody can be spoken to."""
    made = await desk.say("one", await desk.meet())
    await desk.claim(owner="dead")
    await desk.see(at=desk.later(1), presence=Presence.LEFT, members=())
    desk.clock.advance(LEASE + SECOND)
    assert await desk.store.reap("me", desk.now, 10) == [Lost(delivery_id=made, state=State.HELD)]
    assert await desk.standing(made) == (State.HELD, HeldReason.UNREACHABLE)
    assert await desk.claim() == []
    await desk.see(at=desk.later(1))
    (claim,) = await desk.claim()
    assert claim.maybe_sent


async def test_it_is_taken_over_in_steps(desk: Desk) -> None:
    """Each no longer than it is told to be, until nothing is left."""
    for number in range(5):
        await desk.say("hello", await desk.meet(f"a:{number}"))
    await desk.claim(owner="dead")
    desk.clock.advance(LEASE + SECOND)
    steps = []
    while lost := await desk.store.reap("me", desk.now, 2):
        steps.append(len(lost))
    assert steps == [2, 2, 1]
    assert len(await desk.claim()) == 5


async def test_renewing_keeps_the_leases_of_these_claims(desk: Desk) -> None:
    """And no others: what its owner does not know of, because an answer was lost, runs out."""
    for number in range(3):
        await desk.say("hello", await desk.meet(f"a:{number}"))
    *known, forgotten = await desk.claim()
    desk.clock.advance(LEASE - SECOND)
    await desk.store.renew(known, desk.now + LEASE)
    desk.later(2)
    lost = await desk.store.reap("me", desk.now, 10)
    assert [each.delivery_id for each in lost] == [forgotten.delivery_id]
    await desk.store.renew([], desk.now + LEASE)


async def test_renewing_late_keeps_nothing(desk: Desk) -> None:
    """A lane that went to another is the other's, and its lease is not ours to extend."""
    await desk.say("hello", await desk.meet())
    claims = await desk.claim(owner="slow")
    desk.clock.advance(LEASE + SECOND)
    await desk.store.reap("me", desk.now, 10)
    (again,) = await desk.claim(owner="me")
    await desk.store.renew(claims, desk.now + 10 * LEASE)
    desk.clock.advance(LEASE + SECOND)
    (lost,) = await desk.store.reap("other", desk.now, 10)
    assert lost.delivery_id == again.delivery_id


async def test_a_lease_renewed_in_time_is_settled_in_time(desk: Desk) -> None:
    """However long the channel takes."""
    await desk.say("hello", await desk.meet())
    (claim,) = await desk.claim()
    for _ in range(10):
        desk.clock.advance(LEASE - SECOND)
        await desk.store.renew([claim], desk.now + LEASE)
        assert await desk.store.reap("me", desk.now, 10) == []
    await desk.settle(claim)
    assert await desk.state(claim.delivery_id) is State.DELIVERED


# -- handing back ----------------------------------------------------------------------------


async def test_what_is_handed_back_was_never_tried(desk: Desk) -> None:
    """It stands where it stood, its attempt not counted, and can be claimed at once."""
    reference = await desk.meet()
    made = await desk.say("one", reference)
    await desk.say("two", reference)
    claims = await desk.claim()
    await desk.store.hand_back(claims)
    detail = await desk.detail(made)
    assert (detail.delivery.state, detail.delivery.attempts) == (State.PENDING, 0)
    assert detail.attempts == ()
    desk.later(5)
    (again,) = await desk.claim()
    assert (again.delivery_id, again.attempt) == (made, 1)
    assert again.head_since == again.tried_since == desk.now
    await desk.settle(again)
    assert await desk.drain() == ["two"]


async def test_a_retry_that_is_handed_back_keeps_its_history(desk: Desk) -> None:
    """Attempts made before still count, and so does the time at the head."""
    reference = await desk.meet()
    made = await desk.say("one", reference)
    begun = desk.now
    await desk.send(State.RETRYING, due_at=desk.now, maybe_sent=True)
    await desk.store.hand_back(await desk.claim())
    desk.later(5)
    (again,) = await desk.claim()
    assert (again.delivery_id, again.attempt) == (made, 2)
    assert (again.maybe_sent, again.strikes) == (True, 1)
    assert again.head_since == again.tried_since == begun


async def test_what_goes_on_in_a_conversation_that_has_gone_is_held(desk: Desk) -> None:
    """Refused for its bot's sake it keeps its place, but not in a lane that leads to nobody."""
    claim = await desk.claim_of(await desk.say("hello", await desk.meet()))
    await desk.see(presence=Presence.LEFT)
    await desk.settle(claim, State.PENDING, reason="breaker", uncounted=True)
    assert await desk.standing(claim.delivery_id) == (State.HELD, "unreachable")
    assert await desk.claim() == []


async def test_handing_back_in_a_conversation_that_has_gone(desk: Desk) -> None:
    """It is held for the return, like everything else there."""
    made = await desk.say("one", await desk.meet())
    claims = await desk.claim()
    await desk.see(at=desk.later(1), presence=Presence.LEFT, members=())
    await desk.store.hand_back(claims)
    assert await desk.standing(made) == (State.HELD, HeldReason.UNREACHABLE)


async def test_nothing_can_be_handed_back(desk: Desk) -> None:
    """No claims are no claims."""
    await desk.store.hand_back([])


# -- releases --------------------------------------------------------------------------------


async def hold_for_handler(desk: Desk, conversation_id: str, handler: str) -> str:
    """A turn delivery that nobody can run."""
    reference = await desk.meet(conversation_id)
    made = await desk.say("", reference, turn=Turn(handler=handler))
    (claim,) = await desk.claim()
    await desk.settle(claim, State.HELD, reason=str(HeldReason.NO_HANDLER), uncounted=True)
    return made


async def test_handlers_release_what_waits_for_them(desk: Desk) -> None:
    """And nothing else."""
    report = await hold_for_handler(desk, "a:1", "report")
    other = await hold_for_handler(desk, "a:2", "other")
    backoff = await desk.delivery_in(State.HELD, await desk.meet("a:3"))
    assert await desk.store.release_handlers([]) == 0
    assert await desk.store.release_handlers(["nobody", "report"]) == 1
    assert await desk.state(report) is State.PENDING
    assert await desk.state(other) is State.HELD
    assert await desk.state(backoff) is State.HELD
    assert await desk.store.release_handlers(["report"]) == 0


async def test_a_turn_nobody_can_run_is_claimed_to_be_held(desk: Desk) -> None:
    """By whoever delivers, so that those behind it need not wait for nobody."""
    reference = await desk.meet()
    made = await desk.say("", reference, turn=Turn(handler="report"))
    await desk.say("behind", reference)
    (claim,) = (await desk.cycle(Wanted(limit=8, handlers=["other"]))).claims
    assert claim.delivery_id == made
    await desk.settle(claim, State.HELD, reason=str(HeldReason.NO_HANDLER), uncounted=True)
    assert await desk.drain() == ["behind"]


async def test_a_turn_releases_what_waited_for_its_end(desk: Desk) -> None:
    """In order, and only what waited for this turn."""
    reference = await desk.meet()
    for text, turn in (("one", "t1"), ("two", "t1"), ("other", "t2")):
        await desk.say(text, reference, after_turn=turn, after_turn_lane=reference.number)
    assert await desk.store.release_turn("t1") == 2
    assert await desk.store.release_turn("t1") == 0
    assert await desk.drain() == ["one", "two"]
    await desk.say("now", reference)
    assert await desk.store.release_turn("t2") == 1
    assert await desk.drain() == ["now", "other"]


async def test_what_a_turn_scheduled_is_not_released_by_its_end(desk: Desk) -> None:
    """It leaves when it is due."""
    reference = await desk.meet()
    made = await desk.say(
        "later",
        reference,
        due_at=desk.now + 60 * SECOND,
        after_turn="t1",
        after_turn_lane=reference.number,
    )
    assert await desk.store.release_turn("t1") == 0
    assert await desk.state(made) is State.SCHEDULED


@pytest.mark.parametrize("how", ["turn", "handler"])
async def test_releases_do_not_reach_the_unreachable(desk: Desk, how: str) -> None:
    """A release in a conversation that has gone changes only what is waited for."""
    if how == "turn":
        reference = await desk.meet()
        made = await desk.say("x", reference, after_turn="t1", after_turn_lane=reference.number)
    else:
        made = await hold_for_handler(desk, "a:1", "report")
    await desk.see(at=desk.later(1), presence=Presence.LEFT, members=())
    released = (
        await desk.store.release_turn("t1")
        if how == "turn"
        else await desk.store.release_handlers(["report"])
    )
    assert released == 0
    assert await desk.standing(made) == (State.HELD, HeldReason.UNREACHABLE)
    assert (await desk.see(at=desk.later(1))).released == 1


# -- sends of turns --------------------------------------------------------------------------


async def test_sends_of_a_turn_are_recorded_by_number(desk: Desk) -> None:
    """A second run finds what the first one got through, whatever has become of the delivery."""
    made = await desk.say("", await desk.meet(), turn=Turn(handler="report"))
    assert await desk.store.recorded_sends(made) == {}
    await desk.claim()
    await desk.store.record_send(made, 2, None)
    await desk.store.record_send(made, 1, "activity-1")
    await desk.store.record_send(made, 1, "activity-1b")
    assert await desk.store.recorded_sends(made) == {1: "activity-1b", 2: None}
    assert await desk.store.recorded_sends("other") == {}
