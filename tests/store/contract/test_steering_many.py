"""Steering many deliveries at once, and what may have arrived."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recado.domain.audience import EveryConversation, Everyone, parse_audience
from recado.domain.delivery import OnUnknown, Priority, State
from recado.domain.notification import Once
from recado.domain.reference import Member
from recado.domain.steering import RETRIABLE, UNSENT, Cancelled, Retried
from recado.errors import TransitionRefused, UnknownDelivery, UnknownNotification
from recado.store.port import DeliveryFilter
from tests.store.kit import REACHABLE, SECOND, Desk


async def one_in_each_state(desk: Desk) -> dict[State, str]:
    """A delivery in each state, each in a conversation of its own."""
    return {
        state: await desk.delivery_in(state, await desk.meet(f"a:{number}"))
        for number, state in enumerate(REACHABLE)
    }


# -- finding ---------------------------------------------------------------------------------


async def test_what_can_be_steered_is_found_oldest_first(desk: Desk) -> None:
    """The live and the rejected, page by page."""
    made = await one_in_each_state(desk)
    wanted = [made[state] for state in State if not state.final or state is State.REJECTED]
    found: list[str] = []
    while page := await desk.store.find(
        DeliveryFilter(), after=found[-1] if found else None, limit=2
    ):
        found += page
    assert found == sorted(each for each in found if each in wanted)
    assert set(wanted) <= set(found)


async def test_what_is_meant_is_found(desk: Desk) -> None:
    """By state, reason, notification, conversation, bot, and together."""
    here, there = await desk.meet("a:1"), await desk.meet("a:2")
    held = await desk.delivery_in(State.HELD, here)
    parked = await desk.delivery_in(State.UNKNOWN, here)
    both = await desk.accept("both", here, there)
    to_here, to_there = both.delivery_ids
    await desk.settle(await desk.claim_of(to_there), State.REJECTED, reason="http_400")
    late = await desk.say("later", here, due_at=desk.now + SECOND)

    async def find(**wanted: object) -> set[str]:
        return set(await desk.store.find(DeliveryFilter(**wanted)))  # type: ignore[arg-type]

    named = both.notification_id
    assert await find(state=State.REJECTED) == {to_there}
    assert await find(state=frozenset({State.REJECTED, State.UNKNOWN})) == {to_there, parked}
    assert await find(reason="http_400") == {to_there}
    assert await find(notification_id=named) == {to_here, to_there}
    assert await find(notification_id=named, state=State.REJECTED) == {to_there}
    assert await find(notification_id=named, reference_id=here.id) == {to_here}
    assert await find(notification_id=named, reason="backoff") == set()
    assert await find(reference_id=here.id) == {to_here, held, parked, late}
    assert await find(reference_id=there.id) == {to_there}
    assert await find(reference_id=here.id, state=State.HELD, reason="backoff") == {held}
    assert await find(bot="other") == set()
    assert await find(bot="local") == {to_here, to_there, held, parked, late}
    assert await find(notification_id="no-such-id") == set()
    assert await find(reference_id="no-such-id") == set()


async def test_dead_letters_are_listed(desk: Desk) -> None:
    """What is rejected or unknown, newest first, page by page, whatever else there is."""
    made = await one_in_each_state(desk)
    dead = DeliveryFilter(state=frozenset({State.REJECTED, State.UNKNOWN}))
    first = await desk.store.deliveries(dead, limit=1)
    rest = await desk.store.deliveries(dead, after=first.next, limit=1)
    found = [each.id for each in (*first.items, *rest.items)]
    assert found == sorted((made[State.REJECTED], made[State.UNKNOWN]), reverse=True)
    assert rest.next is None
    assert await desk.ids(state=frozenset({State.REJECTED}), reason="http_503") == [
        made[State.REJECTED]
    ]
    assert await desk.ids(state=State.REJECTED, reason="other") == []
    assert await desk.ids(state=State.REJECTED, bot="other") == []
    assert set(await desk.ids(state=frozenset({State.HELD, State.DELIVERED}))) == {
        made[State.HELD],
        made[State.DELIVERED],
    }


# -- retrying --------------------------------------------------------------------------------


async def test_many_are_retried_in_one_go(desk: Desk) -> None:
    """Those that can be; the account says what they were."""
    made = await one_in_each_state(desk)
    ids = [*made.values(), "no-such-id"]
    retried = await desk.store.retry_many(ids, desk.now)
    assert retried == Retried(counts=dict.fromkeys(RETRIABLE, 1))
    claims = await desk.claim()
    again = {made[state] for state in RETRIABLE}
    assert again <= {claim.delivery_id for claim in claims}
    for claim in claims:
        await desk.settle(claim)
    assert {await desk.state(each) for each in again} == {State.DELIVERED}


async def test_they_are_retried_in_their_order(desk: Desk) -> None:
    """Whatever had become of them, in one conversation the older is tried first."""
    here = await desk.meet()
    states = [State.UNKNOWN, State.REJECTED, State.HELD, State.REJECTED]
    ids = []
    for number, state in enumerate(states):
        made = await desk.say(str(number), here)
        await desk.settle(await desk.claim_of(made), state)
        ids.append(made)
    await desk.store.retry_many(ids, desk.now)
    assert await desk.drain() == ["0", "1", "2", "3"]


# -- cancelling ------------------------------------------------------------------------------


async def test_many_are_cancelled_in_one_go(desk: Desk) -> None:
    """Those that have not left; what may have arrived, or is being sent, is accounted for."""
    made = await one_in_each_state(desk)
    told = await desk.store.cancel_many([*made.values(), "no-such-id"], desk.now, "ana")
    assert told == Cancelled(cancelled=len(UNSENT), sending=1, maybe=1)
    for state in UNSENT:
        detail = await desk.detail(made[state])
        assert (detail.delivery.state, detail.decided_by) == (State.CANCELLED, "ana")
    assert await desk.state(made[State.UNKNOWN]) is State.UNKNOWN
    assert (await desk.detail(made[State.SENDING])).stopped
    assert await desk.drain() == []
    assert await desk.store.next_due() is None


async def test_what_may_have_arrived_is_not_called_cancelled(desk: Desk) -> None:
    """It is not tried again, and a person may look; a receipt still counts."""
    here = await desk.meet()
    made = await desk.say("maybe", here)
    claim = await desk.claim_of(made)
    await desk.settle(claim, State.RETRYING, due_at=desk.now + SECOND, maybe_sent=True)
    await desk.say("behind", here)
    assert await desk.store.cancel_many([made], desk.now) == Cancelled(maybe=1)
    assert await desk.standing(made) == (State.UNKNOWN, "cancelled")
    assert await desk.drain() == ["behind"]
    await desk.settle(claim, State.DELIVERED)
    assert await desk.standing(made) == (State.DELIVERED, "late_receipt")


@pytest.mark.parametrize(
    ("maybe_sent", "wanted"),
    [(False, (State.CANCELLED, "cancelled")), (True, (State.UNKNOWN, "cancelled"))],
)
@pytest.mark.parametrize("state", [State.RETRYING, State.HELD])
async def test_what_was_cancelled_while_it_was_sent_is_not_tried_again(
    desk: Desk, state: State, wanted: tuple[State, str], *, maybe_sent: bool
) -> None:
    """Whatever the channel answers."""
    made = await desk.say("hello", await desk.meet())
    claim = await desk.claim_of(made)
    assert await desk.store.cancel_many([made], desk.now) == Cancelled(sending=1)
    due = desk.now + 60 * SECOND
    await desk.settle(claim, state, due_at=due, maybe_sent=maybe_sent)
    assert await desk.drain() == []
    await desk.store.promote(desk.now, 10)
    assert await desk.standing(made) == wanted


async def test_what_was_cancelled_while_it_was_sent_may_arrive(desk: Desk) -> None:
    """The channel took it: that is the truth."""
    made = await desk.say("hello", await desk.meet())
    claim = await desk.claim_of(made)
    await desk.store.cancel_many([made], desk.now)
    await desk.settle(claim)
    assert await desk.state(made) is State.DELIVERED


async def test_what_was_cancelled_while_it_was_sent_can_be_wanted_again(desk: Desk) -> None:
    """A retry by hand is the newer word."""
    made = await desk.say("hello", await desk.meet(), on_unknown=OnUnknown.PARK)
    claim = await desk.claim_of(made)
    await desk.store.cancel_many([made], desk.now)
    await desk.settle(claim, State.UNKNOWN)
    await desk.store.retry(made, desk.now)
    assert await desk.drain() == ["hello"]


async def test_cancelling_many_leaves_their_lanes_in_order(desk: Desk) -> None:
    """And as important as what is left."""
    lanes = [await desk.meet(f"a:{number}") for number in range(3)]
    gone = []
    for lane in lanes:
        gone.append(await desk.say("gone", lane, priority=Priority.URGENT))
        await desk.say("low", lane, priority=Priority.LOW)
    await desk.store.cancel_many(gone, desk.now)
    await desk.say("normal", await desk.meet("b:1"))
    assert await desk.texts(await desk.claim(1)) == ["normal"]
    assert await desk.drain() == ["low"] * 3


async def test_a_cancelled_broadcast_makes_no_more(desk: Desk) -> None:
    """And says for how many it made none."""
    for number in range(5):
        await desk.meet(f"a:{number}")
    accepted = await desk.accept("hello")
    await desk.store.expand(desk.now, 2)
    await desk.meet("a:later")
    at = desk.later(1)
    await desk.store.end_expansion(accepted.notification_id, at)
    await desk.store.end_expansion(accepted.notification_id, desk.later(1))
    assert await desk.store.expand(desk.now, 10) == 0
    told = await desk.store.notification(accepted.notification_id)
    assert told is not None
    assert (told.cancelled_at, told.not_made) == (at, 3)
    assert (told.audience, told.bot, told.handler) == (("all",), "local", None)
    progress = await desk.store.progress(accepted.notification_id)
    assert progress is not None
    assert (progress.total, progress.expanded) == (2, True)


async def test_a_broadcast_that_is_expanded_has_nothing_left_out(desk: Desk) -> None:
    """To cancel it says so."""
    await desk.meet()
    accepted = await desk.accept("hello")
    await desk.store.expand(desk.now, 10)
    await desk.store.end_expansion(accepted.notification_id, desk.now)
    told = await desk.store.notification(accepted.notification_id)
    assert told is not None
    assert told.not_made == 0


async def test_what_is_not_there_cannot_be_cancelled(desk: Desk) -> None:
    """Nothing is found where nothing is."""
    with pytest.raises(UnknownNotification):
        await desk.store.end_expansion("no-such-id", desk.now)
    assert await desk.store.notification("no-such-id") is None
    assert await desk.store.settled("no-such-id") is None
    assert await desk.store.remaining("no-such-id") == {}


async def test_a_notification_is_found_by_its_callers_key(desk: Desk) -> None:
    """Keys belong to a bot and a caller."""
    accepted = await desk.accept("hello", await desk.meet(), key="k", key_scope="s")
    assert await desk.store.notification_of_key("local", "s", "k") == accepted.notification_id
    assert await desk.store.notification_of_key("local", "", "k") is None
    assert await desk.store.notification_of_key("other", "s", "k") is None


# -- what arrived ----------------------------------------------------------------------------


async def test_a_person_can_say_that_it_arrived(desk: Desk) -> None:
    """What is unknown is delivered then, and it is known who said so."""
    made = await desk.delivery_in(State.UNKNOWN, await desk.meet())
    at = desk.later(1)
    await desk.store.mark_delivered(made, at, "ana")
    detail = await desk.detail(made)
    delivery = detail.delivery
    assert (delivery.state, delivery.reason, delivery.settled_at) == (
        State.DELIVERED,
        "marked",
        at,
    )
    assert detail.decided_by == "ana"
    assert len(detail.attempts) == 1


@pytest.mark.parametrize("state", [state for state in REACHABLE if state is not State.UNKNOWN])
async def test_only_what_is_unknown_can_be_said_to_have_arrived(desk: Desk, state: State) -> None:
    """Of the others it is known better."""
    made = await desk.delivery_in(state, await desk.meet())
    with pytest.raises(TransitionRefused, match=str(state)):
        await desk.store.mark_delivered(made, desk.now)
    with pytest.raises(UnknownDelivery):
        await desk.store.mark_delivered("no-such-id", desk.now)


# -- counting --------------------------------------------------------------------------------


async def test_settled_is_what_progress_says(desk: Desk) -> None:
    """In every state, and while a broadcast is being expanded."""
    for number, state in enumerate(REACHABLE):
        await desk.delivery_in(state, await desk.meet(f"a:{number}"))
    await desk.accept("broadcast")
    for each in (await desk.store.deliveries(DeliveryFilter(), limit=100)).items:
        progress = await desk.store.progress(each.notification_id, exact=True)
        assert progress is not None
        assert await desk.store.settled(each.notification_id) is progress.settled
    accepted = await desk.accept("another")
    assert await desk.store.settled(accepted.notification_id) is False


async def test_what_remains_is_counted_by_where_it_goes(desk: Desk) -> None:
    """What stands in its lane, and what is not made yet."""
    for number in range(3):
        await desk.meet(f"a:{number}")
    await desk.meet("b:1", tenant_id="tenant-2")
    await desk.meet("c:1", channel="webchat", tenant_id=None)
    accepted = await desk.accept("hello")
    assert sum((await desk.store.remaining(accepted.notification_id)).values()) == 5
    await desk.store.expand(desk.now, 2)
    await desk.send_all()
    remaining = await desk.store.remaining(accepted.notification_id)
    assert remaining == {
        ("msteams", "tenant-1"): 1,
        ("msteams", "tenant-2"): 1,
        ("webchat", ""): 1,
    }
    await desk.store.expand(desk.now, 10)
    assert await desk.store.remaining(accepted.notification_id) == remaining


async def test_a_survey_counts_by_where_people_are(desk: Desk) -> None:
    """With those who cannot be reached apart, for one bot; it names the first few."""
    gone = await desk.meet("a:1")
    await desk.meet("a:2")
    for number in range(10):
        await desk.meet(f"b:{number}", tenant_id=None)
    await desk.meet("a:1", bot="other")
    await desk.make_unreachable(gone)
    found = await desk.store.survey("local", EveryConversation(), desk.now)
    told = [(*each.place, each.reachable, each.unreachable) for each in found.reach]
    assert told == [("msteams", "", 10, 0), ("msteams", "tenant-1", 1, 1)]
    assert [each.key.conversation_id for each in found.first[:2]] == ["a:1", "a:2"]
    assert len(found.first) == 10
    nobody = await desk.store.survey("nobody", EveryConversation(), desk.now)
    assert (nobody.reach, nobody.first) == ([], [])


async def test_a_survey_follows_its_audience(desk: Desk) -> None:
    """It counts whom a broadcast would come to, and where that would be a duplicate."""
    once = Once(key="k", every=timedelta(hours=1))
    for number in range(4):
        ana = Member(user_id=f"29:{number % 2}")
        await desk.meet(f"a:{number}", members=(ana,), tenant_id=f"tenant-{number}")
    await desk.accept("all", audience=Everyone(), once=once)
    await desk.store.expand(desk.now, 10)
    for audience, many, again in (
        (EveryConversation(), 4, 2),
        (Everyone(), 2, 2),
        (parse_audience("where:tenant=tenant-3"), 1, 1),
        (parse_audience("where:tenant=tenant-0"), 1, 0),
    ):
        found = await desk.store.survey("local", audience, desk.now, once)  # type: ignore[arg-type]
        assert sum(each.reachable for each in found.reach) == many
        assert len(found.first) == many
        assert found.duplicates == again
