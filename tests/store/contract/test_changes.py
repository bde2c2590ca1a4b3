"""Updates and recalls: what they do to a copy in every state."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recado.domain.delivery import Evidence, HeldReason, OnUnknown, Priority, State
from recado.domain.notification import Action, Changes, Otherwise, Turn
from recado.domain.pause import Pause, PauseKind
from recado.domain.reference import Presence
from tests.store.changes import RECEIPT, asked, changes_of, delivered, recall, said, update
from tests.store.kit import SECOND, Desk, make_settlement

UNSENT = [State.SCHEDULED, State.PENDING, State.RETRYING, State.HELD]


# -- copies the channel has ------------------------------------------------------------------


async def test_a_delivered_copy_is_edited(desk: Desk) -> None:
    """By its receipt, with the new content, in its own lane."""
    to = await desk.meet()
    original, copy = await delivered(desk, to)
    accepted = await update(desk, original)
    (claim,) = await desk.claim()
    assert accepted.delivery_ids == (claim.delivery_id,)
    assert asked(claim) == (Action.UPDATE, copy, "m1")
    assert claim.lane == to.number
    assert claim.otherwise is Otherwise.FOLLOW_UP
    assert await desk.texts([claim]) == ["new"]
    await desk.settle(claim, evidence=RECEIPT)
    assert await changes_of(desk, accepted.notification_id) == Changes(changed=1)
    assert await desk.state(copy) is State.DELIVERED


async def test_a_delivered_copy_is_removed(desk: Desk) -> None:
    """By its receipt."""
    original, copy = await delivered(desk, await desk.meet())
    accepted = await recall(desk, original)
    (claim,) = await desk.claim()
    assert asked(claim) == (Action.RECALL, copy, "m1")
    await desk.settle(claim, evidence=Evidence(status=200))
    assert await changes_of(desk, accepted.notification_id) == Changes(changed=1)


async def test_a_copy_without_an_id_says_so(desk: Desk) -> None:
    """The claim names the copy and no activity: what to do then is the engine's to say."""
    original, copy = await said(desk, await desk.meet())
    await desk.send(evidence=Evidence(status=201))
    await update(desk, original)
    (claim,) = await desk.claim()
    assert asked(claim) == (Action.UPDATE, copy, None)


async def test_a_change_shows_what_it_changes(desk: Desk) -> None:
    """To whoever looks at its delivery."""
    original, copy = await delivered(desk, await desk.meet())
    (made,) = (await update(desk, original)).delivery_ids
    detail = await desk.detail(made)
    assert (detail.action, detail.target) == (Action.UPDATE, copy)
    detail = await desk.detail(copy)
    assert (detail.action, detail.target) == (Action.SEND, None)


async def test_changes_keep_their_place_in_the_lane(desk: Desk) -> None:
    """Behind what stood there, before what comes after."""
    to = await desk.meet()
    original, _ = await delivered(desk, to)
    await desk.say("before", to)
    await update(desk, original)
    await desk.say("after", to)
    assert await desk.drain() == ["before", "new", "after"]


async def test_it_waits_for_an_unreachable_conversation(desk: Desk) -> None:
    """A change is held like anything else, and leaves when the user returns."""
    to = await desk.meet()
    original, _ = await delivered(desk, to)
    tried = await desk.make_unreachable(to)
    await desk.store.cancel(tried, desk.now)
    (made,) = (await update(desk, original)).delivery_ids
    assert await desk.standing(made) == (State.HELD, HeldReason.UNREACHABLE)
    await desk.see(at=desk.later(1), presence=Presence.HERE)
    (claim,) = await desk.claim()
    assert claim.activity_id == "m1"


async def test_a_change_made_in_a_turn_leaves_after_it(desk: Desk) -> None:
    """If it is about the turn's own conversation."""
    to, other = await desk.meet("a:1"), await desk.meet("a:2")
    accepted = await desk.accept("old", to, other)
    for claim in await desk.claim():
        await desk.settle(claim, evidence=RECEIPT)
    notification = accepted.notification_id
    mine, theirs = (
        await update(desk, notification, after_turn="t", after_turn_lane=to.number)
    ).delivery_ids
    assert await desk.standing(mine) == (State.HELD, HeldReason.BUSY)
    assert await desk.state(theirs) is State.PENDING
    assert await desk.store.release_turn("t") == 1
    assert len(await desk.claim()) == 2


# -- copies that have not left ---------------------------------------------------------------


@pytest.mark.parametrize("state", UNSENT)
async def test_an_update_takes_the_place_of_what_has_not_left(desk: Desk, state: State) -> None:
    """The old words never leave; the new ones do, when the old ones would have."""
    to = await desk.meet()
    copy = await desk.delivery_in(state, to)
    before = (await desk.detail(copy)).delivery
    accepted = await update(desk, before.notification_id)
    assert await desk.standing(copy) == (State.SUPERSEDED, "updated")
    (made,) = accepted.delivery_ids
    after = (await desk.detail(made)).delivery
    waits = state in (State.SCHEDULED, State.HELD)
    assert after.state is (state if waits else State.PENDING)
    assert after.due_at == (before.due_at if waits else None)
    await desk.store.promote(desk.later(3600), 10)
    (claim,) = await desk.claim()
    assert asked(claim) == (Action.UPDATE, None, None)
    await desk.settle(claim, evidence=RECEIPT)
    assert await changes_of(desk, accepted.notification_id) == Changes(unsent=1)


@pytest.mark.parametrize("state", UNSENT)
async def test_a_recall_ends_what_has_not_left(desk: Desk, state: State) -> None:
    """Nobody is told, and nothing has to be removed."""
    copy = await desk.delivery_in(state, await desk.meet())
    accepted = await recall(desk, (await desk.detail(copy)).delivery.notification_id)
    assert await desk.standing(copy) == (State.CANCELLED, "recalled")
    assert accepted.delivery_ids == ()
    await desk.store.promote(desk.later(3600), 10)
    assert await desk.claim() == []
    assert await changes_of(desk, accepted.notification_id) == Changes(unsent=1)


async def test_new_words_keep_the_order_of_the_old_ones(desk: Desk) -> None:
    """What stood behind the old ones stands behind the new ones."""
    to = await desk.meet()
    await desk.say("before", to)
    original, _ = await said(desk, to)
    await desk.say("after", to)
    await update(desk, original)
    assert await desk.drain() == ["before", "new", "after"]


async def test_new_words_expire_when_the_old_ones_would_have(desk: Desk) -> None:
    """An update is no reason to say something that is not worth saying any more."""
    to = await desk.meet()
    original, _ = await said(desk, to, expires_at=desk.now + 5 * SECOND)
    (made,) = (await update(desk, original)).delivery_ids
    await desk.store.promote(desk.later(6), 10)
    assert await desk.state(made) is State.EXPIRED


async def test_new_words_of_a_handler_need_no_handler(desk: Desk) -> None:
    """A turn delivery that no process can run is replaced by what an update says."""
    to = await desk.meet()
    turn = Turn(handler="report")
    original, copy = await said(desk, to, turn=turn)
    held = str(HeldReason.NO_HANDLER)
    await desk.settle(await desk.claim_of(copy), State.HELD, reason=held, uncounted=True)
    await update(desk, original)
    (claim,) = await desk.claim()
    assert (claim.handler, claim.target) == (None, None)


async def test_what_is_paused_is_paused_in_its_new_words(desk: Desk) -> None:
    """A pause of a notification holds its updates too."""
    original, _ = await said(desk, await desk.meet())
    pause = Pause(
        kind=PauseKind.NOTIFICATION,
        bot="local",
        name=original,
        reason="asked",
        since=desk.now,
    )
    await desk.store.pause(pause)
    await update(desk, original)
    assert await desk.claim() == []


# -- copies that may be on their way ---------------------------------------------------------


@pytest.mark.parametrize("priority", list(Priority))
async def test_a_change_waits_behind_what_is_being_sent(desk: Desk, priority: Priority) -> None:
    """It leaves next, with the receipt that came meanwhile."""
    to = await desk.meet()
    original, copy = await said(desk, to, priority=priority)
    (sending,) = await desk.claim()
    await update(desk, original)
    assert await desk.claim() == []
    await desk.say("after", to, priority=priority)
    (claim,) = await desk.claim(settled=[make_settlement(sending, evidence=RECEIPT)])
    assert asked(claim) == (Action.UPDATE, copy, "m1")


async def test_a_change_waits_behind_what_may_have_been_sent(desk: Desk) -> None:
    """While it is retried, and while it is held for long."""
    to = await desk.meet()
    original, copy = await said(desk, to)
    retried = {"maybe_sent": True, "due_at": desk.now + SECOND}
    await desk.settle(await desk.claim_of(copy), State.RETRYING, **retried)
    (made,) = (await update(desk, original)).delivery_ids
    desk.later(1)
    (again,) = await desk.claim()
    assert again.delivery_id == copy
    later = desk.now + timedelta(minutes=5)
    await desk.settle(again, State.HELD, maybe_sent=True, due_at=later)
    assert await desk.claim() == []
    assert await desk.standing(made) == (State.HELD, HeldReason.BACKOFF)
    assert (await desk.detail(made)).delivery.due_at == later
    await desk.store.promote(desk.later(300), 10)
    (again,) = await desk.claim()
    assert again.delivery_id == copy
    (claim,) = await desk.claim(settled=[make_settlement(again, evidence=RECEIPT)])
    assert asked(claim) == (Action.UPDATE, copy, "m1")


async def test_a_change_of_a_held_copy_waits_with_it(desk: Desk) -> None:
    """A copy that may have been sent and is held keeps its change waiting from the start."""
    to = await desk.meet()
    original, copy = await said(desk, to)
    later = desk.now + timedelta(minutes=5)
    await desk.settle(await desk.claim_of(copy), State.HELD, maybe_sent=True, due_at=later)
    (made,) = (await recall(desk, original)).delivery_ids
    assert await desk.standing(made) == (State.HELD, HeldReason.BACKOFF)
    await desk.store.promote(desk.later(300), 10)
    (claim,) = await desk.claim()
    assert claim.delivery_id == copy


async def test_a_change_looks_again_after_a_copy_that_waits_for_no_time(desk: Desk) -> None:
    """Nobody would wake it: the copy's handler may be missing for long."""
    to = await desk.meet()
    original, copy = await said(desk, to, turn=Turn(handler="report"))
    held = str(HeldReason.NO_HANDLER)
    await desk.settle(await desk.claim_of(copy), State.HELD, reason=held, maybe_sent=True)
    (made,) = (await update(desk, original)).delivery_ids
    await desk.store.promote(desk.later(60), 10)
    assert await desk.claim() == []
    assert await desk.standing(made) == (State.HELD, HeldReason.BACKOFF)
    await desk.store.release_handlers(["report"])
    await desk.send(evidence=RECEIPT)
    await desk.store.promote(desk.later(60), 10)
    (claim,) = await desk.claim()
    assert claim.activity_id == "m1"


async def test_a_lost_edit_is_sent_again(desk: Desk) -> None:
    """Even where messages are sent at most once: twice is as good as once."""
    to = await desk.meet()
    original, _ = await delivered(desk, to, on_unknown=OnUnknown.PARK)
    await recall(desk, original)
    (claim,) = await desk.claim(owner="dead")
    (lost,) = await desk.store.reap("me", desk.later(31), 10)
    assert (lost.delivery_id, lost.state) == (claim.delivery_id, State.RETRYING)


async def test_a_copy_that_enters_behind_its_change_goes_first(desk: Desk) -> None:
    """Whatever order a person's retry has made."""
    to = await desk.meet()
    original, copy = await said(desk, to)
    later = desk.now + timedelta(minutes=5)
    await desk.settle(await desk.claim_of(copy), State.HELD, maybe_sent=True, due_at=later)
    (made,) = (await recall(desk, original)).delivery_ids
    await desk.store.retry(made, desk.now)
    await desk.store.retry(copy, desk.now)
    (claim,) = await desk.claim()
    assert claim.delivery_id == copy
    (claim,) = await desk.claim(settled=[make_settlement(claim, evidence=RECEIPT)])
    assert asked(claim) == (Action.RECALL, copy, "m1")


async def test_a_parked_copy_cannot_be_changed(desk: Desk) -> None:
    """Nobody knows whether it is there; once a person has decided, the change can be retried."""
    to = await desk.meet()
    original, copy = await said(desk, to, on_unknown=OnUnknown.PARK)
    parked = await desk.claim_of(copy)
    await desk.settle(parked, State.UNKNOWN)
    accepted = await update(desk, original)
    (made,) = accepted.delivery_ids
    assert await desk.standing(made) == (State.REJECTED, "copy_unknown")
    assert await changes_of(desk, accepted.notification_id) == Changes(refused=1)
    assert await desk.claim() == []
    # A late receipt decides as well as a person does.
    await desk.settle(parked, evidence=RECEIPT)
    await desk.store.retry(made, desk.now)
    (claim,) = await desk.claim()
    assert asked(claim) == (Action.UPDATE, copy, "m1")


async def test_a_copy_parked_meanwhile_refuses_its_change(desk: Desk) -> None:
    """As one that was parked before."""
    to = await desk.meet()
    original, _ = await said(desk, to, on_unknown=OnUnknown.PARK)
    (sending,) = await desk.claim()
    (made,) = (await update(desk, original)).delivery_ids
    assert await desk.claim(settled=[make_settlement(sending, State.UNKNOWN)]) == []
    assert await desk.standing(made) == (State.REJECTED, "copy_unknown")


async def test_a_copy_that_did_not_arrive_leaves_nothing_to_change(desk: Desk) -> None:
    """Its change ends without a request, and whatever stands behind goes on."""
    to = await desk.meet()
    original, _ = await said(desk, to)
    (sending,) = await desk.claim()
    (made,) = (await recall(desk, original)).delivery_ids
    await desk.say("after", to)
    claims = await desk.claim(settled=[make_settlement(sending, State.REJECTED)])
    assert await desk.texts(claims) == ["after"]
    assert await desk.standing(made) == (State.CANCELLED, "nothing_to_change")


@pytest.mark.parametrize("action", [Action.UPDATE, Action.RECALL])
async def test_a_copy_that_was_not_sent_after_all_is_replaced(desk: Desk, action: Action) -> None:
    """A failed attempt that cannot have arrived leaves the copy as unsent as before."""
    to = await desk.meet()
    original, copy = await said(desk, to)
    (sending,) = await desk.claim()
    verb = update if action is Action.UPDATE else recall
    (made,) = (await verb(desk, original)).delivery_ids
    later = desk.now + timedelta(minutes=5)
    held = make_settlement(sending, State.HELD, due_at=later)
    assert await desk.claim(settled=[held]) == []
    if action is Action.RECALL:
        assert await desk.standing(copy) == (State.CANCELLED, "recalled")
        assert (await desk.state(made)).final
        return
    assert await desk.standing(copy) == (State.SUPERSEDED, "updated")
    assert await desk.standing(made) == (State.HELD, HeldReason.BACKOFF)
    await desk.store.promote(desk.later(300), 10)
    (claim,) = await desk.claim()
    assert asked(claim) == (Action.UPDATE, None, None)
    await desk.settle(claim, evidence=RECEIPT)
    # It is a copy now, and can be changed like one.
    await update(desk, original, "newest")
    (claim,) = await desk.claim()
    assert asked(claim) == (Action.UPDATE, made, "m1")


async def test_a_claim_handed_back_leaves_the_copy_unsent(desk: Desk) -> None:
    """The new words leave in its place."""
    to = await desk.meet()
    original, copy = await said(desk, to)
    (sending,) = await desk.claim()
    await update(desk, original)
    await desk.store.hand_back([sending])
    (claim,) = await desk.claim()
    assert claim.delivery_id == copy, "the copy still stands first, and is sent as it is"
    (claim,) = await desk.claim(settled=[make_settlement(claim, evidence=RECEIPT)])
    assert asked(claim) == (Action.UPDATE, copy, "m1")


@pytest.mark.parametrize("state", [State.REJECTED, State.EXPIRED, State.CANCELLED])
async def test_what_has_ended_is_not_said_after_all(desk: Desk, state: State) -> None:
    """An update changes what people have, or will get; it makes nobody a recipient."""
    copy = await desk.delivery_in(state, await desk.meet())
    accepted = await update(desk, (await desk.detail(copy)).delivery.notification_id)
    assert accepted.delivery_ids == ()
    assert await desk.claim() == []
    assert await changes_of(desk, accepted.notification_id) == Changes()
