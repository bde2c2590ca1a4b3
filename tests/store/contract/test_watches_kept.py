"""Watches: named, paused, ended, listed and forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from recado.domain.audience import Person
from recado.domain.consent import somebody
from recado.domain.reference import Member
from recado.domain.watch import WatchState
from recado.errors import IdempotencyConflict, InvalidInput, UnknownWatch
from recado.store.port import Old
from tests.store.kit import SECOND, Desk
from tests.store.watches import PRICE, begin, look, now, tell


async def test_a_key_names_one_watch(desk: Desk) -> None:
    """Asked for again it is the answer; asked for otherwise it is refused; ended it is free."""
    lane = await desk.meet()
    watch = await begin(desk, lane, key="mine")
    again = await begin(desk, lane, key="mine")
    assert (again.id, again.replayed) == (watch.id, True)
    with pytest.raises(IdempotencyConflict):
        await begin(desk, lane, "drop 30%", key="mine")
    assert await desk.store.watch("local", "mine") == replace(watch, replayed=False)
    await desk.store.change_watch("local", "mine", WatchState.CANCELLED, desk.now)
    other = await begin(desk, lane, "drop 30%", key="mine")
    assert other.id != watch.id
    assert (await tell(desk, 1)).watching == 1


async def test_a_watch_is_paused_and_resumed(desk: Desk) -> None:
    """Meanwhile it looks at nothing."""
    watch = await begin(desk, await desk.meet(), "below 50")
    change = desk.store.change_watch
    assert (await change("local", watch.id, WatchState.PAUSED, desk.now)).state == "paused"
    assert (await tell(desk, 40)).watching == 0
    assert (await change("local", watch.id, WatchState.ACTIVE, desk.now)).state == "active"
    assert await look(desk) == 0
    await tell(desk, 41)
    assert await look(desk) == 1
    assert (await change("local", watch.id, WatchState.ACTIVE, desk.now)).state == "fired"
    with pytest.raises(UnknownWatch):
        await change("local", "nobody", WatchState.PAUSED, desk.now)
    with pytest.raises(UnknownWatch):
        await change("another", watch.id, WatchState.PAUSED, desk.now)


async def test_a_watch_expires(desk: Desk) -> None:
    """By itself, and with an event that comes after its time."""
    lane = await desk.meet()
    until = desk.now + SECOND
    first = await begin(desk, lane, "above 1", expires_at=until)
    second = await begin(desk, lane, "above 1", expires_at=until, subject="other")
    desk.later(1)
    await tell(desk, 2)
    assert await look(desk) == 0
    assert (await now(desk, first)).state is WatchState.EXPIRED
    assert await desk.store.expire_watches(desk.now, 10) == 1
    assert (await now(desk, second)).state is WatchState.EXPIRED
    assert await desk.store.expire_watches(desk.now, 10) == 0
    assert (await tell(desk, 3)).watching == 0
    assert (await tell(desk, 3, subject="other")).watching == 0


async def test_watches_are_listed(desk: Desk) -> None:
    """All, or those of a subject, a conversation, a person; page by page."""
    ana, eva = await desk.meet("a:1"), await desk.meet("a:2")
    one = await begin(desk, ana)
    two = await begin(desk, eva, audience=Person("29:eva"))
    three = await begin(desk, ana, subject="other", audience=Person("29:eva"))
    listed = desk.store.watches
    live: dict[str, Any] = {"states": [WatchState.ACTIVE]}

    async def ids(**wanted: Any) -> list[str]:
        return [each.id for each in (await listed("local", **(live | wanted))).items]

    assert await ids() == [one.id, two.id, three.id]
    assert await ids(subject=PRICE) == [one.id, two.id]
    assert await ids(reference=ana.number) == [one.id, three.id]
    assert await ids(person="29:eva", reference=eva.number) == [two.id, three.id]
    assert await ids(person="29:eva", reference=eva.number, subject="other") == [three.id]
    assert await ids(reference=ana.number, subject="other") == [three.id]
    assert await ids(states=[WatchState.PAUSED]) == []
    assert (await listed("another", **live)).items == []
    page = await listed("local", limit=2, **live)
    assert [each.id for each in page.items] == [one.id, two.id]
    assert await ids(after=page.next) == [three.id]
    assert await ids(after=page.next, subject=PRICE) == []
    with pytest.raises(InvalidInput):
        await ids(after="x")
    assert await desk.store.watch_numbered("local", ana.number, 2) == three
    assert await desk.store.watch_numbered("local", ana.number, 3) is None


async def test_what_is_old_is_forgotten(desk: Desk) -> None:
    """Events that tell nothing any more, ended watches with what they said; and no others."""
    lane = await desk.meet()
    watch = await begin(desk, lane, "below 50")
    for value in (60, 49, 48):
        await tell(desk, value, id=f"e{value}")
    await tell(desk, 1, subject="unwatched", id="u")
    await look(desk)
    await desk.drain()
    before = desk.now + timedelta(days=3650)  # ids have the machine's time in them

    async def forget() -> None:
        for what in Old:
            after: str | None = ""
            while after is not None:
                step = await desk.store.forget(what, before, after=after, limit=1)
                assert step is not None
                after = step.after

    await forget()
    # Its notification went first, and the watch with what it saw then.
    assert await desk.store.watch("local", watch.id) is None
    await forget()
    assert not (await tell(desk, 60, id="e60")).replayed
    assert not (await tell(desk, 1, id="u", subject="unwatched")).replayed


async def test_what_is_watched_is_not_forgotten(desk: Desk) -> None:
    """How things stand is known for as long as somebody watches."""
    await begin(desk, await desk.meet())
    await tell(desk, 100, id="first")
    await tell(desk, 99, id="second")
    before = desk.later(3600)
    for what in (Old.EVENTS, Old.WATCHES):
        await desk.store.forget(what, before, limit=100)
    assert (await tell(desk, 100, id="first")).replayed, "nobody has looked at it"
    await look(desk)
    await desk.store.forget(Old.EVENTS, before, limit=100)
    assert await desk.store.newest("local", PRICE) == 99
    assert not (await tell(desk, 100, id="first")).replayed
    assert (await tell(desk, 99, id="second")).replayed


async def test_a_person_who_is_erased_watches_nothing(desk: Desk) -> None:
    """Their watches are gone, and nobody counts on them."""
    lane = await desk.meet(members=(Member(user_id="29:ana"),))
    await begin(desk, lane, audience=Person("29:ana"))
    await begin(desk, await desk.meet("a:2", members=(Member(user_id="29:bo"),)))
    assert (await tell(desk, 100)).watching == 2
    after: str | None = None
    while True:
        step = await desk.store.erase("local", somebody("29:ana"), desk.now, after=after, limit=100)
        if (after := step.after) is None:
            break
    assert (await tell(desk, 70)).watching == 1
    assert await look(desk) == 1
