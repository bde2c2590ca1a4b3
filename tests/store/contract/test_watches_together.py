"""Watches: whatever comes together adds up."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from recado.domain.delivery import State
from recado.domain.ids import new_id
from recado.domain.reference import Reference
from recado.domain.watch import Watch, WatchState
from tests.store.kit import Desk
from tests.store.watches import PRICE, begin, look, tell


async def spoken(desk: Desk) -> Counter[int | None]:
    """How many notifications there are of each watch, but for those that were taken back."""
    told: Counter[int | None] = Counter()
    for each in await desk.ids():
        found = (await desk.detail(each)).delivery
        if found.state is not State.SUPPRESSED:
            detail = await desk.store.notification(found.notification_id)
            assert detail is not None
            told[int(json.loads(detail.content or "{}")["text"])] += 1
    return told


async def make(desk: Desk, made: list[Watch], lanes: Sequence[Reference], first: int) -> None:
    """Make ten watches of every kind, each of which says its number."""
    for number in range(first, first + 10):
        rule = ("changes", "drop 2", "crosses 5", "below 5")[number % 4]
        more = {"repeats": number % 3 > 0, "cooldown": timedelta(0)}
        made.append(await begin(desk, lanes[number % 5], rule, text=str(number), **more))


async def emit(desk: Desk) -> None:
    """Let the price go up and down."""
    for number in range(20):
        await tell(desk, number * 7 % 11)


async def steer(desk: Desk, made: Sequence[Watch]) -> None:
    """Pause, resume and end some."""
    for to in (WatchState.PAUSED, WatchState.ACTIVE, WatchState.CANCELLED) * 4:
        for watch in made[::4]:
            await desk.store.change_watch("local", watch.id, to, desk.now)


async def deliver(desk: Desk) -> None:
    """Send what is due, and have what is no longer true taken back."""
    for _ in range(10):
        for claim in await desk.claim(8):
            await desk.settle(claim)


async def test_whatever_comes_together_adds_up(desk: Desk, successor: Desk) -> None:
    """Watches made, paused and ended while others look and deliver: what each says it counts."""
    lanes = [await desk.meet(f"a:{number}") for number in range(5)]
    made: list[Watch] = []
    both = (desk, successor)
    await asyncio.gather(
        *(make(each, made, lanes, 10 * place) for place, each in enumerate(both)),
        *(emit(each) for each in both),
        *(look(each, step=3) for each in both),
        *(deliver(each) for each in both),
        steer(successor, made),
    )
    await asyncio.gather(*(look(each, step=3) for each in both))
    # What another process held is let in by its timekeeper.
    await desk.store.expand(desk.now, 1_000)
    while await desk.drain():
        await look(desk)
    page = await desk.store.watches("local", states=list(WatchState), limit=1_000)
    assert len(page.items) == 20
    said = {each.id: int(each.content["text"]) for each in page.items if each.content}
    fired = {said[each.id]: each.fired for each in page.items if each.fired}
    assert sum(fired.values()) > 20, "enough has happened to tell"
    assert fired == await spoken(desk)
    active = sum(each.state is WatchState.ACTIVE for each in page.items)
    assert (await tell(desk, 1)).watching == active


async def test_a_step_that_failed_is_taken_again(desk: Desk, successor: Desk) -> None:
    """Another process goes on where the first one came to, and nobody is told twice."""
    for number in range(20):
        await begin(desk, await desk.meet(f"a:{number}"))
    await tell(desk, 100)
    await look(desk)
    await tell(desk, 80)
    await desk.store.evaluate(desk.now, 0, 8)
    told = len(await desk.ids())
    assert 0 < told < 20
    assert await look(successor, step=8) == 20 - told
    assert len(await desk.ids()) == 20


async def test_two_processes_share_the_work(desk: Desk, successor: Desk) -> None:
    """No event is looked at twice by a watch, and those of a subject in order."""
    subjects = [f"s{number}" for number in range(6)]
    for subject in subjects:
        for number in range(4):
            lane = await desk.meet(f"a:{number}")
            more = {"repeats": True, "cooldown": timedelta(0), "subject": subject}
            await begin(desk, lane, "changes", text="{subject} {before}-{value}", **more)
    for value in range(5):
        for subject in subjects:
            await tell(desk, value, subject=subject)
    fired = await asyncio.gather(*(look(each, step=3) for each in (desk, successor) * 2))
    assert not await desk.store.events_pending()
    said: dict[str, list[str]] = {}
    assert len(await desk.ids()) == sum(fired) == 6 * 4 * 4
    for each in reversed(await desk.ids()):
        detail = await desk.detail(each)
        text = json.loads(detail.content or "{}")["text"]
        subject, _, step = text.partition(" ")
        said.setdefault(f"{subject} {detail.delivery.reference_id}", []).append(step)
    assert set(map(tuple, said.values())) == {("0-1", "1-2", "2-3", "3-4")}


async def test_events_of_two_processes_are_all_looked_at(desk: Desk, successor: Desk) -> None:
    """However they come together with watches that are made: each event is known or looked at."""
    lane = await desk.meet()
    more = {"repeats": True, "cooldown": timedelta(0)}

    async def count(each: Desk) -> None:
        for _ in range(8):
            await tell(each, new_id())

    async def watch() -> None:
        for _ in range(5):
            await begin(desk, lane, "changes", **more)

    await tell(desk, "first")
    await asyncio.gather(count(desk), count(successor), watch())
    newest = await desk.store.newest("local", PRICE)
    await look(desk)
    page = await desk.store.watches("local", states=[WatchState.ACTIVE])
    assert [each.baseline for each in page.items] == [newest] * 5
    assert [each.number for each in page.items] == [1, 2, 3, 4, 5]
