"""Updates and recalls of broadcasts, and several in a row: nobody is told twice."""

from __future__ import annotations

import pytest

from recado.domain.audience import Members
from recado.domain.delivery import Evidence, State
from recado.domain.notification import Action, Changes, Turn
from recado.domain.reference import Member
from recado.errors import IdempotencyConflict, TransitionRefused, UnknownNotification
from tests.store.changes import RECEIPT, asked, changes_of, delivered, recall, said, update
from tests.store.kit import Desk, make_settlement

# -- broadcasts ------------------------------------------------------------------------------


async def test_an_update_takes_over_what_is_not_expanded(desk: Desk) -> None:
    """Everybody is told once; whoever had the old words has them edited."""
    for number in range(6):
        await desk.meet(f"a:{number}")
    original = (await desk.accept("old")).notification_id
    await desk.store.expand(desk.now, 4)
    claims = await desk.claim(2)
    for claim in claims:
        await desk.settle(claim, evidence=RECEIPT)
    accepted = await update(desk, original)
    assert accepted.delivery_ids == ()
    while await desk.store.expand(desk.now, 1):
        pass
    made = await desk.claim()
    assert await desk.texts(made) == ["new"] * 6
    edits = {claim.target for claim in made if claim.target}
    assert edits == {claim.delivery_id for claim in claims}
    assert len({claim.lane for claim in made}) == 6
    for claim in made:
        await desk.settle(claim, evidence=RECEIPT)
    assert await changes_of(desk, accepted.notification_id) == Changes(changed=2, unsent=4)
    progress = await desk.store.progress(original)
    assert progress is not None
    assert progress.counts == {State.DELIVERED: 2, State.SUPERSEDED: 2}
    assert progress.settled
    # The next one finds all of them.
    await update(desk, original, "newest")
    while await desk.store.expand(desk.now, 2):
        pass
    claims = await desk.claim()
    assert len({claim.lane for claim in claims}) == len(claims) == 6
    assert all(claim.activity_id == "m1" for claim in claims)


async def test_updates_of_a_broadcast_under_way_hand_it_on(desk: Desk) -> None:
    """Each takes over where the one before had come to; all end up with the newest words."""
    for number in range(8):
        await desk.meet(f"a:{number}")
    original = (await desk.accept("old")).notification_id
    await desk.store.expand(desk.now, 2)
    first = (await update(desk, original, "newer")).notification_id
    await desk.store.expand(desk.now, 2)
    for claim in await desk.claim(3):
        await desk.settle(claim, evidence=RECEIPT)
    await update(desk, first, "newest")
    while await desk.store.expand(desk.now, 3):
        pass
    claims = await desk.claim()
    assert await desk.texts(claims) == ["newest"] * 8
    assert len({claim.lane for claim in claims}) == 8
    assert len([claim for claim in claims if claim.target]) == 3


async def test_an_update_keeps_to_the_audience_of_its_original(desk: Desk) -> None:
    """Of a group's people, those who were meant and were not come to yet."""
    people = tuple(Member(user_id=f"29:{name}", name=name) for name in ("ana", "ben", "eva"))
    for each in people:
        await desk.meet(f"a:{each.name}", members=(each,))
    await desk.meet("a:other", members=(Member(user_id="29:other", name="other"),))
    told = {"conversation_type": "groupChat", "is_group": True}
    group = await desk.meet("19:team", members=people, **told)
    audience = Members(group.key.conversation_id)
    original = (await desk.accept("old", audience=audience)).notification_id
    await desk.store.expand(desk.now, 1)
    await update(desk, original)
    while await desk.store.expand(desk.now, 1):
        pass
    assert await desk.drain() == ["new"] * 3


async def test_a_recall_stops_what_is_not_expanded(desk: Desk) -> None:
    """Who was not told is not told."""
    for number in range(4):
        await desk.meet(f"a:{number}")
    original = (await desk.accept("old")).notification_id
    await desk.store.expand(desk.now, 2)
    (claim,) = await desk.claim(1)
    await desk.settle(claim, evidence=RECEIPT)
    accepted = await recall(desk, original)
    while await desk.store.expand(desk.now, 10):
        pass
    (removal,) = await desk.claim()
    assert asked(removal) == (Action.RECALL, claim.delivery_id, "m1")
    await desk.settle(removal)
    assert await changes_of(desk, accepted.notification_id) == Changes(changed=1, unsent=1)


async def test_an_updated_broadcast_keeps_its_place(desk: Desk) -> None:
    """In lanes it has not been expanded to as well."""
    to = await desk.meet()
    original = (await desk.accept("old")).notification_id
    await desk.say("single", to)
    await update(desk, original)
    await desk.store.expand(desk.now, 100)
    assert await desk.drain() == ["new", "single"]


async def test_copies_are_looked_at_in_steps(desk: Desk) -> None:
    """No step looks at more than it is told to, and each copy is looked at once."""
    for number in range(30):
        await desk.meet(f"a:{number}")
    original = (await desk.accept("old")).notification_id
    while await desk.store.expand(desk.now, 100):
        pass
    for claim in await desk.claim():
        await desk.settle(claim, evidence=RECEIPT)
    accepted = await update(desk, original)
    progress = await desk.store.progress(accepted.notification_id)
    assert progress is not None
    assert (progress.total, progress.expanded) == (20, False)
    steps = []
    while step := await desk.store.expand(desk.now, 4):
        assert step <= 4
        steps.append(step)
    assert sum(steps) == 10
    claims = await desk.claim()
    assert len({claim.target for claim in claims}) == len(claims) == 30


async def test_changing_resumes_in_the_next_process(desk: Desk, successor: Desk) -> None:
    """A crash between two steps neither loses nor repeats a copy."""
    for number in range(30):
        await desk.meet(f"a:{number}")
    original = (await desk.accept("old")).notification_id
    while await desk.store.expand(desk.now, 100):
        pass
    for claim in await desk.claim():
        await desk.settle(claim, evidence=RECEIPT)
    await update(desk, original)
    await desk.store.expand(desk.now, 6)
    while await successor.store.expand(desk.now, 100):
        pass
    claims = await successor.claim()
    assert len({claim.target for claim in claims}) == len(claims) == 30


# -- several changes -------------------------------------------------------------------------


async def test_only_the_newest_edit_leaves(desk: Desk) -> None:
    """What an earlier update has not sent is left out."""
    original, copy = await delivered(desk, await desk.meet())
    (first,) = (await update(desk, original, "newer")).delivery_ids
    await update(desk, original, "newest")
    claims = await desk.claim()
    assert await desk.texts(claims) == ["newest"]
    assert asked(claims[0]) == (Action.UPDATE, copy, "m1")
    assert await desk.standing(first) == (State.SUPERSEDED, "updated")


async def test_only_the_newest_words_are_sent(desk: Desk) -> None:
    """In the place of a copy that never leaves."""
    to = await desk.meet()
    original, _ = await said(desk, to)
    await desk.say("after", to)
    (first,) = (await update(desk, original, "newer")).delivery_ids
    await update(desk, original, "newest")
    assert await desk.standing(first) == (State.SUPERSEDED, "updated")
    assert await desk.drain() == ["newest", "after"]


async def test_a_change_of_a_change_is_one_of_the_original(desk: Desk) -> None:
    """A handle on an update can be used like that on the original."""
    original, copy = await delivered(desk, await desk.meet())
    first = await update(desk, original, "newer")
    await desk.send(evidence=RECEIPT)
    await update(desk, first.notification_id, "newest")
    (claim,) = await desk.claim()
    assert asked(claim) == (Action.UPDATE, copy, "m1")


async def test_a_recall_takes_back_an_update(desk: Desk) -> None:
    """Whether it was an edit, or sent in a copy's place."""
    edited, waiting = await desk.meet("a:1"), await desk.meet("a:2")
    accepted = await desk.accept("old", edited, waiting)
    claims = {claim.lane: claim for claim in await desk.claim()}
    await desk.settle(claims[edited.number], evidence=RECEIPT)
    await desk.store.hand_back([claims[waiting.number]])
    await update(desk, accepted.notification_id)
    for claim in await desk.claim():
        await desk.settle(claim, evidence=RECEIPT)
    await recall(desk, accepted.notification_id)
    removals = await desk.claim()
    assert {claim.lane for claim in removals} == {edited.number, waiting.number}
    assert {claim.activity_id for claim in removals} == {"m1"}


async def test_a_follow_up_is_a_copy(desk: Desk) -> None:
    """The next update edits it instead of sending another; a recall removes it as well."""
    original, copy = await said(desk, await desk.meet())
    await desk.send(evidence=Evidence(status=201))
    first = await update(desk, original)
    (claim,) = await desk.claim()
    await desk.settle(claim, reason="follow_up", evidence=RECEIPT)
    assert await changes_of(desk, first.notification_id) == Changes(followed=1)
    await update(desk, original, "newest")
    (edit,) = await desk.claim()
    assert asked(edit) == (Action.UPDATE, claim.delivery_id, "m1")
    await desk.settle(edit, evidence=RECEIPT)
    await recall(desk, original)
    (removal,) = await desk.claim()
    await desk.settle(removal)
    (other,) = await desk.claim()
    assert {asked(removal), asked(other)} == {
        (Action.RECALL, copy, None),
        (Action.RECALL, claim.delivery_id, "m1"),
    }


async def test_an_update_behind_a_follow_up_edits_that(desk: Desk) -> None:
    """It was on its way when the next update was accepted."""
    original, _ = await said(desk, await desk.meet())
    await desk.send(evidence=Evidence(status=201))
    await update(desk, original)
    (claim,) = await desk.claim()
    await update(desk, original, "newest")
    followed = make_settlement(claim, reason="follow_up", evidence=RECEIPT)
    (edit,) = await desk.claim(settled=[followed])
    assert edit.activity_id == "m1"


async def test_a_second_recall_is_the_first_one(desk: Desk) -> None:
    """It may be asked for in doubt."""
    original, _ = await delivered(desk, await desk.meet())
    first = await recall(desk, original)
    desk.later(1)
    second = await recall(desk, original)
    assert (second.notification_id, second.replayed) == (first.notification_id, True)
    assert second.delivery_ids == first.delivery_ids
    assert len(await desk.claim()) == 1


async def test_what_was_recalled_cannot_be_updated(desk: Desk) -> None:
    """There is nothing to change any more, whichever handle asks."""
    original, _ = await delivered(desk, await desk.meet())
    gone = await recall(desk, original)
    for target in (original, gone.notification_id):
        with pytest.raises(TransitionRefused, match="was recalled"):
            await update(desk, target)


async def test_there_has_to_be_something_to_change(desk: Desk) -> None:
    """Another bot's is nothing to this one."""
    original, _ = await delivered(desk, await desk.meet())
    with pytest.raises(UnknownNotification):
        await update(desk, "nothing")
    with pytest.raises(UnknownNotification):
        await update(desk, original, bot="other")


async def test_a_change_with_a_key_is_accepted_once(desk: Desk) -> None:
    """The same one; another under its key is refused."""
    original, _ = await delivered(desk, await desk.meet())
    first = await update(desk, original, key="k")
    again = await update(desk, original, key="k")
    assert (again.notification_id, again.replayed) == (first.notification_id, True)
    assert again.delivery_ids == first.delivery_ids
    with pytest.raises(IdempotencyConflict):
        await update(desk, original, "other", key="k")
    with pytest.raises(IdempotencyConflict):
        await recall(desk, original, key="k")


# -- collapse keys ---------------------------------------------------------------------------


async def test_a_newer_version_supersedes_an_update_that_has_not_left(desk: Desk) -> None:
    """New words are as old as their original."""
    to = await desk.meet()
    original, _ = await said(desk, to, collapse_key="price")
    (made,) = (await update(desk, original)).delivery_ids
    await desk.say("newer", to, collapse_key="price")
    assert await desk.standing(made) == (State.SUPERSEDED, "collapse_key")
    assert await desk.drain() == ["newer"]


async def test_an_update_of_an_old_version_supersedes_no_newer_one(desk: Desk) -> None:
    """Nor is it sent where the newer one was."""
    to = await desk.meet()
    original = (await desk.accept("old", collapse_key="price")).notification_id
    newer = await desk.say("newer", to, collapse_key="price")
    await update(desk, original)
    while await desk.store.expand(desk.now, 10):
        pass
    assert await desk.state(newer) is State.PENDING
    assert await desk.drain() == ["newer"]


async def test_a_newer_version_leaves_edits_alone(desk: Desk) -> None:
    """An edit corrects what people have; it is no version of its own."""
    to = await desk.meet()
    original, _ = await delivered(desk, to, collapse_key="price")
    await update(desk, original)
    await desk.say("newer", to, collapse_key="price")
    assert await desk.drain() == ["new", "newer"]


# -- turn deliveries -------------------------------------------------------------------------


async def turned(desk: Desk, sends: int) -> str:
    """A turn notification whose delivery sent that many messages."""
    original, copy = await said(desk, await desk.meet(), turn=Turn(handler="report"))
    claim = await desk.claim_of(copy)
    for number in range(1, sends + 1):
        await desk.store.record_send(copy, number, f"m{number}")
    await desk.settle(claim, evidence=Evidence(status=200, activity_id=f"m{sends}"))
    return original


async def test_an_update_of_a_turn_edits_its_last_message(desk: Desk) -> None:
    """What a turn says last is its result."""
    await update(desk, await turned(desk, 3))
    (claim,) = await desk.claim()
    assert (claim.handler, claim.activity_id) == (None, "m3")


@pytest.mark.parametrize(("sends", "wanted"), [(1, "m1"), (3, None)])
async def test_only_a_turn_of_one_message_can_be_recalled(
    desk: Desk, sends: int, wanted: str | None
) -> None:
    """To remove one of several would not take back what was said."""
    await recall(desk, await turned(desk, sends))
    (claim,) = await desk.claim()
    assert claim.activity_id == wanted


# -- what channels cannot do -----------------------------------------------------------------


async def test_what_a_channel_cannot_do_is_kept(desk: Desk) -> None:
    """With the last time it said so."""
    since = desk.now
    assert await desk.store.unable(since) == {}
    await desk.store.learn_unable("slack", Action.RECALL, desk.later(1))
    await desk.store.learn_unable("slack", Action.RECALL, desk.later(1))
    assert await desk.store.unable(since) == {("slack", Action.RECALL): desk.now}
    assert await desk.store.unable(desk.now) == {}
