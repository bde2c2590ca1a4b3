"""Watches: what they look at, and when they speak."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from recado.domain.audience import Conversation, Person
from recado.domain.delivery import State
from recado.domain.notification import Turn
from recado.domain.reference import Health
from recado.domain.watch import WatchState
from recado.errors import InvalidInput
from recado.store.port import Wanted
from tests.store.kit import SECOND, Desk
from tests.store.watches import PRICE, begin, look, now, tell


async def test_a_watch_speaks_once(desk: Desk) -> None:
    """In its conversation, when its rule has become true; and that ends it."""
    lane = await desk.meet()
    watch = await begin(desk, lane, text="{subject}: {value} after {before}, {percent}")
    assert (watch.number, watch.state, watch.armed) == (1, WatchState.ACTIVE, True)
    for value in (Decimal("0.10"), Decimal("0.0801"), Decimal("0.08"), 0.05):
        await tell(desk, value)
    assert await desk.store.events_pending()
    assert await look(desk) == 1
    assert not await desk.store.events_pending()
    assert await desk.drain() == ["price:42: 0.08 after 0.10, -20\u00a0%"]
    ended = await now(desk, watch)
    assert (ended.state, ended.fired, ended.fired_at) == (WatchState.FIRED, 1, desk.now)
    assert (await tell(desk, 0.01)).watching == 0


async def test_it_begins_with_what_is_known(desk: Desk) -> None:
    """A drop is from the price when the watch was made; what is true then is not said."""
    await tell(desk, 100)
    lane = await desk.meet()
    fallen, below = await begin(desk, lane), await begin(desk, lane, "below 150")
    assert (fallen.baseline, fallen.armed, below.armed) == ("100", True, False)
    await tell(desk, 80)
    assert await look(desk) == 1
    await tell(desk, 150)
    await tell(desk, 149)
    assert await look(desk) == 1
    assert (fallen.number, below.number) == (1, 2)


async def test_only_those_that_were_there_look(desk: Desk) -> None:
    """A watch that is made after an event was accepted begins with it, and does not look at it."""
    lane = await desk.meet()
    early = await begin(desk, lane, "changes", repeats=True, cooldown=timedelta(0))
    await tell(desk, 1)
    await tell(desk, 2)
    late = await begin(desk, lane, "changes", repeats=True, cooldown=timedelta(0))
    await tell(desk, 3)
    assert late.baseline == "2"
    assert await look(desk, step=1) == 3
    assert ((await now(desk, early)).fired, (await now(desk, late)).fired) == (2, 1)


async def test_each_has_its_own_baseline(desk: Desk) -> None:
    """Who came at another price is told at another price."""
    lanes = [await desk.meet(f"a:{number}") for number in range(3)]
    for lane, price in zip(lanes, (100, 90, 80), strict=True):
        await tell(desk, price)
        await begin(desk, lane)
    for price, fired in ((75, 1), (72, 1), (64, 1), (10, 0)):
        await tell(desk, price)
        assert await look(desk) == fired


async def test_a_repeating_watch_goes_on(desk: Desk) -> None:
    """It speaks each time its rule becomes true, and not while it stays so."""
    lane = await desk.meet()
    watch = await begin(desk, lane, "below 50", repeats=True)
    for value in (60, 49, 48, 50, 49):
        await tell(desk, value)
    assert await look(desk, step=1) == 2
    assert await desk.drain() == ["49", "49"]
    assert (await now(desk, watch)).state is WatchState.ACTIVE


async def test_a_cool_down_is_kept(desk: Desk) -> None:
    """What is still true at the first event after it is said then."""
    watch = await begin(
        desk, await desk.meet(), "below 50", repeats=True, cooldown=timedelta(minutes=1)
    )
    for value, wait, fired in ((49, 0, 1), (50, 1, 0), (48, 1, 0), (47, 58, 1), (46, 60, 0)):
        desk.later(wait)
        await tell(desk, value)
        assert await look(desk) == fired, value
    assert (await now(desk, watch)).fired == 2


async def test_trouble_is_noted_and_ends(desk: Desk) -> None:
    """A value that is no number fires nothing; the next one is looked at again."""
    lane = await desk.meet()
    watch = await begin(desk, lane, path="offer.price")
    await tell(desk, {"offer": {"price": 100}})
    for data, why in (
        ({"offer": {"price": "free"}}, "no number"),
        ({"offer": {}}, "nothing at offer.price"),
        ({"offer": {"price": None}}, "null"),
        ({"offer": {"price": [1]}}, "a list"),
    ):
        await tell(desk, data)
        assert await look(desk) == 0
        told = await now(desk, watch)
        assert told.trouble is not None
        assert why in told.trouble
        assert told.baseline == "100"
    await tell(desk, {"offer": {"price": "90.0"}})
    await look(desk)
    assert (await now(desk, watch)).trouble is None
    await tell(desk, {"offer": {"price": "80.0"}})
    assert await look(desk) == 1


async def test_a_text_that_is_known_is_refused(desk: Desk) -> None:
    """Where a rule is about numbers; and what is not there at all."""
    await tell(desk, {"state": "sold out"})
    lane = await desk.meet()
    with pytest.raises(InvalidInput, match="no number"):
        await begin(desk, lane, path="state")
    with pytest.raises(InvalidInput, match="nothing at price"):
        await begin(desk, lane, path="price")
    watch = await begin(desk, lane, "equals sold out", path="state", repeats=True)
    assert not watch.armed
    assert (await tell(desk, {"state": "available"})).watching == 1


async def test_a_handler_is_told_what_was_seen(desk: Desk) -> None:
    """The delivery is a turn whose value says it all."""
    watch = await begin(desk, await desk.meet(), turn=Turn(handler="sell", value={"of": "mine"}))
    await tell(desk, {"value": 100}, id="a")
    await tell(desk, {"value": 80}, id="b", source="shop", type="sale")
    assert await look(desk) == 1
    (claim,) = (await desk.cycle(Wanted(limit=64, handlers=frozenset({"sell"})))).claims
    assert claim.handler == "sell"
    assert json.loads(claim.value or "") == {
        "watch": watch.id,
        "subject": PRICE,
        "rule": "drop 20%",
        "value": "80",
        "before": "100",
        "given": {"of": "mine"},
        "event": {"id": "b", "source": "shop", "type": "sale", "data": {"value": 80}},
    }


async def test_how_it_is_said_is_kept(desk: Desk) -> None:
    """Category, priority and the rest are those the watch was made with."""
    lane = await desk.meet(is_group=True)
    asked = desk.now - SECOND
    await begin(desk, lane, "above 1", category="prices", asked_at=asked, user={"id": "29:ana"})
    await tell(desk, 2)
    await look(desk)
    (made,) = await desk.ids()
    found = (await desk.detail(made)).delivery
    assert (found.user, found.state) == ({"id": "29:ana"}, State.PENDING)
    detail = await desk.store.notification(found.notification_id)
    assert detail is not None
    assert detail.category == "prices"


async def test_a_person_is_told_where_they_are(desk: Desk) -> None:
    """Not where they were when the watch was made, when they have another chat since."""
    old = await desk.meet("a:1", channel="msteams")
    await begin(desk, old, audience=Person("29:ana"))
    await begin(desk, old, audience=Conversation(old.id))
    desk.later(1)
    new = await desk.meet("a:2", channel="msteams")
    await tell(desk, 100)
    await tell(desk, 10)
    assert await look(desk) == 2
    places = [(await desk.detail(each)).delivery.reference_id for each in await desk.ids()]
    assert sorted(places) == sorted([old.id, new.id])


async def test_what_cannot_be_reached_waits(desk: Desk) -> None:
    """A conversation that is gone has its news held."""
    lane = await desk.meet()
    await begin(desk, lane, "above 1")
    await desk.make_unreachable(lane, Health.BLOCKED)
    await tell(desk, 2)
    assert await look(desk) == 1
    standing = [await desk.standing(each) for each in await desk.ids(state=State.HELD)]
    assert (State.HELD, "unreachable") in standing


async def test_many_watches_are_looked_at_in_steps(desk: Desk) -> None:
    """Each once, whatever the step."""
    lanes = [await desk.meet(f"a:{number}") for number in range(25)]
    for lane in lanes:
        await begin(desk, lane)
    await tell(desk, 100)
    await tell(desk, 80)
    assert await look(desk, step=7) == 25
    told = Counter([(await desk.detail(each)).delivery.reference_id for each in await desk.ids()])
    assert told == Counter(lane.id for lane in lanes)


async def test_subjects_take_turns(desk: Desk) -> None:
    """One that many watch does not keep another one waiting until it is through."""
    for number in range(30):
        await begin(desk, await desk.meet(f"a:{number}"))
    await begin(desk, await desk.meet("b:1"), subject="other")
    await tell(desk, 100)
    await tell(desk, 100, subject="other")
    first = await desk.store.evaluate(desk.now, 0, 10)
    second = await desk.store.evaluate(desk.now, first.after, 10)
    assert [each.subject for each in first.events] == [PRICE]
    assert second.events[0].subject == "other"
