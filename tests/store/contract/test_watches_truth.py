"""Watches: what has stopped being true is not said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from recado.domain.delivery import State
from recado.domain.watch import WatchState
from tests.store.kit import SECOND, Desk
from tests.store.watches import begin, look, now, tell


async def test_what_has_recovered_is_not_said(desk: Desk) -> None:
    """It is suppressed, and a later fall is told: the watch is as if it had not fired."""
    watch = await begin(desk, await desk.meet())
    await tell(desk, 100)
    await tell(desk, 80)
    assert await look(desk) == 1
    (made,) = await desk.ids()
    await tell(desk, 95)
    assert await desk.claim() == []
    assert await desk.standing(made) == (State.SUPPRESSED, "no_longer_true")
    rearmed = await now(desk, watch)
    assert (rearmed.state, rearmed.fired, rearmed.baseline) == (WatchState.ACTIVE, 0, "100")
    assert (rearmed.fired_at, rearmed.ended_at, rearmed.armed) == (None, None, True)
    assert (await tell(desk, 79)).watching == 1
    assert await look(desk) == 1
    assert await desk.drain() == ["79"]


async def test_what_is_still_true_is_said(desk: Desk) -> None:
    """Also when the value has moved on."""
    await begin(desk, await desk.meet())
    for value in (100, 80, 75):
        await tell(desk, value)
    await look(desk)
    assert await desk.drain() == ["80"]


@pytest.mark.parametrize(
    ("rule", "values", "said"),
    [
        ("below 50", (60, 49, 50), []),
        ("below 50", (60, 49, 48), ["49"]),
        ("crosses 50", (60, 49, 50), []),
        ("crosses 50", (40, 50, 49), []),
        ("crosses 50", (40, 50, 70), ["50"]),
        ("changes", ("a", "b", "a"), []),
        ("changes", ("a", "b", "c"), ["b"]),
        ("equals b", ("a", "b", "c"), []),
        ("rise 10%", (10, 11, 10.9), []),
        ("drop 5 from notified", (10, 5, 6), []),
        ("drop 5 from maximum", (5, 10, 5, 4), ["5"]),
        ("above 1", (0, 2, "none"), ["2"]),
    ],
)
async def test_each_rule_is_looked_at_again(
    desk: Desk, rule: str, values: tuple[Any, ...], said: list[str]
) -> None:
    """With what it fired from; what cannot be looked at takes nothing back."""
    await begin(desk, await desk.meet(), rule)
    for value in values[:-1]:
        await tell(desk, value)
    await look(desk)
    await tell(desk, values[-1])
    assert await desk.drain() == said


async def test_what_fell_again_before_it_left_is_said(desk: Desk) -> None:
    """Only how things stand when it leaves counts."""
    await begin(desk, await desk.meet())
    for value in (100, 80, 95, 70):
        await tell(desk, value)
    assert await look(desk) == 1
    assert await desk.drain() == ["80"]


async def test_what_may_have_arrived_has_been_said(desk: Desk) -> None:
    """Nobody knows, so a person decides; and the watch has fired."""
    watch = await begin(desk, await desk.meet())
    await tell(desk, 100)
    await tell(desk, 80)
    await look(desk)
    (claim,) = await desk.claim()
    due = desk.now + SECOND
    await desk.settle(claim, State.RETRYING, maybe_sent=True, due_at=due)
    await tell(desk, 95)
    desk.later(1)
    assert await desk.claim() == []
    assert await desk.standing(claim.delivery_id) == (State.UNKNOWN, "no_longer_true")
    assert (await now(desk, watch)).state is WatchState.FIRED


async def test_it_is_explained(desk: Desk) -> None:
    """Of what waits one can see whether it is still true, and since when not."""
    await begin(desk, await desk.meet())
    await tell(desk, 100)
    await tell(desk, 80)
    await look(desk)
    (made,) = await desk.ids()
    for value, holds in ((75, False), (95, True)):
        desk.later(1)
        await tell(desk, value)
        said = [each for each in (await desk.detail(made)).said if each.name == "still_true"]
        assert [(each.holds, each.since) for each in said] == [(holds, desk.now)]
        assert str(value) in said[0].said
    other = await desk.detail(await desk.say("hello", await desk.meet("a:2")))
    assert "still_true" not in {each.name for each in other.said}


async def test_a_paused_watch_stays_paused(desk: Desk) -> None:
    """Also when what it said is taken back."""
    watch = await begin(desk, await desk.meet(), "below 50", repeats=True)
    await tell(desk, 49)
    await look(desk)
    await desk.store.change_watch("local", watch.id, WatchState.PAUSED, desk.now)
    await tell(desk, 60)
    assert await desk.claim() == []
    told = await now(desk, watch)
    assert (told.state, told.fired, told.armed) == (WatchState.PAUSED, 0, True)


async def test_the_cool_down_is_that_of_what_was_said(desk: Desk) -> None:
    """What was taken back does not silence a watch; what was said before that does."""
    cooldown = timedelta(minutes=1)
    watch = await begin(desk, await desk.meet(), "below 50", repeats=True, cooldown=cooldown)
    await tell(desk, 49)
    await look(desk)
    assert await desk.drain() == ["49"]
    said_at = desk.now
    await tell(desk, 60)
    desk.later(60)
    await tell(desk, 48)
    assert await look(desk) == 1
    await tell(desk, 61)
    assert await desk.claim() == []
    assert (await now(desk, watch)).fired_at == said_at
    await tell(desk, 47)
    assert await look(desk) == 1
    assert await desk.drain() == ["47"]
