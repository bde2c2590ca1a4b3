"""What bots keep between turns: whole, apart from each other, and compared where that is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from recado.errors import StateConflict
from recado.store.port import Put, Store
from tests.store.kit import Desk

#: Keys that have been trouble somewhere.
KEYS = (
    '!@#$%^&*()_+??><":QASD~`',
    "a b",
    "\\?/#\t\n\r*",
    "ключ",
    "'; --",
    "None",
    "%",
    "_",
    "A",
    "a",
)


async def keep(store: Store, bot: str = "local", /, **values: Any) -> Mapping[str, int]:
    """Keep *values*, whatever there was; their revisions."""
    return await store.write_state(bot, [Put(key=key, value=each) for key, each in values.items()])


async def kept(store: Store, *keys: str, bot: str = "local") -> dict[str, Any]:
    """What is kept under *keys*."""
    return {key: each.value for key, each in (await store.read_state(bot, keys)).items()}


async def test_what_is_kept_is_read_back(store: Store) -> None:
    """With every kind of JSON in it; what is not known is left out."""
    value = {"a": [1, 2.5, None, True, {"b": "ä\0\ud800"}], "": {}}
    await keep(store, one=value, two=[], three=None)
    assert await kept(store, "one", "two", "three", "four") == {
        "one": value,
        "two": [],
        "three": None,
    }
    assert await kept(store) == {}


async def test_any_key_is_a_key(store: Store) -> None:
    """Compared as it is."""
    await store.write_state("local", [Put(key=key, value=key) for key in KEYS])
    assert await kept(store, *KEYS) == {key: key for key in KEYS}


async def test_bots_are_apart(store: Store) -> None:
    """In one database, under the same key."""
    await keep(store, "one", key=1)
    await keep(store, "other", key=2)
    await store.delete_state("one", ["key"])
    assert await kept(store, "key", bot="one") == {}
    assert await kept(store, "key", bot="other") == {"key": 2}


async def test_what_is_deleted_is_gone(store: Store) -> None:
    """And what never was does not matter."""
    await keep(store, one=1, two=2)
    await store.delete_state("local", ["one", "never"])
    await store.delete_state("local", [])
    assert await kept(store, "one", "two") == {"two": 2}


async def test_it_outlives_its_process(store: Store, successor: Desk) -> None:
    """Another process finds what one has committed."""
    await keep(store, one={"step": 1})
    assert await kept(successor.store, "one") == {"one": {"step": 1}}


async def test_every_write_has_another_revision(store: Store, desk: Desk) -> None:
    """Also after the key was deleted, and when no time has passed, or the clock was set back."""
    seen = [(await keep(store, one=1))["one"], (await keep(store, one=1))["one"]]
    desk.later(1)
    seen.append((await keep(store, one=1))["one"])
    await store.delete_state("local", ["one"])
    desk.later(1)
    seen.append((await keep(store, one=1))["one"])
    desk.clock.set(desk.now - timedelta(seconds=10))
    seen.append((await keep(store, one=1))["one"])
    assert sorted(set(seen)) == seen
    assert (await store.read_state("local", ["one"]))["one"].revision == seen[-1]


async def test_the_last_write_wins_where_nothing_is_expected(store: Store, successor: Desk) -> None:
    """As bots' storages have it."""
    await keep(store, one="first")
    await keep(successor.store, one="second")
    assert await kept(store, "one") == {"one": "second"}


async def test_a_value_that_was_changed_meanwhile_is_not_written_over(store: Store) -> None:
    """The error says which; what is expected is written."""
    read = (await keep(store, one=1))["one"]
    newer = await store.write_state("local", [Put(key="one", value=2, expected=read)])
    with pytest.raises(StateConflict, match="'one' was changed by somebody else") as raised:
        await store.write_state("local", [Put(key="one", value=3, expected=read)])
    assert raised.value.keys == ("one",)
    await store.write_state("local", [Put(key="one", value=4, expected=newer["one"])])
    assert await kept(store, "one") == {"one": 4}


async def test_a_value_that_appeared_or_vanished_meanwhile_is_a_conflict(store: Store) -> None:
    """0 means that there must be none."""
    made = await store.write_state("local", [Put(key="one", value=1, expected=0)])
    with pytest.raises(StateConflict):
        await store.write_state("local", [Put(key="one", value=2, expected=0)])
    await store.delete_state("local", ["one"])
    with pytest.raises(StateConflict):
        await store.write_state("local", [Put(key="one", value=3, expected=made["one"])])
    assert await kept(store, "one") == {}


async def test_what_was_deleted_and_made_again_is_another(store: Store, desk: Desk) -> None:
    """Whoever read the first does not write over the second."""
    first = (await keep(store, one="first"))["one"]
    await store.delete_state("local", ["one"])
    desk.later(1)
    await keep(store, one="second")
    with pytest.raises(StateConflict):
        await store.write_state("local", [Put(key="one", value="third", expected=first)])
    assert await kept(store, "one") == {"one": "second"}


async def test_all_or_nothing_is_written(store: Store) -> None:
    """One conflict keeps the others from being written, and every one is named."""
    await keep(store, b=1, c=1)
    puts = [Put(key="a", value=2), Put(key="b", value=2, expected=0)]
    puts += [Put(key="c", value=2, expected=7), Put(key="d", value=2)]
    with pytest.raises(StateConflict) as raised:
        await store.write_state("local", puts)
    assert raised.value.keys == ("b", "c")
    assert await kept(store, "a", "b", "c", "d") == {"b": 1, "c": 1}


async def test_of_writers_that_meet_one_wins(store: Store, successor: Desk) -> None:
    """From two processes at once, each increment is made by exactly one of those who try it."""
    await keep(store, count=0)

    async def count(each: Store, times: int) -> None:
        while times:
            value, revision = (await each.read_state("local", ["count"]))["count"]
            try:
                put = Put(key="count", value=value + 1, expected=revision)
                await each.write_state("local", [put])
            except StateConflict:
                continue
            times -= 1

    stores = [store, successor.store] * 3
    await asyncio.gather(*(count(each, 5) for each in stores))
    assert await kept(store, "count") == {"count": 30}


async def test_writers_of_many_keys_do_not_stop_each_other(store: Store, successor: Desk) -> None:
    """Whatever the order in which each names them, one of them is written whole."""
    names = [f"key {number}" for number in range(20)]

    async def write(each: Store, order: list[str], value: str) -> None:
        await each.write_state("local", [Put(key=key, value=value) for key in order])

    for _ in range(5):
        await asyncio.gather(
            write(store, names, "one"), write(successor.store, names[::-1], "other")
        )
    assert len(set((await kept(store, *names)).values())) == 1
