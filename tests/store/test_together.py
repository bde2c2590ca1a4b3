"""Callers who notify at the same moment share a commit, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from recado.store.together import Together


class Counted:
    """Doubles numbers; refuses odd ones, and then does nothing of what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.done: list[int] = []

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.calls.append(list(numbers))
        if odd := [each for each in numbers if each % 2]:
            raise ValueError(f"{odd[0]} is odd")
        self.done += numbers
        return [2 * each for each in numbers]


async def test_what_is_asked_for_at_once_is_done_at_once() -> None:
    """In one call, in order; who comes later gets another."""
    work = Counted()
    together = Together(work)
    assert await asyncio.gather(*(together.do(each) for each in (2, 4, 6))) == [4, 8, 12]
    assert await together.do(8) == 16
    assert work.calls == [[2, 4, 6], [8]]


async def test_nobody_suffers_for_another() -> None:
    """What cannot be done is refused to whoever asked for it, and the rest is done once."""
    work = Counted()
    together = Together(work)
    found = await asyncio.gather(*(together.do(each) for each in (2, 3, 4)), return_exceptions=True)
    assert [str(each) for each in found] == ["4", "3 is odd", "8"]
    assert work.done == [2, 4]


async def test_what_is_nobodys_fault_is_not_tried_again() -> None:
    """All of them are told."""
    work = Counted()
    together = Together(work, (ValueError,))
    found = await asyncio.gather(*(together.do(each) for each in (2, 3, 4)), return_exceptions=True)
    assert [str(each) for each in found] == ["3 is odd"] * 3
    assert len(work.calls) == 1


async def test_who_stops_waiting_stops_nobody_else() -> None:
    """What was asked for is done all the same."""
    work = Counted()
    together = Together(work)
    first = asyncio.ensure_future(together.do(2))
    second = asyncio.ensure_future(together.do(4))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 8
    with pytest.raises(asyncio.CancelledError):
        await first
    assert work.done == [2, 4]


async def test_finishing_waits_for_what_was_asked_for() -> None:
    """Even when it had not begun."""
    work = Counted()
    together = Together(work)
    asked = asyncio.ensure_future(together.do(2))
    await asyncio.sleep(0)
    await together.finish()
    assert work.done == [2]
    assert await asked == 4
    await together.finish()
