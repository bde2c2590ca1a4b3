"""Watches: odd values, clocks that are wrong, and what nobody needs any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from recado.domain.event import Event
from recado.domain.watch import WatchState
from recado.store.port import Old
from recado.store.port.moving import RecordKind
from tests.store.kit import SECOND, Desk
from tests.store.watches import PRICE, begin, look, now, tell

_ALWAYS = {"repeats": True, "cooldown": timedelta(0)}


@pytest.mark.parametrize(
    "value",
    ["a\0b", "5" + " " * 600 + "x", "x" * 499 + "\U0001f600y", " sold out ", "1,5", "1e-7", True],
    ids=["nul", "cut number", "cut text", "blanks", "comma", "exponent", "boolean"],
)
async def test_a_value_is_no_change_from_itself(desk: Desk, value: Any) -> None:
    """However it has to be written down."""
    watch = await begin(desk, await desk.meet(), "changes", **_ALWAYS)
    for data in ("before", value, value):
        await tell(desk, data)
    assert await look(desk) == 1
    assert (await now(desk, watch)).trouble is None


async def test_a_number_of_very_many_digits_stops_nobody(desk: Desk) -> None:
    """It is kept, fires nothing, and what comes after it is looked at."""
    watch = await begin(desk, await desk.meet())
    for data in (100, Decimal("1" * 5_000), [Decimal("1" * 5_000)]):
        await tell(desk, data)
    assert await look(desk) == 0
    assert (await now(desk, watch)).trouble is not None
    await tell(desk, 80)
    assert await look(desk) == 1


@pytest.mark.parametrize("back", [0.001, 3_600.0])
async def test_a_clock_that_is_set_back_loses_no_event(desk: Desk, back: float) -> None:
    """What happens now is newer than what is known, whatever another clock said then."""
    await begin(desk, await desk.meet())
    await tell(desk, 100)
    desk.clock.advance(-back)
    assert (await tell(desk, 80)).watching == 1
    assert await desk.store.newest("local", "price:42") == 80
    assert await look(desk) == 1


async def test_a_producer_whose_time_was_set_back_is_heard(desk: Desk) -> None:
    """What was taken in with a clock far ahead does not silence what has a time of its own."""
    await begin(desk, await desk.meet())
    await tell(desk, 100)
    desk.clock.advance(-3_600)
    assert (await tell(desk, 80, time=desk.now - SECOND)).watching == 1
    assert (await tell(desk, 70, time=desk.now - 2 * SECOND)).watching == 0
    assert await look(desk) == 1


async def test_a_cool_down_ends_though_the_clock_is_set_back(desk: Desk) -> None:
    """By a day: nobody is silent for a day and an hour because of it."""
    hour = timedelta(hours=1)
    await begin(desk, await desk.meet(), "changes", repeats=True, cooldown=hour)
    for value in (1, 2):
        await tell(desk, value)
    assert await look(desk) == 1
    desk.clock.advance(-86_400)
    await tell(desk, 3)
    assert await look(desk) == 1
    desk.clock.advance(-60)
    await tell(desk, 4)
    assert await look(desk) == 0, "a clock that is a little behind ends no cool-down"


async def test_subjects_that_nobody_watches_any_more_are_forgotten(desk: Desk) -> None:
    """Also where nothing was ever told of them."""
    lane = await desk.meet()
    number = 20
    for place in range(number):
        watch = await begin(desk, lane, subject=f"typo {place}")
        await desk.store.change_watch("local", watch.id, WatchState.CANCELLED, desk.now)
    kept = await begin(desk, lane, subject="kept")
    assert await subjects(desk) == number + 1
    await desk.store.forget(Old.WATCHES, desk.now + timedelta(days=3650), limit=100)
    assert await subjects(desk) == 1
    assert (await tell(desk, 1, subject="kept")).watching == 1
    assert (await now(desk, kept)).state is WatchState.ACTIVE


async def subjects(desk: Desk) -> int:
    """How many there are in the database."""
    counted: Counter[str] = Counter()

    def take(kind: RecordKind, records: Sequence[Sequence[Any]]) -> None:
        counted[kind.name] += len(records)

    await desk.store.read_records(lambda _: None, take, with_state=False)
    return counted["subject"]


async def test_events_that_come_together_come_after_each_other(desk: Desk) -> None:
    """Each is compared with the one before it, in whichever call that came."""
    await begin(desk, await desk.meet(), "equals 3", text="{before}-{value}", **_ALWAYS)
    await tell(desk, 1)
    several = [
        Event(subject=PRICE, data=value, id=f"e{place}") for place, value in enumerate((3, 2, 3))
    ]
    await desk.store.accept_events("local", several, desk.now)
    assert await look(desk) == 2
    assert await desk.drain() == ["1-3", "2-3"]
