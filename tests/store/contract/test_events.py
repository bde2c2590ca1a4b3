"""Events: taken in once each, in order."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from recado.domain.event import Emitted, Event
from recado.errors import InvalidEvent
from tests.store.kit import SECOND, Desk
from tests.store.watches import PRICE, begin, look, now, tell


async def test_an_event_is_kept_once(desk: Desk) -> None:
    """Source and id name it: what comes again is a replay, whatever its data and subject."""
    first = await tell(desk, 1, id="a", source="shop")
    assert first == Emitted(id="a", replayed=False, watching=0)
    assert (await tell(desk, 2, id="a", source="shop")).replayed
    assert (await tell(desk, 2, id="a", source="shop", subject="other")).replayed
    assert not (await tell(desk, 2, id="a", source="another shop")).replayed
    assert not (await tell(desk, 2, id="b", source="shop")).replayed


async def test_a_batch_is_taken_in_whole(desk: Desk) -> None:
    """In order, a replay within it is one, and of one that cannot be kept nothing is."""
    await begin(desk, await desk.meet())
    batch = [
        Event(subject=PRICE, data=data, id=id_) for data, id_ in ((1, "a"), (2, "b"), (3, "a"))
    ]
    batch.append(Event(subject="other", data=4, id="c"))
    emitted = await desk.store.accept_events("local", batch, desk.now)
    assert [(each.id, each.replayed, each.watching) for each in emitted] == [
        ("a", False, 1),
        ("b", False, 1),
        ("a", True, 0),
        ("c", False, 0),
    ]
    assert await desk.store.newest("local", PRICE) == 2
    broken = [Event(subject=PRICE, data=5, id="d"), Event(subject="", data=5, id="e")]
    with pytest.raises(InvalidEvent, match="subject"):
        await desk.store.accept_events("local", broken, desk.now)
    assert not (await tell(desk, 6, id="d")).replayed


async def test_digits_are_kept(desk: Desk) -> None:
    """A number comes out as it went in."""
    told = {"value": Decimal("79.90"), "text": "é\N{GRINNING FACE}", "list": [1, None, True]}
    await tell(desk, told)
    data = await desk.store.newest("local", PRICE)
    assert str(data["value"]) == "79.90"
    assert data["list"] == [1, None, True]
    assert await desk.store.newest("local", "unheard of") is None
    assert await desk.store.newest("another", PRICE) is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (float("nan"), "JSON"),
        (Decimal("inf"), "JSON"),
        ({1: 2}, "JSON"),
        (object(), "JSON"),
        ("x" * 300_000, "characters"),
        ("\ud800", "JSON"),
    ],
)
async def test_what_is_no_json_is_refused(desk: Desk, data: Any, why: str) -> None:
    """Nothing of it is kept."""
    with pytest.raises(InvalidEvent, match=why):
        await tell(desk, data, id="a")
    assert not (await tell(desk, 1, id="a")).replayed


async def test_an_older_event_changes_nothing(desk: Desk) -> None:
    """It is kept, answered for, and looked at by nobody; a later one goes on from the newest."""
    watch = await begin(desk, await desk.meet())
    at = desk.now
    await tell(desk, 100, time=at)
    late = await tell(desk, 10, time=at - SECOND, id="late")
    assert late == Emitted(id="late", replayed=False, watching=0)
    assert await desk.store.newest("local", PRICE) == 100
    assert await look(desk) == 0
    assert (await now(desk, watch)).baseline == "100"
    assert (await tell(desk, 10, id="late")).replayed
    await tell(desk, 70, time=at)
    assert await look(desk) == 1


async def test_an_event_of_the_future_counts_as_now(desk: Desk) -> None:
    """A clock that is fast does not silence what comes after."""
    await begin(desk, await desk.meet())
    await tell(desk, 100, time=desk.now + timedelta(days=1))
    desk.later(1)
    await tell(desk, 50, time=desk.now)
    assert await look(desk) == 1
