"""Idempotency keys: the same request is accepted once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from recado.domain.audience import Several
from recado.domain.content import content_of
from recado.domain.delivery import OnUnknown, Priority, State
from recado.errors import IdempotencyConflict
from recado.testing import START, make_notification
from tests.store.kit import Desk


async def test_a_repeated_request_gets_what_was_accepted_then(desk: Desk) -> None:
    """Same notification, same deliveries, the time of the first acceptance, and nothing new."""
    lanes = [await desk.meet("a:1"), await desk.meet("a:2")]
    first = await desk.accept("hello", *lanes, key="k")
    desk.later(3600)
    again = await desk.accept("hello", *lanes, key="k")
    assert again.replayed
    assert again.notification_id == first.notification_id
    assert again.delivery_ids == first.delivery_ids
    assert again.accepted_at == START
    assert len(await desk.ids()) == 2


async def test_a_repetition_after_delivery_says_nothing_again(desk: Desk) -> None:
    """The key outlives the deliveries."""
    reference = await desk.meet()
    first = await desk.accept("hello", reference, key="k")
    assert await desk.drain() == ["hello"]
    again = await desk.accept("hello", reference, key="k")
    assert (again.replayed, again.delivery_ids) == (True, first.delivery_ids)
    assert await desk.drain() == []


async def test_a_repetition_is_known_in_the_next_process(desk: Desk, successor: Desk) -> None:
    """The key is committed with the notification."""
    reference = await desk.meet()
    first = await desk.accept("hello", reference, key="k")
    again = await successor.accept("hello", reference, key="k")
    assert again.notification_id == first.notification_id


@pytest.mark.parametrize(
    "changed",
    [
        {"content": content_of("other")},
        {"priority": Priority.URGENT},
        {"on_unknown": OnUnknown.PARK},
        {"category": "news"},
        {"collapse_key": "c"},
        {"user": {"id": "29:ben"}},
        {"audience": Several(())},
        {"mode": "as_turn"},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_another_request_under_the_key_is_refused(desk: Desk, changed: Any) -> None:
    """Whatever differs, nothing of the second request is accepted."""
    reference = await desk.meet()
    await desk.accept("hello", reference, key="k")
    with pytest.raises(IdempotencyConflict) as raised:
        await desk.accept("hello", reference, key="k", **changed)
    assert raised.value.key == "k"
    assert len(await desk.ids()) == 1


async def test_times_are_not_part_of_the_request(desk: Desk) -> None:
    """`in ten minutes` asked again a moment later is the same request."""
    reference = await desk.meet()
    delay = timedelta(minutes=10)
    first = await desk.accept("hello", reference, key="k", due_at=desk.now + delay)
    desk.later(1)
    again = await desk.accept("hello", reference, key="k", due_at=desk.now + delay)
    assert again.notification_id == first.notification_id


async def test_scopes_and_bots_have_keys_of_their_own(desk: Desk) -> None:
    """Two callers may choose the same key."""
    here, there = await desk.meet(), await desk.meet(bot="other")
    ids = {
        (await desk.accept("hello", here, key="k")).notification_id,
        (await desk.accept("hello", here, key="k", key_scope="caller")).notification_id,
        (await desk.accept("hello", there, key="k", bot="other")).notification_id,
        (await desk.accept("hello", here, key="K")).notification_id,
        (await desk.accept("hello", here, key="k ")).notification_id,
    }
    assert len(ids) == 5


async def test_a_broadcast_is_replayed_without_ids(desk: Desk) -> None:
    """Its deliveries are too many to list, then as now."""
    await desk.meet()
    first = await desk.accept("hello", key="k")
    await desk.store.expand(desk.now, 10)
    again = await desk.accept("hello", key="k")
    assert (again.replayed, again.delivery_ids) == (True, ())
    assert again.notification_id == first.notification_id
    await desk.store.expand(desk.now, 10)
    assert len(await desk.ids()) == 1


async def test_simultaneous_requests_are_accepted_once(desk: Desk) -> None:
    """However many callers hold the same key at once, one of them is the first."""
    reference = await desk.meet()
    accepted = await asyncio.gather(*(desk.accept("hello", reference, key="k") for _ in range(50)))
    assert sum(not each.replayed for each in accepted) == 1
    assert len({each.notification_id for each in accepted}) == 1
    assert len(await desk.ids()) == 1


async def test_a_conflict_disturbs_nobody_who_commits_at_the_same_time(desk: Desk) -> None:
    """Of many requests at once exactly those with the used key are refused."""
    reference = await desk.meet()
    await desk.accept("hello", reference, key="k")
    requests = [
        desk.store.accept(
            make_notification(
                f"number {number}",
                audience=Several(()),
                key="k" if number % 5 == 0 else f"key {number}",
            ),
            [reference],
        )
        for number in range(50)
    ]
    results = await asyncio.gather(*requests, return_exceptions=True)
    refused = [number for number, each in enumerate(results) if isinstance(each, Exception)]
    assert refused == list(range(0, 50, 5))
    assert all(isinstance(results[number], IdempotencyConflict) for number in refused)
    assert len(await desk.ids(state=State.PENDING)) == 41
