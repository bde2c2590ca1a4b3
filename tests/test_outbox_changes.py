"""Handles that change what was said: updates, recalls, and what they count."""

from __future__ import annotations

from typing import Any

import pytest

from recado.domain.delivery import Evidence, HeldReason, State
from recado.domain.notification import Action, Changes, Otherwise
from recado.errors import (
    IdempotencyConflict,
    InvalidActivity,
    InvalidInput,
    TransitionRefused,
    UnknownNotification,
    WaitInOwnTurn,
)
from recado.outbox import CurrentTurn, Handle, in_turn
from tests.test_outbox import Office, office

__all__ = ["office"]

RECEIPT = Evidence(status=201, activity_id="m1")


async def out(office: Office, *conversations: str) -> Handle:
    """A notification that is out in these conversations."""
    for each in conversations or ("a:1",):
        await office.meet(each)
    audience = [f"conversation:{each}" for each in conversations or ("a:1",)]
    handle = await office.outbox.notify(audience, "old")
    for claim in await office.claim():
        await office.settle(claim, evidence=RECEIPT)
    return handle


async def test_an_update_has_its_own_handle(office: Office) -> None:
    """Which counts what was changed."""
    handle = await out(office, "a:1", "a:2")
    update = await handle.update("new")
    assert update.id != handle.id
    assert len(update.delivery_ids) == 2
    claims = await office.claim()
    assert {claim.action for claim in claims} == {Action.UPDATE}
    assert {claim.otherwise for claim in claims} == {Otherwise.FOLLOW_UP}
    for claim in claims:
        await office.settle(claim, evidence=RECEIPT)
    progress = await update.wait(0)
    assert progress.settled
    assert progress.changes == Changes(changed=2)
    assert (await handle.progress()).changes is None


async def test_a_recall_refuses_unless_there_is_something_to_say(office: Office) -> None:
    """Nobody asked for a message that says nothing."""
    await (await out(office)).recall()
    (claim,) = await office.claim()
    assert (claim.action, claim.otherwise) == (Action.RECALL, Otherwise.REFUSE)
    await office.settle(claim)
    await (await out(office)).recall("Please ignore that.")
    (claim,) = await office.claim()
    assert claim.otherwise is Otherwise.FOLLOW_UP
    assert await office.texts([claim]) == ["Please ignore that."]


async def test_an_update_can_be_updated(office: Office) -> None:
    """Each handle leads to the original's copies."""
    handle = await out(office)
    newer = await handle.update("newer")
    newest = await newer.update("newest", otherwise="refuse")
    assert await office.texts() == ["newest"]
    await newest.recall()
    with pytest.raises(TransitionRefused, match="was recalled"):
        await newer.update("again")


@pytest.mark.parametrize(
    ("content", "options", "error"),
    [
        ("", {}, InvalidActivity),
        ("new", {"otherwise": "shout"}, InvalidInput),
        ("new", {"idempotency_key": ""}, InvalidInput),
        ("new", {"idempotency_scope": "x" * 256}, InvalidInput),
    ],
)
async def test_what_cannot_be_used(
    office: Office, content: str, options: dict[str, Any], error: type[Exception]
) -> None:
    """Nothing is accepted."""
    handle = await out(office)
    with pytest.raises(error):
        await office.outbox.update(handle.id, content, **options)
    assert len(await office.ids()) == 1


async def test_nothing_to_change(office: Office) -> None:
    """An id that nobody has given out."""
    with pytest.raises(UnknownNotification):
        await office.outbox.update("unknown", "new")
    with pytest.raises(UnknownNotification):
        await office.outbox.recall("unknown")


async def test_a_key_makes_it_safe_to_repeat(office: Office) -> None:
    """As with notify."""
    handle = await out(office)
    first = await office.outbox.update(handle.id, "new", idempotency_key="k")
    again = await office.outbox.update(handle.id, "new", idempotency_key="k")
    assert (again.id, again.replayed) == (first.id, True)
    with pytest.raises(IdempotencyConflict):
        await office.outbox.update(handle.id, "newer", idempotency_key="k")


async def test_in_its_own_turn_it_leaves_after_the_turn(office: Office) -> None:
    """And the turn cannot wait for it."""
    handle = await out(office)
    with in_turn(CurrentTurn("t", "msteams", "a:1")) as turn:
        update = await handle.update("new")
        assert turn.held
        with pytest.raises(WaitInOwnTurn):
            await update.wait()
    (made,) = update.delivery_ids
    assert await office.standing(made) == (State.HELD, HeldReason.BUSY)
    assert await office.store.release_turn("t") == 1


async def test_in_another_turn_it_leaves_at_once(office: Office) -> None:
    """The turn's conversation has no copy of it."""
    handle = await out(office)
    await office.meet("a:elsewhere")
    with in_turn(CurrentTurn("t", "msteams", "a:elsewhere")) as turn:
        update = await handle.update("new")
        assert not turn.held
    with in_turn(CurrentTurn("t", "msteams", "a:never-seen")):
        await handle.update("newer")
    assert await office.texts() == ["newer"]
    (made,) = update.delivery_ids
    assert await office.state(made) is State.SUPERSEDED


async def test_a_broadcast_under_way_may_reach_the_turn(office: Office) -> None:
    """Its recipients are not all known yet, so the turn does not wait for it either."""
    await office.meet()
    handle = await office.outbox.notify("all", "old")
    with in_turn(CurrentTurn("t", "msteams", "a:1")):
        update = await handle.update("new")
        with pytest.raises(WaitInOwnTurn):
            await update.wait()
    await office.store.release_turn("t")
    await office.store.expand(office.now, 10)
    assert await office.deliver() == ["new"]
