"""Looking at deliveries, and steering single ones."""

from __future__ import annotations

from typing import Any

import pytest

from recado.domain.delivery import TRANSITIONS, HeldReason, Priority, State
from recado.domain.notification import Turn
from recado.domain.reference import ConversationKey, Health
from recado.errors import RecadoError, TransitionRefused, UnknownDelivery
from recado.store.port import DeliveryFilter
from recado.testing import START
from tests.store.kit import REACHABLE, SECOND, Desk

RETRIED = {State.REJECTED, State.UNKNOWN, State.HELD, State.RETRYING}


@pytest.mark.parametrize("state", sorted(RETRIED))
async def test_retry_lets_it_enter_its_lane_now(desk: Desk, state: State) -> None:
    """Whatever it was waiting for, it can be claimed; its attempts go on counting."""
    made = await desk.delivery_in(state, await desk.meet())
    await desk.store.retry(made, desk.now)
    (claim,) = await desk.claim()
    assert (claim.delivery_id, claim.attempt) == (made, 2)
    assert claim.maybe_sent is (state is State.UNKNOWN)
    await desk.settle(claim)
    assert await desk.state(made) is State.DELIVERED
    assert await desk.ids() == [made]


@pytest.mark.parametrize("state", sorted(RETRIED - {State.RETRYING}))
async def test_retry_enters_at_the_end(desk: Desk, state: State) -> None:
    """Behind what already stands there."""
    reference = await desk.meet()
    made = await desk.delivery_in(state, reference)
    await desk.say("there", reference)
    await desk.store.retry(made, desk.now)
    assert await desk.drain() == ["there", "x"]


async def test_retry_wakes_those_who_deliver(desk: Desk) -> None:
    """It need not be found by polling."""
    made = await desk.delivery_in(State.REJECTED, await desk.meet())
    woken: list[bool] = []
    desk.store.on_work(lambda: woken.append(True))
    await desk.store.retry(made, desk.now)
    assert woken == [True]


@pytest.mark.parametrize("state", [each for each in REACHABLE if each not in RETRIED])
async def test_retry_is_refused_otherwise(desk: Desk, state: State) -> None:
    """With the state it is in; nothing changes."""
    made = await desk.delivery_in(state, await desk.meet())
    with pytest.raises(TransitionRefused, match=str(state)):
        await desk.store.retry(made, desk.now)
    assert await desk.state(made) is state


async def test_retry_tries_even_the_unreachable(desk: Desk) -> None:
    """Whoever asks knows better; if that fails for now, it is held again."""
    reference = await desk.meet()
    made = await desk.make_unreachable(reference)
    await desk.store.retry(made, desk.now)
    (claim,) = await desk.claim()
    assert claim.delivery_id == made
    await desk.settle(claim, State.RETRYING, due_at=desk.now)
    assert await desk.standing(made) == (State.HELD, HeldReason.UNREACHABLE)


@pytest.mark.parametrize("state", [s for s in REACHABLE if State.CANCELLED in TRANSITIONS[s]])
async def test_cancel_ends_what_has_not_left(desk: Desk, state: State) -> None:
    """It is history, and what stands behind it goes on."""
    reference = await desk.meet()
    made = await desk.delivery_in(state, reference)
    await desk.say("behind", reference)
    at = desk.later(1)
    await desk.store.cancel(made, at)
    delivery = (await desk.detail(made)).delivery
    assert (delivery.state, delivery.reason) == (State.CANCELLED, "cancelled")
    assert delivery.settled_at == at
    assert await desk.drain() == ["behind"]
    assert await desk.store.promote(desk.later(10**6), 10) == 0


@pytest.mark.parametrize("state", [s for s in REACHABLE if State.CANCELLED not in TRANSITIONS[s]])
async def test_cancel_is_refused_otherwise(desk: Desk, state: State) -> None:
    """What has left or ended cannot be called back."""
    made = await desk.delivery_in(state, await desk.meet())
    with pytest.raises(TransitionRefused):
        await desk.store.cancel(made, desk.now)
    assert await desk.state(made) is state


async def test_cancelling_the_urgent_leaves_the_rest_in_order(desk: Desk) -> None:
    """And the lane as important as what is left."""
    reference = await desk.meet()
    await desk.say("low", reference, priority=Priority.LOW)
    urgent = await desk.say("urgent", reference, priority=Priority.URGENT)
    await desk.store.cancel(urgent, desk.now)
    await desk.say("normal", await desk.meet("a:2"))
    said = []
    for _ in range(2):
        said += await desk.texts(await desk.claim(1))
    assert said == ["normal", "low"]


@pytest.mark.parametrize("verb", ["retry", "cancel"])
async def test_what_is_not_there_cannot_be_steered(desk: Desk, verb: str) -> None:
    """The error says how to find what is."""
    with pytest.raises(UnknownDelivery, match="recado deliveries list"):
        await getattr(desk.store, verb)("no-such-id", desk.now)


async def test_steering_is_told_as_our_errors(desk: Desk) -> None:
    """Each is a conflict or a missing thing with a code of its own."""
    made = await desk.delivery_in(State.DELIVERED, await desk.meet())
    with pytest.raises(RecadoError) as raised:
        await desk.store.cancel(made, desk.now)
    assert raised.value.code == "transition_refused"


# -- one delivery ----------------------------------------------------------------------------


@pytest.mark.parametrize("state", REACHABLE)
async def test_a_delivery_can_be_looked_at_in_every_state(desk: Desk, state: State) -> None:
    """Live or in history, with the conversation it is for."""
    reference = await desk.meet()
    made = await desk.delivery_in(state, reference)
    detail = await desk.detail(made)
    delivery = detail.delivery
    assert (delivery.id, delivery.state) == (made, state)
    assert (delivery.reference_id, delivery.bot) == (reference.id, "local")
    assert detail.conversation == ConversationKey(
        bot="local", channel="msteams", conversation_id="a:1"
    )
    assert detail.health is Health.ACTIVE
    assert (detail.content is None, detail.handler) == (False, None)
    assert (delivery.settled_at is not None) is state.final
    assert (detail.ahead is not None) is state.in_lane
    assert len(detail.attempts) == (delivery.attempts if state is not State.SENDING else 0)


async def test_the_detail_of_a_turn_names_its_handler(desk: Desk) -> None:
    """And has no content."""
    user = {"id": "29:ben"}
    made = await desk.say("", await desk.meet(), turn=Turn(handler="report"), user=user)
    detail = await desk.detail(made)
    assert (detail.content, detail.handler) == (None, "report")
    assert detail.delivery.user == user


async def test_there_may_be_none(desk: Desk) -> None:
    """Nothing is found where nothing is."""
    assert await desk.store.delivery("no-such-id") is None
    assert await desk.store.progress("no-such-id") is None


async def test_how_many_stand_before_it(desk: Desk) -> None:
    """In the order they will leave: the head, urgent ones, then by entry."""
    reference = await desk.meet()
    first = await desk.say("first", reference)
    second = await desk.say("second", reference)
    urgent = await desk.say("urgent", reference, priority=Priority.URGENT)

    async def ahead() -> list[int | None]:
        return [(await desk.detail(each)).ahead for each in (first, second, urgent)]

    assert await ahead() == [1, 2, 0]
    await desk.store.cancel(urgent, desk.now)
    (claim,) = await desk.claim()
    urgent = await desk.say("urgent", reference, priority=Priority.URGENT)
    assert await ahead() == [0, 2, 1]
    await desk.settle(claim, State.RETRYING, due_at=desk.now + SECOND)
    assert await ahead() == [0, 2, 1]


# -- listings --------------------------------------------------------------------------------


async def test_deliveries_are_listed_newest_first(desk: Desk) -> None:
    """Live and ended ones in one order, each once, whatever the size of the pages."""
    made = []
    for number in range(9):
        reference = await desk.meet(f"a:{number % 3}")
        made.append(await desk.say("hello", reference))
        if number % 2:
            for claim in await desk.claim():
                await desk.settle(claim)
    seen: list[str] = []
    after = None
    while True:
        page = await desk.store.deliveries(DeliveryFilter(), after=after, limit=2)
        seen += [each.id for each in page.items]
        if page.next is None:
            break
        after = page.next
    assert seen == made[::-1]


async def test_deliveries_are_filtered(desk: Desk) -> None:
    """By state, notification and conversation, and by all of them together."""
    here, there = await desk.meet("a:1"), await desk.meet("a:2")
    both = await desk.accept("both", here, there)
    await desk.say("here", here)
    (ended,) = [claim for claim in await desk.claim() if claim.lane == there.number]
    await desk.settle(ended)
    to_here, to_there = both.delivery_ids
    assert await desk.ids(notification_id=both.notification_id) == [to_there, to_here]
    assert to_there not in await desk.ids(reference_id=here.id)
    assert len(await desk.ids(reference_id=here.id)) == 2
    assert await desk.ids(state=State.DELIVERED) == [to_there]
    assert await desk.ids(state=State.SENDING) == [to_here]
    assert await desk.ids(
        state=State.SENDING, reference_id=here.id, notification_id=both.notification_id
    ) == [to_here]
    assert await desk.ids(state=State.SENDING, reference_id=there.id) == []
    assert await desk.ids(reference_id="no-such-id") == []
    assert await desk.ids(notification_id="no-such-id") == []


async def test_a_listing_shows_the_last_evidence(desk: Desk) -> None:
    """One row tells what the channel answered last."""
    made = await desk.say("hello", await desk.meet())
    await desk.send(State.RETRYING, due_at=desk.now)
    await desk.send(State.REJECTED, reason="BadArgument")
    page = await desk.store.deliveries(DeliveryFilter())
    (delivery,) = page.items
    detail = await desk.detail(made)
    assert delivery == detail.delivery
    assert delivery.evidence == detail.attempts[-1].evidence


async def test_progress_counts_every_delivery_once(desk: Desk) -> None:
    """Whatever their states; together they are all."""
    lanes = [await desk.meet(f"a:{number}") for number in range(5)]
    accepted = await desk.accept("hello", *lanes)
    claims = await desk.claim(4)
    states = (State.DELIVERED, State.REJECTED, State.UNKNOWN)
    for claim, state in zip(claims, states, strict=False):
        await desk.settle(claim, state)
    progress = await desk.store.progress(accepted.notification_id)
    assert progress is not None
    assert progress.counts == {
        State.DELIVERED: 1,
        State.REJECTED: 1,
        State.UNKNOWN: 1,
        State.SENDING: 1,
        State.PENDING: 1,
    }
    assert (progress.total, progress.out, progress.settled) == (5, 1, False)
    assert progress.accepted_at == START
    await desk.settle(claims[3])
    await desk.drain()
    progress = await desk.store.progress(accepted.notification_id)
    assert progress is not None
    assert (progress.out, progress.settled) == (3, True)


async def test_the_backlog(desk: Desk) -> None:
    """What waits, per state, since when, and how much is known."""
    empty = await desk.store.backlog()
    assert (dict(empty.waiting), empty.oldest_due) == ({}, None)
    assert (empty.references, empty.expanding) == (0, 0)
    wanted: dict[State, Any] = {}
    for number, state in enumerate(REACHABLE):
        await desk.delivery_in(state, await desk.meet(f"a:{number}"))
        if not state.final:
            wanted[state] = 1
    await desk.accept("broadcast")
    backlog = await desk.store.backlog()
    assert dict(backlog.waiting) == wanted
    assert backlog.oldest_due is not None
    assert backlog.oldest_due <= desk.now
    assert (backlog.references, backlog.expanding) == (len(REACHABLE), 1)


async def test_a_retry_of_what_was_cancelled_while_it_was_sent(desk: Desk) -> None:
    """The channel refused it all the same: whoever retries it wants it to be sent."""
    claim = await desk.claim_of(await desk.say("hello", await desk.meet()))
    await desk.store.cancel_many([claim.delivery_id], desk.now)
    await desk.settle(claim, State.REJECTED)
    await desk.store.retry(claim.delivery_id, desk.later(1))
    assert await desk.drain() == ["hello"]
