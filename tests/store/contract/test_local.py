"""The local channel's history."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.store.kit import Desk

ANA: Mapping[str, Any] = {"id": "dl_ana", "name": "Ana"}


async def test_a_conversation_is_new_once(desk: Desk) -> None:
    """And has the person it was first known with."""
    assert await desk.store.local_user("c1") == (False, None)
    assert await desk.store.local_start("c1", ANA)
    assert not await desk.store.local_start("c1", {"id": "dl_ben"})
    assert not await desk.store.local_start("c1", None)
    assert await desk.store.local_user("c1") == (True, ANA)


async def test_a_person_may_be_known_later(desk: Desk) -> None:
    """A conversation that began without one gets the first that is told."""
    assert await desk.store.local_start("c1", None)
    assert await desk.store.local_user("c1") == (True, None)
    assert not await desk.store.local_start("c1", ANA)
    assert await desk.store.local_user("c1") == (True, ANA)


async def test_positions_count_from_one_in_each_conversation(desk: Desk) -> None:
    """Without gaps, in the order of appending, however many append at once."""
    results = await asyncio.gather(
        *(desk.store.local_append("c1", {"n": number}) for number in range(20))
    )
    assert sorted(results) == [(position, True) for position in range(1, 21)]
    assert await desk.store.local_append("c2", {"n": 0}) == (1, True)


async def test_an_activity_is_appended_once_for_its_key(desk: Desk) -> None:
    """However often it is tried; another conversation's keys are its own."""
    assert await desk.store.local_append("c1", {"text": "a"}, key="k") == (1, True)
    assert await desk.store.local_append("c1", {"text": "other"}, key="k") == (1, False)
    assert await desk.store.local_append("c1", {"text": "b"}, key="k2") == (2, True)
    assert await desk.store.local_append("c2", {"text": "c"}, key="k") == (1, True)
    assert await desk.store.local_history("c1", after=0) == [
        (1, {"text": "a"}),
        (2, {"text": "b"}),
    ]


async def test_history_is_read_from_a_position(desk: Desk) -> None:
    """In order, no more than asked for."""
    for number in range(1, 8):
        await desk.store.local_append("c1", {"n": number})
    assert [position for position, _ in await desk.store.local_history("c1", after=0, limit=3)] == [
        1,
        2,
        3,
    ]
    assert [position for position, _ in await desk.store.local_history("c1", after=3)] == [
        4,
        5,
        6,
        7,
    ]
    assert await desk.store.local_history("c1", after=7) == []
    assert await desk.store.local_history("nowhere", after=0) == []


async def test_activities_come_back_as_they_were(desk: Desk) -> None:
    """Nulls, nesting and all of Unicode included."""
    activity = {"text": "é 🎈 \u0000", "value": {"null": None, "list": [1, 2.5, True]}}
    await desk.store.local_append("c1", activity)
    assert await desk.store.local_history("c1", after=0) == [(1, activity)]


async def test_activities_are_replaced_and_removed(desk: Desk) -> None:
    """What is removed is gone for good, and its position is not used again."""
    await desk.store.local_append("c1", {"text": "a"})
    await desk.store.local_append("c1", {"text": "b"}, key="k")
    assert await desk.store.local_replace("c1", 1, {"text": "A"})
    assert await desk.store.local_replace("c1", 2, None)
    assert await desk.store.local_history("c1", after=0) == [(1, {"text": "A"})]
    assert not await desk.store.local_replace("c1", 2, {"text": "again"})
    assert not await desk.store.local_replace("c1", 2, None)
    assert not await desk.store.local_replace("c1", 3, {"text": "c"})
    assert not await desk.store.local_replace("c2", 1, {"text": "c"})
    assert await desk.store.local_append("c1", {"text": "b"}, key="k") == (2, False)
    assert await desk.store.local_append("c1", {"text": "c"}) == (3, True)


async def test_history_outlives_its_process(desk: Desk, successor: Desk) -> None:
    """A restart changes no position."""
    await desk.store.local_start("c1", ANA)
    await desk.store.local_append("c1", {"text": "a"})
    assert await successor.store.local_user("c1") == (True, ANA)
    assert await successor.store.local_append("c1", {"text": "b"}) == (2, True)
    assert len(await desk.store.local_history("c1", after=0)) == 2
