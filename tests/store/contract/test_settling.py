"""Settling: how an attempt ends, and what becomes of its delivery."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from recado.domain.delivery import TRANSITIONS, Evidence, HeldReason, Outcome, State
from recado.domain.reference import Health, Presence
from tests.store.kit import SECOND, Desk, make_settlement


@pytest.mark.parametrize("state", sorted(s for s in TRANSITIONS[State.SENDING] if s.final))
async def test_final_states_free_the_lane(desk: Desk, state: State) -> None:
    """The delivery is history, dated and with its reason; the next one may go."""
    reference = await desk.meet()
    made = await desk.say("one", reference)
    await desk.say("two", reference)
    (claim,) = await desk.claim()
    ended = desk.later(3)
    await desk.settle(claim, state, reason="why")
    delivery = (await desk.detail(made)).delivery
    assert (delivery.state, delivery.reason) == (state, "why")
    assert (delivery.settled_at, delivery.due_at, delivery.attempts) == (ended, None, 1)
    assert await desk.drain() == ["two"]


async def test_a_retry_keeps_the_head_until_it_is_due(desk: Desk) -> None:
    """Nothing behind it leaves, and it is not tried before its time."""
    reference = await desk.meet()
    first = await desk.say("one", reference)
    await desk.say("two", reference)
    begun = desk.now
    (claim,) = await desk.claim()
    due = desk.later(1) + 10 * SECOND
    await desk.settle(claim, State.RETRYING, due_at=due)
    delivery = (await desk.detail(first)).delivery
    assert (delivery.state, delivery.reason, delivery.due_at) == (State.RETRYING, "http_503", due)
    assert await desk.store.next_due() == due
    desk.later(9)
    assert await desk.claim() == []
    desk.later(1)
    (again,) = await desk.claim()
    assert (again.delivery_id, again.attempt) == (first, 2)
    assert (again.head_since, again.started_at) == (begun, due)
    await desk.settle(again)
    assert await desk.drain() == ["two"]


async def test_what_is_held_lets_the_others_pass(desk: Desk) -> None:
    """It enters again at the end, when it is due, and has been at the head anew."""
    reference = await desk.meet()
    first = await desk.say("one", reference)
    await desk.say("two", reference)
    await desk.send(State.HELD, due_at=desk.now + 10 * SECOND)
    assert await desk.standing(first) == (State.HELD, HeldReason.BACKOFF)
    assert await desk.drain() == ["two"]
    await desk.say("three", reference)
    await desk.store.promote(desk.later(10), 10)
    await desk.say("four", reference)
    (claim,) = await desk.claim()
    await desk.settle(claim)
    (again,) = await desk.claim()
    assert (again.delivery_id, again.head_since) == (first, desk.now)


async def test_the_time_for_retries_runs_through_backoffs_only(desk: Desk) -> None:
    """Whatever else it waited for, a delivery has all its time again."""
    reference = await desk.meet()
    made = await desk.say("hello", reference)
    begun = desk.now
    await desk.send(State.RETRYING, due_at=desk.now)
    desk.later(10)
    await desk.send(State.HELD, due_at=desk.now)
    await desk.store.promote(desk.later(10), 10)
    (claim,) = await desk.claim()
    assert claim.tried_since == begun
    await desk.settle(claim, State.HELD, reason=str(HeldReason.NO_HANDLER), due_at=desk.now)
    await desk.store.promote(desk.later(10), 10)
    (claim,) = await desk.claim()
    assert claim.tried_since == desk.now
    await desk.settle(claim, State.REJECTED)
    await desk.store.retry(made, desk.later(10))
    (claim,) = await desk.claim()
    assert claim.tried_since == desk.now


async def test_the_parked_wait_for_a_person(desk: Desk) -> None:
    """An unknown delivery is outside its lane and never due."""
    reference = await desk.meet()
    parked = await desk.say("one", reference)
    await desk.say("two", reference)
    await desk.send(State.UNKNOWN, reason="no_answer")
    assert await desk.standing(parked) == (State.UNKNOWN, "no_answer")
    assert await desk.drain() == ["two"]
    assert await desk.store.next_due() is None
    assert await desk.store.promote(desk.later(10**6), 10) == 0


async def test_evidence_is_kept(desk: Desk) -> None:
    """Every attempt can be shown afterwards, as it was."""
    made = await desk.say("hello", await desk.meet())
    (claim,) = await desk.claim()
    begun, ended = desk.now, desk.later(2)
    first = Evidence(
        status=503,
        code="ServiceUnavailable",
        sub_code="Inner",
        message="nicht verfügbar 🎈",
        headers={"x-ms-correlation-id": "c-1"},
    )
    await desk.settle(claim, State.RETRYING, due_at=ended, evidence=first)
    receipt = Evidence(status=201, activity_id="1:abc")
    await desk.send(evidence=receipt)
    detail = await desk.detail(made)
    one, two = detail.attempts
    assert (one.number, one.owner, one.outcome) == (1, "me", Outcome.REJECTED)
    assert (one.started_at, one.ended_at, one.reason) == (begun, ended, "http_503")
    assert one.evidence == first
    assert (two.number, two.outcome, two.reason) == (2, Outcome.DELIVERED, None)
    assert two.evidence == receipt
    assert detail.delivery.evidence == receipt


async def test_an_attempt_can_have_a_reason_of_its_own(desk: Desk) -> None:
    """A delivery held for backoff still tells what it is backing off from."""
    made = await desk.say("hello", await desk.meet())
    await desk.send(State.HELD, because="http_503", due_at=None)
    detail = await desk.detail(made)
    assert detail.delivery.reason == HeldReason.BACKOFF
    assert detail.attempts[0].reason == "http_503"


async def test_strikes_count_equal_answers_in_a_row(desk: Desk) -> None:
    """Another status begins to count anew."""
    await desk.say("hello", await desk.meet())
    seen = []
    for status in (500, 500, 503, None, None, 500):
        (claim,) = await desk.claim()
        seen.append((claim.last_status, claim.strikes))
        await desk.settle(claim, State.RETRYING, due_at=desk.now, evidence=Evidence(status=status))
    (claim,) = await desk.claim()
    seen.append((claim.last_status, claim.strikes))
    assert seen == [(None, 0), (500, 1), (500, 2), (503, 1), (None, 1), (None, 2), (500, 1)]


async def test_doubt_stays(desk: Desk) -> None:
    """Once the channel may have it, no later answer makes that untrue."""
    await desk.say("hello", await desk.meet())
    await desk.send(State.RETRYING, due_at=desk.now, maybe_sent=True)
    for _ in range(2):
        (claim,) = await desk.claim()
        assert claim.maybe_sent
        await desk.settle(claim, State.RETRYING, due_at=desk.now)


async def test_what_was_not_tried_is_not_counted(desk: Desk) -> None:
    """An attempt of which nothing reached the channel leaves neither a number nor a record."""
    made = await desk.say("hello", await desk.meet())
    await desk.send(
        State.HELD, uncounted=True, due_at=desk.now, reason="no_handler", evidence=Evidence()
    )
    detail = await desk.detail(made)
    assert (detail.delivery.attempts, detail.attempts) == (0, ())
    await desk.store.promote(desk.now, 10)
    (claim,) = await desk.claim()
    assert claim.attempt == 1


async def test_a_refusal_of_the_bot_keeps_the_place(desk: Desk) -> None:
    """It is no attempt of the delivery's own, which goes first again; its evidence is kept."""
    reference = await desk.meet()
    made = await desk.say("one", reference)
    await desk.say("two", reference)
    evidence = Evidence(status=401, code="BotNotRegistered")
    await desk.send(State.PENDING, uncounted=True, reason="breaker", evidence=evidence)
    detail = await desk.detail(made)
    assert (detail.delivery.attempts, detail.delivery.reason) == (0, "breaker")
    assert [each.evidence for each in detail.attempts] == [evidence]
    (claim,) = await desk.claim()
    assert (claim.delivery_id, claim.attempt, claim.tried_since) == (made, 1, desk.now)


async def test_a_new_host_is_used_from_then_on(desk: Desk) -> None:
    """By this delivery, which remembers that it has switched, and by all later ones."""
    reference = await desk.meet()
    await desk.say("one", reference)
    await desk.say("two", reference)
    other = "https://smba.infra.gcc.teams.microsoft.com/"
    await desk.send(State.RETRYING, due_at=desk.now, service_url=other)
    (again,) = await desk.claim()
    assert (again.service_url, again.host_switched) == (other, True)
    await desk.settle(again)
    (following,) = await desk.claim()
    assert (following.service_url, following.host_switched) == (other, False)
    assert (await desk.find()).service_url == other


async def test_an_unreachable_conversation_holds_everything(desk: Desk) -> None:
    """One refusal is enough: what is pending behind it burns no attempts."""
    reference = await desk.meet()
    tried = await desk.say("one", reference)
    behind = await desk.say("two", reference)
    urgent = None
    (claim,) = await desk.claim()
    urgent = await desk.say("three", reference)
    await desk.settle(
        claim,
        State.HELD,
        reason=str(HeldReason.UNREACHABLE),
        health=Health.BLOCKED,
        health_reason="MessageWritesBlocked",
    )
    for each in (tried, behind, urgent):
        assert await desk.standing(each) == (State.HELD, HeldReason.UNREACHABLE)
    found = await desk.find()
    assert (found.health, found.health_reason) == (Health.BLOCKED, "MessageWritesBlocked")
    assert await desk.claim() == []
    assert await desk.store.next_due() is None


async def test_a_suspect_conversation_is_still_tried(desk: Desk) -> None:
    """A 404 may heal."""
    reference = await desk.meet()
    await desk.say("one", reference)
    await desk.say("two", reference)
    await desk.send(
        State.HELD, health=Health.SUSPECT, health_reason="http_404", due_at=desk.now + SECOND
    )
    assert (await desk.find()).health is Health.SUSPECT
    assert await desk.drain() == ["two"]


async def test_what_was_delivered_heals_its_conversation(desk: Desk) -> None:
    """A receipt proves that the conversation can be spoken in; what waited for it goes out."""
    reference = await desk.meet()
    held = await desk.make_unreachable(reference, Health.GONE)
    other = await desk.say("other", reference)
    desk.later(1)
    await desk.store.retry(held, desk.now)
    await desk.send()
    found = await desk.find()
    assert (found.health, found.health_reason) == (Health.ACTIVE, None)
    assert await desk.state(other) is State.PENDING
    assert await desk.drain() == ["other"]


async def test_a_receipt_does_not_heal_what_was_lost_since(desk: Desk) -> None:
    """If the bot was removed while the request was on its way, removed it is."""
    reference = await desk.meet()
    await desk.say("one", reference)
    (claim,) = await desk.claim()
    await desk.see(at=desk.later(1), presence=Presence.LEFT, members=())
    await desk.settle(claim)
    assert (await desk.find()).health is Health.UNINSTALLED


async def test_the_clock_of_an_attempt_is_not_the_lanes(desk: Desk) -> None:
    """Settlements may come together, each with its own end."""
    for number in range(3):
        await desk.say("hello", await desk.meet(f"a:{number}"))
    claims = await desk.claim()
    ended = [desk.later(1) for _ in claims]
    await desk.claim(
        0,
        settled=[make_settlement(claim, at=at) for claim, at in zip(claims, ended, strict=True)],
    )
    found = [(await desk.detail(claim.delivery_id)).delivery.settled_at for claim in claims]
    assert found == ended


async def test_nothing_settled_and_nothing_wanted_is_nothing_done(desk: Desk) -> None:
    """An empty cycle is allowed."""
    await desk.say("hello", await desk.meet())
    assert not await desk.claim(0)


async def test_broken_text_in_evidence_is_recorded_as_far_as_it_goes(desk: Desk) -> None:
    """A channel's answer with half a surrogate pair keeps nobody from settling."""
    made = await desk.say("hello", await desk.meet())
    evidence = Evidence(
        status=400, code="\ud800", message="broken \udfff", headers={"x-ms": "\ud83d"}
    )
    await desk.send(State.REJECTED, evidence=evidence)
    (attempt,) = (await desk.detail(made)).attempts
    assert (attempt.evidence.code, attempt.evidence.message) == ("?", "broken ?")


async def test_many_settle_at_once(desk: Desk) -> None:
    """States of one batch do not mix."""
    states = [State.DELIVERED, State.REJECTED, State.RETRYING, State.HELD, State.UNKNOWN]
    for number in range(50):
        await desk.say("hello", await desk.meet(f"a:{number}"))
    claims = await desk.claim()
    wanted = {
        claim.delivery_id: states[number % len(states)] for number, claim in enumerate(claims)
    }
    due = desk.now + timedelta(hours=1)
    settled = [
        replace(make_settlement(claim, wanted[claim.delivery_id]), due_at=due) for claim in claims
    ]
    assert await desk.claim(settled=settled) == []
    assert {each: await desk.state(each) for each in wanted} == wanted


async def test_a_refusal_does_not_undo_a_return(desk: Desk) -> None:
    """Who writes while a request is under way is back, whatever that request is answered."""
    made = await desk.say("hello", await desk.meet())
    (claim,) = await desk.claim()
    desk.later(5)
    await desk.see()
    desk.later(5)
    await desk.settle(
        claim,
        State.HELD,
        reason=str(HeldReason.UNREACHABLE),
        health=Health.BLOCKED,
        health_reason="ConversationBlockedByUser",
    )
    assert (await desk.find()).health is Health.ACTIVE
    assert await desk.state(made) is State.PENDING
