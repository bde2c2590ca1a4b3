"""Ids: UUIDs of version 7 that sort in the order they were made."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain import ids
from recado.domain.ids import may_be_id, new_id, new_ids


def milliseconds_of(made: str) -> int:
    """The time in an id."""
    return uuid.UUID(made).int >> 80


def test_an_id_is_a_uuid_of_version_7() -> None:
    """In its usual form, with the present time in front."""
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id())
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    # Ids made faster than the clock ticks run ahead of it a little.
    assert before <= milliseconds_of(str(made)) <= after + 50


def test_ids_sort_in_the_order_they_were_made() -> None:
    """As text, however fast they are made."""
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert all(str(uuid.UUID(each)) == each for each in made[::100])


@given(many=st.lists(st.integers(0, 700), max_size=8))
def test_ids_made_together_sort_among_all_others(many: list[int]) -> None:
    """However many there are, they come after those before and before those after."""
    made = [each for some in many for each in (*new_ids(some), new_id())]
    assert made == sorted(set(made))
    assert len(made) == sum(many) + len(many)
    assert all(uuid.UUID(each).version == 7 for each in made)
    assert all(uuid.UUID(each).variant == uuid.RFC_4122 for each in made)


@given(steps=st.lists(st.integers(-(10**12), 10**9), min_size=1, max_size=30))
def test_ids_sort_whatever_the_clock_does(steps: list[int]) -> None:
    """Set back, standing still or jumping ahead: the next id is greater."""
    now = 1_800_000_000 * 10**9
    made = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "_last", 0)
        for step in steps:
            now += step
            patch.setattr(time, "time_ns", lambda now=now: now)
            made.append(new_id())
    assert made == sorted(set(made))
    assert all(uuid.UUID(each).version == 7 for each in made)


def test_threads_never_make_the_same_id() -> None:
    """Each thread's ids sort, and no two are equal."""
    start = threading.Barrier(4)

    def make(_: int) -> list[str]:
        start.wait()
        return [new_id() for _ in range(5_000)]

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make, range(4)))
    assert all(each == sorted(each) for each in made)
    assert len({each for some in made for each in some}) == 20_000


def test_what_is_not_time_is_random() -> None:
    """Nobody can guess the rest of an id from the one before."""
    tails = {new_id()[19:] for _ in range(2_000)}
    assert len(tails) == 2_000
    assert {tail[0] for tail in tails} == set("89ab")


def test_an_id_is_told_from_other_names() -> None:
    """Every id looks like one; ids of conversations and people do not, and few other UUIDs."""
    assert all(may_be_id(each) for each in new_ids(100))
    others = ("", "a:1xyz", "19:meeting_x@thread.v2", "29:1AB", str(uuid.UUID(int=0)), "7" * 36)
    assert not any(map(may_be_id, others))
