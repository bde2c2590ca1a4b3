"""What was set apart in somebody else's transaction is taken up, and is then as if accepted so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from recado.domain.audience import Conversation, Several
from recado.domain.delivery import State
from recado.domain.notification import Once
from recado.domain.reference import Reference
from recado.store.over_sql import SqlStore
from recado.store.port import Accepted
from recado.store.verbs import acceptance
from recado.testing import make_notification
from tests.store.kit import Desk


async def set_apart(desk: Desk, text: str, *to: Reference, **changes: Any) -> Accepted:
    """Accept as it is done in a transaction that nobody is to wait for."""
    assert isinstance(desk.store, SqlStore)
    told: dict[str, Any] = {
        "audience": Several(tuple(Conversation(each.id) for each in to)),
        "accepted_at": desk.now,
        "due_at": desk.now,
    }
    notification = make_notification(text, **(told | changes))
    accepted: Accepted = await desk.store._write(  # noqa: SLF001 - a caller's, for this once
        lambda db: acceptance.accept(db, notification, to, apart=True)
    )
    return accepted


async def test_it_waits_outside_its_lane(desk: Desk) -> None:
    """Nobody claims it, and its time does not come, before it is taken up."""
    accepted = await set_apart(desk, "hi", await desk.meet())
    assert await desk.standing(accepted.delivery_ids[0]) == (State.SCHEDULED, "enqueued")
    await desk.store.promote(desk.later(60), 100)
    assert await desk.claim() == []
    assert await desk.store.settled(accepted.notification_id) is False


async def test_taken_up_it_enters_its_lane(desk: Desk) -> None:
    """In the order of acceptance, under the ids that were told."""
    ana, ben = await desk.meet("a:1"), await desk.meet("a:2")
    accepted = await set_apart(desk, "first", ana, ben)
    await set_apart(desk, "second", ana)
    assert await desk.store.expand(desk.now, 100) == 3
    assert sorted(await desk.drain()) == ["first", "first", "second"]
    assert [await desk.state(each) for each in accepted.delivery_ids] == [State.DELIVERED] * 2
    assert await desk.store.settled(accepted.notification_id) is True


async def test_it_is_taken_up_beside_broadcasts(desk: Desk) -> None:
    """A broadcast to many does not keep it waiting."""
    ana = await desk.meet("a:1")
    for number in range(2, 30):
        await desk.meet(f"a:{number}")
    await desk.say("to all")
    accepted = await set_apart(desk, "to Ana", ana)
    await desk.store.expand(desk.now, 4)
    assert await desk.state(accepted.delivery_ids[0]) is State.PENDING


async def test_what_is_due_later_is_scheduled(desk: Desk) -> None:
    """Until then."""
    due = desk.now + timedelta(hours=1)
    accepted = await set_apart(desk, "later", await desk.meet(), due_at=due)
    await desk.store.expand(desk.now, 100)
    assert await desk.standing(accepted.delivery_ids[0]) == (State.SCHEDULED, None)
    await desk.store.promote(desk.later(3600), 100)
    assert await desk.drain() == ["later"]


async def test_what_is_unreachable_is_held(desk: Desk) -> None:
    """Until the person is back."""
    ana = await desk.meet()
    await desk.make_unreachable(ana)
    accepted = await set_apart(desk, "hi", ana)
    await desk.store.expand(desk.now, 100)
    assert await desk.standing(accepted.delivery_ids[0]) == (State.HELD, "unreachable")


@pytest.mark.parametrize("taken_up", [False, True])
async def test_a_newer_version_supersedes_it(desk: Desk, *, taken_up: bool) -> None:
    """Whether or not it has been taken up."""
    ana = await desk.meet()
    accepted = await set_apart(desk, "old", ana, collapse_key="price")
    if taken_up:
        await desk.store.expand(desk.now, 100)
    await desk.say("new", ana, collapse_key="price")
    await desk.store.expand(desk.now, 100)
    assert await desk.state(accepted.delivery_ids[0]) is State.SUPERSEDED
    assert await desk.drain() == ["new"]


async def test_it_supersedes_what_is_older(desk: Desk) -> None:
    """When it is taken up."""
    ana = await desk.meet()
    old = await desk.say("old", ana, collapse_key="price")
    await set_apart(desk, "new", ana, collapse_key="price")
    assert await desk.state(old) is State.PENDING
    await desk.store.expand(desk.now, 100)
    assert await desk.state(old) is State.SUPERSEDED
    assert await desk.drain() == ["new"]


async def test_what_is_the_same_again_is_suppressed(desk: Desk) -> None:
    """Of two with one once-key the first is said."""
    ana = await desk.meet()
    once = Once(key="price:42", every=timedelta(days=1))
    first = await set_apart(desk, "first", ana, once=once)
    second = await set_apart(desk, "second", ana, once=once)
    await desk.store.expand(desk.now, 100)
    assert await desk.state(first.delivery_ids[0]) is State.PENDING
    assert await desk.standing(second.delivery_ids[0]) == (State.SUPPRESSED, "duplicate")


async def test_what_has_expired_ends(desk: Desk) -> None:
    """Also where nobody has taken it up in time."""
    until = desk.now + timedelta(seconds=5)
    accepted = await set_apart(desk, "hi", await desk.meet(), expires_at=until)
    await desk.store.promote(desk.later(10), 100)
    assert await desk.state(accepted.delivery_ids[0]) is State.EXPIRED
    assert await desk.store.expand(desk.now, 100) == 0
