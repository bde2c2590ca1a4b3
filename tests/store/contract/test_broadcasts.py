"""Broadcasts: accepted in one step, expanded in short ones."""

from __future__ import annotations

from datetime import timedelta

from recado.domain.delivery import HeldReason, State
from recado.domain.notification import Progress
from tests.store.kit import SECOND, Desk


async def progress_of(desk: Desk, notification_id: str) -> Progress:
    """How far a notification has come."""
    found = await desk.store.progress(notification_id)
    assert found is not None
    return found


async def test_the_audience_is_frozen_at_acceptance(desk: Desk) -> None:
    """Whoever is met afterwards is not in it; whoever was known is, seen again or not."""
    for number in range(3):
        await desk.meet(f"a:{number}")
    accepted = await desk.accept("hello")
    assert accepted.delivery_ids == ()
    await desk.see("a:0", at=desk.later(1))
    await desk.see("a:late")
    assert await desk.store.expand(desk.now, 100) == 3
    assert await desk.store.expand(desk.now, 100) == 0
    progress = await progress_of(desk, accepted.notification_id)
    assert (progress.expanded, progress.total) == (True, 3)
    assert await desk.drain() == ["hello"] * 3


async def test_other_bots_conversations_are_not_meant(desk: Desk) -> None:
    """Every conversation is every one of its bot."""
    await desk.meet("a:1", bot="other")
    own = await desk.meet("a:2")
    await desk.meet("a:3", bot="other")
    await desk.accept("hello")
    assert await desk.store.expand(desk.now, 100) == 1
    (claim,) = await desk.claim()
    assert claim.lane == own.number


async def test_it_is_expanded_in_steps(desk: Desk) -> None:
    """No step makes more than it is told to, and delivery begins before the last."""
    for number in range(7):
        await desk.meet(f"a:{number}")
    accepted = await desk.accept("hello")
    made = []
    while step := await desk.store.expand(desk.now, 3):
        made.append(step)
        progress = await progress_of(desk, accepted.notification_id)
        assert progress.total == sum(made)
        assert not progress.settled
        assert len(await desk.claim()) == step
    assert made == [3, 3, 1]
    assert (await progress_of(desk, accepted.notification_id)).expanded


async def test_steps_that_end_exactly_with_the_audience_end_it(desk: Desk) -> None:
    """The last recipient may be the last of a full step."""
    for number in range(4):
        await desk.meet(f"a:{number}")
    accepted = await desk.accept("hello")
    assert await desk.store.expand(desk.now, 2) == 2
    assert await desk.store.expand(desk.now, 2) == 2
    assert await desk.store.expand(desk.now, 2) == 0
    progress = await progress_of(desk, accepted.notification_id)
    assert (progress.expanded, progress.total) == (True, 4)


async def test_expansion_resumes_in_the_next_process(desk: Desk, successor: Desk) -> None:
    """A crash between two steps neither loses nor repeats a recipient."""
    for number in range(5):
        await desk.meet(f"a:{number}")
    accepted = await desk.accept("hello")
    assert await desk.store.expand(desk.now, 2) == 2
    assert await successor.store.expand(desk.now, 100) == 3
    assert (await progress_of(successor, accepted.notification_id)).total == 5
    assert len(await successor.drain()) == 5


async def test_older_broadcasts_are_expanded_first(desk: Desk) -> None:
    """In one conversation they are heard in the order they were accepted."""
    for number in range(3):
        await desk.meet(f"a:{number}")
    first = await desk.accept("first")
    second = await desk.accept("second")
    assert await desk.store.expand(desk.now, 4) == 4
    assert (await progress_of(desk, first.notification_id)).total == 3
    assert (await progress_of(desk, second.notification_id)).total == 1
    await desk.store.expand(desk.now, 100)
    assert await desk.drain() == ["first"] * 3 + ["second"] * 3


async def test_a_later_expansion_keeps_the_place_of_its_acceptance(desk: Desk) -> None:
    """What is accepted for one conversation during an expansion comes after the broadcast."""
    reference = await desk.meet()
    await desk.accept("broadcast")
    await desk.say("single", reference)
    await desk.store.expand(desk.now, 100)
    assert await desk.drain() == ["broadcast", "single"]


async def test_nobody_known_is_nobody_told(desk: Desk) -> None:
    """A broadcast to no conversation is expanded and settled at once."""
    accepted = await desk.accept("hello")
    progress = await progress_of(desk, accepted.notification_id)
    assert (progress.expanded, progress.total, progress.settled) == (True, 0, True)
    assert (await desk.store.backlog()).expanding == 0


async def test_options_hold_for_every_recipient(desk: Desk) -> None:
    """Later ones are scheduled, the unreachable are held, expiry is each one's."""
    gone = await desk.meet("a:gone")
    await desk.make_unreachable(gone)
    await desk.meet("a:here")
    until = desk.now + timedelta(hours=2)
    now = await desk.accept("now", expires_at=until)
    later = await desk.accept("later", due_at=desk.now + timedelta(hours=1))
    await desk.store.expand(desk.now, 100)
    counts = (await progress_of(desk, now.notification_id)).counts
    assert counts == {State.HELD: 1, State.PENDING: 1}
    assert (await progress_of(desk, later.notification_id)).counts == {State.SCHEDULED: 2}
    (claim,) = await desk.claim()
    assert claim.expires_at == until
    await desk.store.promote(desk.later(3600), 100)
    counts = (await progress_of(desk, later.notification_id)).counts
    assert counts == {State.HELD: 1, State.PENDING: 1}


async def test_a_newer_broadcast_supersedes_an_older_one(desk: Desk) -> None:
    """With one collapse key, only the newest is heard by those who had not heard the older."""
    await desk.meet("a:1")
    await desk.meet("a:2")
    old = await desk.accept("old", collapse_key="price")
    assert await desk.store.expand(desk.now, 1) == 1
    assert await desk.drain() == ["old"]
    new = await desk.accept("new", collapse_key="price")
    await desk.store.expand(desk.now, 100)
    assert await desk.drain() == ["new", "new"]
    assert (await progress_of(desk, old.notification_id)).counts == {
        State.DELIVERED: 1,
        State.SUPERSEDED: 1,
    }
    assert (await progress_of(desk, new.notification_id)).counts == {State.DELIVERED: 2}


async def test_an_older_broadcast_does_not_supersede_a_newer_word(desk: Desk) -> None:
    """An expansion that comes late gives way to what was said since, sent or not."""
    heard, waiting = await desk.meet("a:heard"), await desk.meet("a:waiting")
    old = await desk.accept("old", collapse_key="price")
    await desk.say("new", heard, collapse_key="price")
    assert await desk.drain() == ["new"]
    new = await desk.say("new", waiting, collapse_key="price")
    await desk.store.expand(desk.now, 100)
    assert await desk.state(new) is State.PENDING
    assert await desk.drain() == ["new"]
    progress = await progress_of(desk, old.notification_id)
    assert (progress.counts, progress.expanded) == ({State.SUPERSEDED: 2}, True)


async def test_expansion_into_a_conversation_that_has_gone(desk: Desk) -> None:
    """Health counts at the moment of expansion, not of acceptance."""
    reference = await desk.meet()
    accepted = await desk.accept("hello")
    await desk.make_unreachable(reference)
    await desk.store.expand(desk.later(1), 100)
    (made,) = await desk.ids(notification_id=accepted.notification_id)
    assert await desk.standing(made) == (State.HELD, HeldReason.UNREACHABLE)
    assert (await desk.see(at=desk.now + SECOND)).released == 2
