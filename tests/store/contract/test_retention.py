"""Forgetting: what ended long ago goes, and nothing that anything living needs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from recado.domain.audience import EveryConversation
from recado.domain.audit import Teller
from recado.domain.delivery import Evidence, State
from recado.domain.health import Finding
from recado.domain.notification import Action
from recado.domain.pause import Pause, PauseKind
from recado.domain.reference import Health
from recado.errors import IdempotencyConflict, UnknownNotification
from recado.store.port import Old
from recado.testing import HandClock
from tests.store.changes import RECEIPT, asked, delivered, recall, said, update
from tests.store.kit import Desk

KEPT: Final = timedelta(days=90)
#: After so many days also the whole month is over in which something was made, and the next.
LONG: Final = 200


@pytest.fixture
async def desk(desk: Desk, clock: HandClock) -> Desk:
    """A desk whose day is today's, because ids tell when they were made."""
    clock.set(datetime.now(UTC))
    return desk


def long_after(desk: Desk, days: float = LONG) -> None:
    """Wind the clock by days."""
    desk.later(days * 24 * 3600)


async def forget(desk: Desk, limit: int = 500) -> Counter[Old]:
    """Forget all that is old enough; how much of what."""
    dropped: Counter[Old] = Counter()
    for what in Old:
        after: str | None = ""
        while after is not None:
            step = await desk.store.forget(what, desk.now - KEPT, after=after, limit=limit)
            assert step is not None
            dropped[what] += step.dropped
            after = step.after
    return dropped


async def forgotten(desk: Desk) -> int:
    """Forget all that is old enough; how much, but for months that were empty."""
    dropped = await forget(desk)
    return sum(dropped.values()) - dropped[Old.MONTHS]


async def there(desk: Desk, *ids: str) -> list[bool]:
    """Which of these deliveries are known."""
    return [await desk.store.delivery(each) is not None for each in ids]


async def test_what_ended_long_ago_is_forgotten(desk: Desk) -> None:
    """Deliveries with their attempts and sends, then the notification with its key."""
    ana = await desk.meet()
    accepted = await desk.accept("x", ana, key="k", key_scope="api")
    (made,) = accepted.delivery_ids
    claim = await desk.claim_of(made)
    await desk.store.record_send(made, 1, "m1")
    await desk.settle(claim, State.RETRYING, due_at=desk.later(1))
    await desk.send(State.REJECTED)
    long_after(desk)
    await forget(desk)
    assert await there(desk, made) == [False]
    assert await desk.store.recorded_sends(made) == {}
    assert await desk.store.notification(accepted.notification_id) is None
    assert await desk.store.notification_of_key("local", "api", "k") is None
    assert await desk.store.reference(ana.id) is not None
    again = await desk.accept("another", ana, key="k", key_scope="api")
    assert not again.replayed


async def test_what_ended_lately_is_kept(desk: Desk) -> None:
    """However long ago it was made: it counts from its end."""
    ana = await desk.meet()
    accepted = await desk.accept("x", ana, due_at=desk.now + timedelta(days=LONG), key="k")
    long_after(desk)
    await desk.store.promote(desk.now, 10)
    await desk.send()
    long_after(desk, 89)
    assert await forgotten(desk) == 0
    assert await desk.state(accepted.delivery_ids[0]) is State.DELIVERED
    long_after(desk, 62)
    await forget(desk)
    assert await there(desk, *accepted.delivery_ids) == [False]


@pytest.mark.parametrize("state", [each for each in State if not each.final])
async def test_what_has_not_ended_is_kept(desk: Desk, state: State) -> None:
    """With its attempts, its notification, and the key under which it is answered."""
    ana = await desk.meet()
    told = {"key": "k", "accepted_at": desk.now}
    made = await desk.delivery_in(state, ana)
    keyed = await desk.accept("y", await desk.meet("a:2"), due_at=desk.now + KEPT * 9, **told)
    before = await desk.detail(made)
    long_after(desk)
    assert await forgotten(desk) == 0
    assert await desk.detail(made) == before
    with pytest.raises(IdempotencyConflict):
        await desk.accept("z", ana, key="k")
    assert await there(desk, *keyed.delivery_ids) == [True]


async def test_a_notification_is_kept_for_the_last_of_its_deliveries(desk: Desk) -> None:
    """What has ended of it goes, what has not is answered for under its key."""
    ana, ben = await desk.meet("a:1"), await desk.meet("a:2")
    due = desk.now + KEPT * 9
    accepted = await desk.accept("x", ana, ben, due_at=due, key="k")
    gone, stays = sorted(accepted.delivery_ids)
    await desk.store.cancel(gone, desk.now)
    long_after(desk)
    await forget(desk)
    assert await there(desk, gone, stays) == [False, True]
    assert await desk.store.notification_of_key("local", "", "k") == accepted.notification_id


async def test_a_copy_is_kept_for_a_change_that_has_not_left(desk: Desk) -> None:
    """However long that waits for the conversation to come back, it finds what to change."""
    ana = await desk.meet()
    notification, copy = await delivered(desk, ana)
    other = await delivered(desk, ana)
    await desk.make_unreachable(ana)
    await update(desk, notification)
    long_after(desk)
    await forget(desk)
    assert await there(desk, copy, other[1]) == [True, False]
    await desk.see()
    claims = list(await desk.claim(1))
    while claims and claims[0].target is None:
        await desk.settle(claims[0])
        claims = list(await desk.claim(1))
    assert asked(claims[0])[1:] == (copy, "m1")


async def test_what_followed_a_copy_is_kept_for_its_change(desk: Desk) -> None:
    """A message that was sent after one that cannot be edited is what a later change is about."""
    ana = await desk.meet()
    notification, copy = await delivered(desk, ana)
    await update(desk, notification)
    (sending,) = await desk.claim()
    (later,) = (await update(desk, notification, "newer")).delivery_ids
    followed = Evidence(status=201, activity_id="m2")
    await desk.settle(sending, reason="follow_up", evidence=followed)
    blocked = Finding(
        by=Teller.PROBE,
        service_url=ana.service_url,
        asked_at=desk.now,
        answered_at=desk.now,
        health=Health.BLOCKED,
    )
    await desk.store.learn(ana.id, blocked)
    assert await desk.state(later) is State.HELD
    long_after(desk)
    await forget(desk)
    assert await there(desk, copy, sending.delivery_id) == [True, True]
    await desk.see()
    (claim,) = await desk.claim()
    assert asked(claim) == (Action.UPDATE, copy, "m2")


async def test_copies_are_kept_while_a_change_looks_for_them(desk: Desk) -> None:
    """A change of many is made in steps, and may have been stopped for long."""
    everyone = [await desk.meet(f"a:{number:02}") for number in range(30)]
    accepted = await desk.accept("x", *everyone)
    await desk.send_all()
    long_after(desk)
    changed = await update(desk, accepted.notification_id)
    assert changed.delivery_ids == ()
    await forget(desk)
    while await desk.store.expand(desk.now, 100):
        pass
    progress = await desk.store.progress(changed.notification_id)
    assert progress is not None
    assert progress.total == 30


async def test_a_newer_version_is_kept_while_an_older_one_is_expanded(desk: Desk) -> None:
    """A broadcast that was paused all the while does not say what is out of date."""
    ana = await desk.meet()
    old = await desk.accept("old", collapse_key="price", audience=EveryConversation())
    paused = Pause(
        kind=PauseKind.NOTIFICATION,
        reason="asked",
        since=desk.now,
        until=None,
        bot="local",
        name=old.notification_id,
    )
    await desk.store.pause(paused)
    newer = await desk.say("new", ana, collapse_key="price")
    await desk.send()
    long_after(desk)
    await forget(desk)
    assert await there(desk, newer) == [True]
    await desk.store.resume(paused, desk.now)
    while await desk.store.expand(desk.now, 100):
        pass
    assert await desk.claim() == []
    long_after(desk)
    await forget(desk)
    assert await there(desk, newer) == [False]


async def test_changes_go_with_their_original(desk: Desk) -> None:
    """Never before it: what was recalled once stays recalled, and never without it."""
    ana = await desk.meet()
    notification, _ = await delivered(desk, ana)
    changes = [(await update(desk, notification, f"{n}")).notification_id for n in range(7)]
    recalled = (await recall(desk, notification)).notification_id
    for claim in await desk.claim():
        await desk.settle(claim, evidence=RECEIPT)
    long_after(desk)
    kept = await said(desk, ana)
    await forget(desk, limit=3)
    found = [
        await desk.store.notification(each) for each in (notification, *changes, recalled, kept[0])
    ]
    assert [each is not None for each in found] == [*[False] * 9, True]
    with pytest.raises(UnknownNotification):
        await update(desk, notification)


async def test_an_original_stays_for_its_changes(desk: Desk) -> None:
    """As long as one of them has not left, or was accepted lately."""
    ana = await desk.meet()
    notification, copy = await delivered(desk, ana)
    long_after(desk)
    await update(desk, notification)
    await desk.send(evidence=RECEIPT)
    long_after(desk, 80)
    await forget(desk)
    assert await there(desk, copy) == [False]
    again = await update(desk, notification, "once more")
    assert again.delivery_ids == ()
    long_after(desk, 60)
    await forget(desk)
    assert await desk.store.notification(again.notification_id) is not None
    assert await desk.store.notification(notification) is not None


async def test_a_pause_goes_with_its_notification(desk: Desk) -> None:
    """Nobody could end it any more."""
    ana = await desk.meet()
    accepted = await desk.accept("x", ana)
    name = accepted.notification_id
    pause = Pause(
        kind=PauseKind.NOTIFICATION, reason="r", since=desk.now, until=None, bot="local", name=name
    )
    await desk.store.pause(pause)
    await desk.store.cancel(accepted.delivery_ids[0], desk.now)
    await forget(desk)
    assert len(await desk.store.pauses(desk.now)) == 1
    long_after(desk)
    await forget(desk)
    assert await desk.store.pauses(desk.now) == []


async def test_steps_are_bounded_by_what_they_delete(desk: Desk) -> None:
    """A delivery that was tried often counts with every attempt; the next step goes on behind."""
    ana = await desk.meet()
    tried = await desk.say("x", ana)
    for _ in range(9):
        (claim,) = await desk.claim()
        await desk.settle(claim, State.RETRYING, due_at=desk.later(1))
    await desk.send(State.REJECTED)
    others = [await desk.say(f"{number}", ana) for number in range(5)]
    for _ in others:
        await desk.send()
    # It has not ended, so where history is kept by months this month cannot go as a whole.
    await desk.say("later", ana, due_at=desk.now + timedelta(days=9999))
    long_after(desk)
    before = desk.now - KEPT
    step = await desk.store.forget(Old.DELIVERIES, before, limit=6)
    assert step == (1, tried)
    step = await desk.store.forget(Old.DELIVERIES, before, after=tried, limit=6)
    assert step is not None
    assert step.dropped == 3
    assert (await forget(desk, limit=2))[Old.DELIVERIES] == 2


async def test_the_audit_has_its_own_time(desk: Desk) -> None:
    """What has become of references is forgotten when it happened long ago, and only that."""
    ana = await desk.meet()
    await desk.make_unreachable(ana, Health.BLOCKED)
    long_after(desk)
    await desk.see()
    assert len((await desk.store.audit()).items) == 2
    assert (await forget(desk, limit=1))[Old.AUDIT] == 1
    (entry,) = (await desk.store.audit()).items
    assert entry.at == desk.now


async def test_what_was_forgotten_is_gone_for_the_other_verbs(desk: Desk) -> None:
    """Whoever asks by id is told so."""
    ana = await desk.meet()
    notification, copy = await delivered(desk, ana)
    long_after(desk)
    await forget(desk)
    assert await desk.store.progress(notification) is None
    assert await desk.ids() == []
    assert (await desk.store.retry_many([copy], desk.now)).counts == {}
