"""Acceptance: what is committed when a notification is accepted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from recado.domain.audience import Conversation, Person, Several
from recado.domain.content import content_of
from recado.domain.delivery import HeldReason, OnUnknown, State
from recado.domain.notification import Turn
from recado.errors import InvalidAudience
from recado.testing import START, make_notification
from tests.store.kit import SECOND, Desk


async def test_deliveries_are_made_in_the_order_of_the_lanes(desk: Desk) -> None:
    """One for each reference, in order, and known by their ids."""
    lanes = [await desk.meet(f"a:{number}") for number in (3, 1, 2)]
    accepted = await desk.accept("hello", *lanes)
    assert accepted.accepted_at == START
    assert not accepted.replayed
    assert len(accepted.delivery_ids) == 3
    assert list(accepted.delivery_ids) == sorted(accepted.delivery_ids)
    for delivery_id, lane in zip(accepted.delivery_ids, lanes, strict=True):
        delivery = (await desk.detail(delivery_id)).delivery
        assert delivery.reference_id == lane.id
        assert delivery.notification_id == accepted.notification_id
        assert (delivery.state, delivery.reason, delivery.attempts) == (State.PENDING, None, 0)
        assert (delivery.accepted_at, delivery.settled_at) == (START, None)


async def test_what_was_accepted_is_found_by_the_next_process(desk: Desk, successor: Desk) -> None:
    """Accepted means committed: another process finds it although this one was not closed."""
    reference = await desk.meet()
    made = await desk.say("hello", reference)
    assert await successor.state(made) is State.PENDING
    assert await successor.drain() == ["hello"]


async def test_what_is_due_later_is_scheduled(desk: Desk) -> None:
    """It waits outside the lane until its time."""
    reference = await desk.meet()
    due = desk.now + timedelta(hours=1)
    made = await desk.say("later", reference, due_at=due)
    delivery = (await desk.detail(made)).delivery
    assert (delivery.state, delivery.due_at) == (State.SCHEDULED, due)
    assert await desk.claim() == []


async def test_a_time_that_has_passed_is_now(desk: Desk) -> None:
    """Late is better than never."""
    reference = await desk.meet()
    made = await desk.say("hello", reference, due_at=desk.now - timedelta(days=400))
    assert await desk.state(made) is State.PENDING


async def test_what_is_for_an_unreachable_conversation_is_held(desk: Desk) -> None:
    """No attempt is made where nobody can be spoken to."""
    reference = await desk.meet()
    await desk.make_unreachable(reference)
    made = await desk.say("hello", reference)
    assert await desk.standing(made) == (State.HELD, HeldReason.UNREACHABLE)
    assert await desk.claim() == []


async def test_a_plain_claim_carries_what_was_said(desk: Desk) -> None:
    """Content, user, expiry and the choice for the unknown reach whoever sends."""
    reference = await desk.meet()
    user = {"id": "29:ben", "name": "Ben", "extra": {"kept": None}}
    until = desk.now + timedelta(hours=1)
    accepted = await desk.accept(
        "hé 🎈",
        reference,
        user=user,
        expires_at=until,
        on_unknown=OnUnknown.PARK,
    )
    (claim,) = await desk.claim()
    assert claim.delivery_id == accepted.delivery_ids[0]
    assert claim.notification_id == accepted.notification_id
    assert json.loads(claim.content or "") == content_of("hé 🎈").activity
    assert json.loads(claim.user or "") == user
    assert (claim.handler, claim.value, claim.value_type) == (None, None, None)
    assert (claim.expires_at, claim.on_unknown) == (until, OnUnknown.PARK)
    assert (claim.bot, claim.channel, claim.conversation_id) == ("local", "msteams", "a:1")
    assert claim.service_url == "https://smba.trafficmanager.net/emea/"


@pytest.mark.parametrize("value", [{"a": [1, None, "é"]}, [], 0, False, "", "text"])
async def test_a_turn_claim_carries_its_payload(desk: Desk, value: Any) -> None:
    """Any JSON value comes back as it was given."""
    reference = await desk.meet()
    await desk.say("", reference, turn=Turn(handler="report", value=value, value_type="x/y"))
    (claim,) = await desk.claim()
    assert claim.content is None
    assert (claim.handler, claim.value_type) == ("report", "x/y")
    assert json.loads(claim.value or "") == value


async def test_a_turn_without_payload_has_none(desk: Desk) -> None:
    """Nothing is not null."""
    reference = await desk.meet()
    await desk.say("", reference, turn=Turn(handler="report"))
    (claim,) = await desk.claim()
    assert (claim.value, claim.value_type) == (None, None)


@pytest.mark.parametrize(
    "audience", [Several(()), Conversation("a:1"), Person("29:ana"), Several((Person("x"),))]
)
async def test_nobody_is_not_everybody(desk: Desk, audience: Any) -> None:
    """Without recipients only a notification to everyone is accepted: no slip tells everyone."""
    await desk.meet()
    notification = make_notification(audience=audience)
    with pytest.raises(InvalidAudience):
        await desk.store.accept(notification, [])
    assert await desk.store.progress(notification.id) is None
    assert await desk.store.expand(desk.now, 10) == 0
    assert await desk.claim() == []


async def test_a_wake_up_follows_each_acceptance(desk: Desk) -> None:
    """Whoever delivers in this process need not poll to find it."""
    woken: list[bool] = []
    desk.store.on_work(lambda: woken.append(True))
    reference = await desk.meet()
    assert not woken
    await desk.say("hello", reference)
    assert woken == [True]


# -- collapse keys ---------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.PENDING, State.SCHEDULED, State.HELD, State.RETRYING])
async def test_a_newer_version_supersedes_unsent_ones(desk: Desk, state: State) -> None:
    """Only the newest with a collapse key is worth saying, wherever the older ones wait."""
    reference = await desk.meet()
    due = desk.now + timedelta(hours=1) if state is State.SCHEDULED else desk.now
    old = await desk.say("old", reference, collapse_key="price", due_at=due)
    if state in (State.HELD, State.RETRYING):
        await desk.send(state, due_at=desk.now + 60 * SECOND)
    assert await desk.state(old) is state
    new = await desk.say("new", reference, collapse_key="price")
    assert await desk.standing(old) == (State.SUPERSEDED, "collapse_key")
    assert await desk.drain() == ["new"]
    assert await desk.state(new) is State.DELIVERED


async def test_what_is_being_sent_is_not_superseded(desk: Desk) -> None:
    """A request on the wire cannot be called back; the newer one follows it."""
    reference = await desk.meet()
    old = await desk.say("old", reference, collapse_key="price")
    (claim,) = await desk.claim()
    await desk.say("new", reference, collapse_key="price")
    assert await desk.state(old) is State.SENDING
    await desk.settle(claim)
    assert await desk.drain() == ["new"]


async def test_other_keys_conversations_and_bots_are_left_alone(desk: Desk) -> None:
    """A collapse key means something in one conversation of one bot."""
    here, there = await desk.meet("a:1"), await desk.meet("a:2")
    await desk.say("plain", here)
    await desk.say("other key", here, collapse_key="other")
    await desk.say("there", there, collapse_key="price")
    await desk.say("here", here, collapse_key="price")
    assert sorted(await desk.drain()) == ["here", "other key", "plain", "there"]


async def test_superseding_the_last_leaves_no_lane_behind(desk: Desk) -> None:
    """The newer one scheduled for later, the lane is empty and nothing is claimed from it."""
    reference = await desk.meet()
    await desk.say("old", reference, collapse_key="price")
    later = desk.now + timedelta(hours=1)
    await desk.say("new", reference, collapse_key="price", due_at=later)
    assert await desk.claim() == []
    await desk.say("else", reference)
    assert await desk.drain() == ["else"]


# -- the turn's own conversation -------------------------------------------------------------


async def test_a_turns_own_conversation_waits_for_its_end(desk: Desk) -> None:
    """Only the delivery to the turn's conversation waits; others leave at once."""
    own, other = await desk.meet("a:own"), await desk.meet("a:other")
    accepted = await desk.accept(
        "hello", own, other, after_turn="turn-1", after_turn_lane=own.number
    )
    waiting, leaving = accepted.delivery_ids
    assert await desk.standing(waiting) == (State.HELD, HeldReason.BUSY)
    assert [claim.delivery_id for claim in await desk.claim()] == [leaving]


async def test_a_turn_that_never_ended_is_waited_for_a_minute(desk: Desk) -> None:
    """If its process died in it, the delivery leaves nevertheless."""
    own = await desk.meet()
    await desk.say("hello", own, after_turn="turn-1", after_turn_lane=own.number)
    assert await desk.store.next_due() == START + 60 * SECOND
    assert await desk.store.promote(desk.later(59), 10) == 0
    assert await desk.store.promote(desk.later(1), 10) == 1
    assert await desk.drain() == ["hello"]
