from __future__ import annotations

import heapq
import math
import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.pace import (
    MARGIN,
    Operation,
    Profile,
    Tally,
    Window,
    Windows,
    duration,
    eased,
    in_order,
    read_windows,
    write_windows,
)

TEAMS = read_windows("7/1s 8/2s 60/30s 1800/1h")

windows_of_any_kind = st.lists(
    st.builds(Window, st.integers(1, 9), st.sampled_from([0.05, 0.5, 1.0, 2.0, 7.5])),
    min_size=1,
    max_size=3,
).map(in_order)


def violations(arrivals: list[float], windows: Windows) -> int:
    """What a channel objects to that counts arrivals: an independent, naive judge."""
    ordered = sorted(arrivals)
    return sum(
        later - earlier < window.seconds
        for window in windows
        for earlier, later in zip(ordered, ordered[window.limit :], strict=False)
    )


# -- the short form --------------------------------------------------------------------------


def test_the_short_form_is_read_and_written() -> None:
    """Windows are read in any order and come back the shortest first, in the largest unit."""
    assert read_windows("1800/3600s 60/30s, 7/1s 8/2s") == TEAMS
    assert write_windows(TEAMS) == "7/1s 8/2s 60/30s 1800/1h"
    assert read_windows("20/min 3/250ms") == (Window(3, 0.25), Window(20, 60.0))
    assert write_windows(read_windows("20/min 3/250ms 1/2d")) == "3/250ms 20/1m 1/2d"


@given(windows_of_any_kind)
def test_what_is_written_is_read_back(windows: Windows) -> None:
    """Writing loses nothing."""
    assert read_windows(write_windows(windows)) == windows


@pytest.mark.parametrize("text", ["", "7", "7/s/s", "seven/1s", "7/1y", "-1/1s", "7/1", "7 /1s"])
def test_what_is_not_a_window_is_refused(text: str) -> None:
    """The message shows how a limit is written."""
    with pytest.raises(ValueError, match="for example"):
        read_windows(text)


@pytest.mark.parametrize("text", ["0/1s", "1/0s", "1/8d"])
def test_a_window_allows_something_in_some_time(text: str) -> None:
    """Nothing in any time, and anything in no time, are no limits."""
    with pytest.raises(ValueError, match="a window allows"):
        read_windows(text)


# -- profiles --------------------------------------------------------------------------------


def test_a_profile_has_windows_for_each_operation() -> None:
    """Groups may have others for sending, and only for sending."""
    profile = Profile().changed({"send": "1/1s", "group": "20/1m", "roster": "2/1s"})
    assert profile.windows(Operation.SEND) == (Window(1, 1.0),)
    assert profile.windows(Operation.SEND, group=True) == (Window(20, 60.0),)
    assert profile.windows(Operation.ROSTER, group=True) == (Window(2, 1.0),)
    assert profile.windows(Operation.CREATE) == ()
    assert profile.changed({"group": None}).windows(Operation.SEND, group=True) == ()


def test_a_profile_is_changed_in_parts() -> None:
    """What is not named stays; None takes a limit away; a part that is none is refused."""
    profile = Profile(send=TEAMS, tenant=read_windows("50/1s"), source="there")
    assert profile.changed({"tenant": None}) == Profile(send=TEAMS, source="there")
    assert profile.changed({"tenant": None, "send": None}).unlimited
    with pytest.raises(ValueError, match="the parts send, create, roster, group, tenant"):
        profile.changed({"tennant": "1/1s"})


@given(windows_of_any_kind, st.floats(0.1, 1.0))
def test_eased_windows_have_a_part_of_the_rate(windows: Windows, factor: float) -> None:
    """Never more than that part, and never nothing."""
    for full, less in zip(windows, eased(windows, factor), strict=True):
        assert less.limit >= 1
        assert less.limit <= full.limit
        assert less.limit / less.seconds <= factor * full.limit / full.seconds + 1e-6


# -- the tally -------------------------------------------------------------------------------


def test_a_tally_opens_when_the_oldest_answer_leaves_the_window() -> None:
    """Requests under way count as not yet expired."""
    tally = Tally()
    two = (Window(2, 10.0),)
    assert tally.opens(two) == -math.inf
    tally.begin()
    assert tally.opens(two) == -math.inf
    tally.begin()
    assert tally.opens(two) == math.inf
    tally.end(100.0, two)
    assert tally.opens(two) == 110.0 + MARGIN
    tally.end(104.0, two)
    assert tally.opens(two) == 110.0 + MARGIN
    assert tally.opens(two, ahead=1) == 114.0 + MARGIN
    assert (tally.room(two, 109.0), tally.room(two, 111.0), tally.room(two, 115.0)) == (0, 1, 2)


def test_a_tally_keeps_no_more_stamps_than_its_windows_count() -> None:
    """An hour at full pace is 1,800 numbers, however long it lasts."""
    tally = Tally()
    for second in range(20_000):
        tally.stamp(float(second), TEAMS)
    assert len(tally.stamps) <= 2 * 1800 + 64
    assert tally.opens(TEAMS) == 19_999 - 1799 + 3600 + MARGIN


def test_stamps_later_than_now_become_now() -> None:
    """A clock that is set back must not close a window for as long as it went back."""
    tally = Tally()
    one = (Window(1, 1.0),)
    tally.stamp(5000.0, one)
    tally.turn_back(100.0)
    assert tally.opens(one) == 101.0 + MARGIN


@given(
    windows=windows_of_any_kind,
    rng=st.randoms(use_true_random=False),
    slowest=st.sampled_from([0.005, 0.12, 3.0]),
)
def test_no_arrival_breaks_a_window(windows: Windows, rng: random.Random, slowest: float) -> None:
    """However long requests and answers take on their way, and in whatever order they come."""
    tally, arrivals = Tally(), []
    answers: list[float] = []
    now = 0.0
    for _ in range(80):
        while answers and (answers[0] <= now or tally.opens(windows) == math.inf):
            now = max(now, heapq.heappop(answers))
            tally.end(now, windows)
        now = max(now, tally.opens(windows)) + rng.choice([0.0, 0.0, rng.uniform(0, 0.3)])
        while answers and answers[0] <= now:
            tally.end(heapq.heappop(answers), windows)
        tally.begin()
        arrivals.append(now + rng.uniform(0, slowest))
        heapq.heappush(answers, arrivals[-1] + rng.uniform(0, slowest))
    assert violations(arrivals, windows) == 0


@given(windows=windows_of_any_kind, rng=st.randoms(use_true_random=False), ahead=st.integers(0, 3))
def test_room_is_what_opens_one_after_the_other(
    windows: Windows, rng: random.Random, ahead: int
) -> None:
    """Room counts exactly the requests that would be let through by then."""
    tally = Tally()
    for at in sorted(rng.uniform(90, 100) for _ in range(rng.randrange(12))):
        tally.stamp(at, windows)
    tally.under_way = rng.randrange(4)
    room = tally.room(windows, 100.0, ahead)
    found = 0
    while tally.opens(windows, ahead) <= 100.0:
        tally.begin()
        found += 1
    assert max(0, room) == found


# -- how long it takes -----------------------------------------------------------------------


@given(many=st.integers(1, 400))
def test_the_time_for_one_conversation_is_that_of_the_fastest_sender(many: int) -> None:
    """As if each delivery went as early as it may and took no time."""
    tally, now = Tally(), 0.0
    for _ in range(many):
        now = max(now, tally.opens(TEAMS) - MARGIN)
        tally.stamp(now, TEAMS)
    expected = duration(Profile(send=TEAMS), [], [many]).total_seconds()
    assert now == pytest.approx(expected, abs=0.001 * many)


def test_the_time_for_a_broadcast_is_that_of_its_largest_tenant() -> None:
    """Tenants go side by side; a long queue in one conversation may take longer than they do."""
    profile = Profile(send=TEAMS, group=read_windows("20/1m"), tenant=read_windows("50/1s"))
    assert duration(profile, [1_000_000, 30]) == timedelta(seconds=20_000)
    assert duration(profile, [100], [100]) == timedelta(seconds=39)
    assert duration(profile, [100], [9], [61]) == timedelta(seconds=180)
    assert duration(profile, []) == duration(None, [10**9], [10**9]) == timedelta(0)
