"""Late settlements: what a process says about work that is no longer its own."""

from __future__ import annotations

import pytest

from recado.domain.delivery import Evidence, OnUnknown, Outcome, State
from recado.domain.making import Made
from recado.domain.reference import Health
from recado.store.port import Claim
from tests.store.kit import LEASE, SECOND, Desk, make_settlement


async def taken_over(desk: Desk, text: str = "hello", **changes: object) -> Claim:
    """A claim whose lease ran out and whose lane was taken over."""
    reference = await desk.meet()
    made = await desk.say(text, reference, **changes)
    claims = await desk.claim(owner="slow")
    (claim,) = [each for each in claims if each.delivery_id == made]
    desk.clock.advance(LEASE + SECOND)
    assert await desk.store.reap("me", desk.now, 10)
    return claim


async def settle_late(desk: Desk, claim: Claim, state: State, **changes: object) -> None:
    """The slow process comes back and settles."""
    settlement = make_settlement(claim, state, desk.now, **changes)
    await desk.claim(0, settled=[settlement], owner="slow")


RECEIPT = Evidence(status=200, activity_id="late-1")


async def test_a_late_receipt_ends_a_retry(desk: Desk) -> None:
    """The channel took it: it is not sent again, and the lane goes on."""
    claim = await taken_over(desk)
    await desk.say("behind", await desk.find())
    await settle_late(desk, claim, State.DELIVERED, evidence=RECEIPT)
    assert await desk.standing(claim.delivery_id) == (State.DELIVERED, "late_receipt")
    assert await desk.drain() == ["behind"]


async def test_a_late_receipt_ends_a_parked_delivery(desk: Desk) -> None:
    """Nobody has to decide what is known now."""
    claim = await taken_over(desk, on_unknown=OnUnknown.PARK)
    assert await desk.state(claim.delivery_id) is State.UNKNOWN
    await settle_late(desk, claim, State.DELIVERED, evidence=RECEIPT)
    assert await desk.state(claim.delivery_id) is State.DELIVERED


async def test_a_late_receipt_ends_what_is_pending_again(desk: Desk) -> None:
    """A person had asked for another try, which is not needed any more."""
    claim = await taken_over(desk, on_unknown=OnUnknown.PARK)
    await desk.store.retry(claim.delivery_id, desk.now)
    assert await desk.state(claim.delivery_id) is State.PENDING
    await settle_late(desk, claim, State.DELIVERED, evidence=RECEIPT)
    assert await desk.state(claim.delivery_id) is State.DELIVERED
    assert await desk.drain() == []


async def test_a_late_receipt_ends_what_is_held(desk: Desk) -> None:
    """Whatever it was waiting for."""
    claim = await taken_over(desk)
    await desk.send(State.HELD, due_at=desk.now + SECOND)
    await settle_late(desk, claim, State.DELIVERED, evidence=RECEIPT)
    assert await desk.state(claim.delivery_id) is State.DELIVERED
    assert await desk.store.promote(desk.later(10), 10) == 0


async def test_a_late_receipt_finds_what_has_moved(desk: Desk) -> None:
    """Its conversation was made again and was known by another name: that lane is empty now."""
    claim = await taken_over(desk)
    again = await desk.claim_of(claim.delivery_id)
    await desk.settle(again, State.RETRYING, due_at=desk.now, make_again=True)
    again = await desk.claim_of(claim.delivery_id)
    there = await desk.meet("a:new", members=())
    made = Made(conversation_id="a:new", service_url=again.service_url)
    await desk.settle(again, State.PENDING, reason=None, uncounted=True, made=made)
    assert (await desk.detail(claim.delivery_id)).delivery.reference_id == there.id
    await settle_late(desk, claim, State.DELIVERED, evidence=RECEIPT)
    other = await desk.say("another", await desk.meet("a:other", members=()))
    (next_one,) = await desk.claim(1)
    assert next_one.delivery_id == other


@pytest.mark.parametrize(
    "other", [State.DELIVERED, State.REJECTED, State.RETRYING, State.HELD, State.UNKNOWN]
)
async def test_a_late_receipt_counts_while_another_is_sending(desk: Desk, other: State) -> None:
    """It is delivered, whatever the other's answer is; and the other's lane goes on."""
    claim = await taken_over(desk)
    behind = await desk.say("behind", await desk.find())
    (again,) = await desk.claim()
    assert again.delivery_id == claim.delivery_id
    await settle_late(desk, claim, State.DELIVERED, evidence=RECEIPT)
    assert await desk.state(claim.delivery_id) is State.DELIVERED
    assert await desk.claim() == [], "the other one still holds the lane"
    await desk.settle(again, other, due_at=desk.now)
    assert await desk.state(claim.delivery_id) is State.DELIVERED
    (following,) = await desk.claim()
    assert following.delivery_id == behind


async def test_a_lane_is_taken_over_although_its_head_has_ended(desk: Desk) -> None:
    """The other one dies after the late receipt: what stands behind still goes out."""
    claim = await taken_over(desk)
    await desk.say("behind", await desk.find())
    await desk.claim(owner="dying")
    await settle_late(desk, claim, State.DELIVERED, evidence=RECEIPT)
    desk.clock.advance(LEASE + SECOND)
    assert await desk.store.reap("me", desk.now, 10) == []
    assert await desk.drain() == ["behind"]


async def test_handing_back_what_has_ended_frees_the_lane(desk: Desk) -> None:
    """As settling it would."""
    claim = await taken_over(desk)
    await desk.say("behind", await desk.find())
    again = await desk.claim()
    await settle_late(desk, claim, State.DELIVERED, evidence=RECEIPT)
    await desk.store.hand_back(again)
    assert await desk.drain() == ["behind"]


@pytest.mark.parametrize(
    "state", [State.REJECTED, State.RETRYING, State.HELD, State.UNKNOWN, State.EXPIRED]
)
@pytest.mark.parametrize("on_unknown", list(OnUnknown))
async def test_other_late_news_change_nothing(
    desk: Desk, state: State, on_unknown: OnUnknown
) -> None:
    """Only a receipt counts; health and host told late are stale as well."""
    claim = await taken_over(desk, on_unknown=on_unknown)
    before = await desk.standing(claim.delivery_id)
    await settle_late(
        desk,
        claim,
        state,
        due_at=desk.now + SECOND,
        health=Health.BLOCKED,
        service_url="https://stale.example/",
    )
    assert await desk.standing(claim.delivery_id) == before
    found = await desk.find()
    assert found.health is Health.ACTIVE
    assert found.service_url == "https://smba.trafficmanager.net/emea/"


@pytest.mark.parametrize("state", [State.REJECTED, State.RETRYING, State.HELD, State.DELIVERED])
async def test_late_news_replace_what_was_supposed(desk: Desk, state: State) -> None:
    """The attempt's record says what really happened, once."""
    claim = await taken_over(desk)
    (supposed,) = (await desk.detail(claim.delivery_id)).attempts
    assert (supposed.outcome, supposed.reason) == (Outcome.UNKNOWN, "lost")
    evidence = Evidence(status=418, code="teapot")
    await settle_late(desk, claim, state, evidence=evidence, reason="really")
    (attempt,) = (await desk.detail(claim.delivery_id)).attempts
    assert attempt.evidence == evidence
    assert attempt.reason == "really"
    assert attempt.owner == "slow"


async def test_late_news_do_not_touch_what_another_is_sending(desk: Desk) -> None:
    """The lane stays the other's until it settles."""
    claim = await taken_over(desk)
    await desk.say("behind", await desk.find())
    (again,) = await desk.claim()
    await settle_late(desk, claim, State.REJECTED)
    assert await desk.state(claim.delivery_id) is State.SENDING
    assert await desk.claim() == []
    await desk.settle(again)
    assert await desk.drain() == ["behind"]


async def test_what_has_ended_stays_ended(desk: Desk) -> None:
    """A late receipt for a rejected delivery is on record and changes nothing."""
    claim = await taken_over(desk)
    await desk.send(State.REJECTED, reason="really")
    await settle_late(desk, claim, State.DELIVERED, evidence=RECEIPT)
    assert await desk.standing(claim.delivery_id) == (State.REJECTED, "really")
    first, _ = (await desk.detail(claim.delivery_id)).attempts
    assert (first.outcome, first.evidence) == (Outcome.DELIVERED, RECEIPT)


@pytest.mark.parametrize("state", [State.DELIVERED, State.RETRYING, State.HELD, State.UNKNOWN])
async def test_settling_twice_does_what_settling_once_does(desk: Desk, state: State) -> None:
    """A caller that does not know whether its commit arrived may repeat it."""
    reference = await desk.meet()
    await desk.say("one", reference)
    second = await desk.say("two", reference)
    (claim,) = await desk.claim()
    settlement = make_settlement(claim, state, desk.now, due_at=desk.now + SECOND)
    await desk.claim(0, settled=[settlement])
    before = await desk.detail(claim.delivery_id)
    following = await desk.claim()
    await desk.claim(0, settled=[settlement])
    assert await desk.detail(claim.delivery_id) == before
    if following:
        assert await desk.state(second) is State.SENDING
        assert await desk.claim() == []


async def test_settling_after_handing_back_is_late(desk: Desk) -> None:
    """The lane was given back; a settlement of what was never begun changes nothing."""
    await desk.say("one", await desk.meet())
    (claim,) = await desk.claim()
    await desk.store.hand_back([claim])
    await desk.settle(claim, State.REJECTED)
    assert await desk.state(claim.delivery_id) is State.PENDING


async def test_handing_back_late_is_left_alone(desk: Desk) -> None:
    """What another is sending by now cannot be handed back by who had it before."""
    claim = await taken_over(desk)
    (again,) = await desk.claim()
    await desk.store.hand_back([claim])
    assert await desk.state(claim.delivery_id) is State.SENDING
    assert await desk.claim() == []
    await desk.settle(again)
    assert await desk.state(claim.delivery_id) is State.DELIVERED


async def test_timely_and_late_ones_of_one_batch_do_not_mix(desk: Desk) -> None:
    """Each is judged by its own lane."""
    late = await taken_over(desk)
    await desk.claim()
    await desk.say("timely", await desk.meet("a:2"))
    (timely,) = await desk.claim(owner="slow")
    settled = [make_settlement(each, State.REJECTED, desk.now) for each in (late, timely)]
    await desk.claim(0, settled=settled, owner="slow")
    assert await desk.state(late.delivery_id) is State.SENDING
    assert await desk.state(timely.delivery_id) is State.REJECTED
