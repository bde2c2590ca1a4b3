from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.testing import START, TEAMS, Operation, RateLimits, RateWindow, permitted, rate_windows
from recado.testing.windows import RateJudge


def _send(judge: RateJudge, second: float, key: str = "a:1", tenant: str = "t") -> bool:
    at = START + timedelta(seconds=second)
    return judge.judge(Operation.SEND, key, tenant, at) is None


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("7/1s", [(7, 1)]),
        ("7/1s 8/2s", [(7, 1), (8, 2)]),
        ("7/1s,1800/1h", [(7, 1), (1800, 3600)]),
        ("20/min, 3/500ms", [(20, 60), (3, 0.5)]),
        ("30/s", [(30, 1)]),
        ("", []),
    ],
)
def test_windows_are_read(text: str, windows: list[tuple[int, float]]) -> None:
    """As people write them."""
    assert rate_windows(text) == tuple(RateWindow(*each) for each in windows)


@pytest.mark.parametrize("text", ["7", "7/1", "0/1s", "a/1s", "7/1s 8/2d", "-1/1s"])
def test_what_is_no_window_is_refused(text: str) -> None:
    """With an example of what would be one."""
    with pytest.raises(ValueError, match="for example"):
        rate_windows(text)


def test_the_eighth_within_a_second_is_refused() -> None:
    """And let through the moment the first is a second old."""
    judge = RateJudge(RateLimits.of(send="7/1s"))
    assert [_send(judge, n / 10) for n in range(8)] == [True] * 7 + [False]
    assert judge.excesses[0].window == RateWindow(7, 1)
    assert judge.excesses[0].retry_after == pytest.approx(0.3)
    assert not _send(judge, 0.999999)
    assert _send(judge, 1.0)
    assert judge.refused == 2
    assert judge.count("a:1") == 8


def test_all_windows_hold_at_once() -> None:
    """The published ones of Teams: no sender gets more than 1,800 through in an hour."""
    judge = RateJudge(TEAMS)
    let = sum(_send(judge, n / 10) for n in range(36_000))
    assert let == permitted(TEAMS.send, 3600) == 1800
    assert judge.share("a:1", 3600) == 1
    assert judge.share_in("t", 3600) == 1800 / (50 * 3600)


def test_keys_and_tenants_are_counted_apart() -> None:
    """A tenant's window is shared by its conversations, and by nobody else's."""
    judge = RateJudge(RateLimits.of(send="2/1s", tenant="3/1s"))
    assert [_send(judge, 0, key) for key in ("a", "a", "a", "b", "b")] == [
        True,
        True,
        False,
        True,
        False,
    ]
    assert judge.excesses[-1].key == "tenant t"
    assert _send(judge, 0, "c", "another")
    assert judge.count_in("t") == 3


def test_operations_have_windows_of_their_own() -> None:
    """Reading members costs no message, but counts for the tenant."""
    judge = RateJudge(RateLimits.of(send="1/1s", roster="1/1s", create="1/1s", tenant="3/1s"))
    told = [
        judge.judge(operation, "a", "t", START) is None
        for operation in (Operation.SEND, Operation.PAGED_MEMBERS, Operation.CREATE, Operation.SEND)
    ]
    assert told == [True, True, True, False]


def test_a_second_sender_uses_up_budget() -> None:
    """Half of it, if it sends at half the rate; and nothing after it has ended."""
    judge = RateJudge(RateLimits.of(send="10/1s"))
    judge.rival(at=START, rate=5, seconds=10, key="a:1")
    let = sum(_send(judge, 1 + n / 100) for n in range(900))
    assert 45 <= let <= 55
    assert sum(_send(judge, 20 + n / 100) for n in range(100)) == 10


@given(
    st.lists(st.integers(0, 400_000), min_size=1, max_size=200),
    st.lists(
        st.tuples(st.integers(1, 6), st.sampled_from([0.25, 0.5, 1.0, 2.0])), min_size=1, max_size=3
    ),
)
def test_no_window_ever_has_more(gaps: list[int], windows: list[tuple[int, float]]) -> None:
    """Whatever comes, any stretch as long as a window has at most its limit, and no less."""
    limits = tuple(RateWindow(*each) for each in windows)
    judge = RateJudge(RateLimits(send=limits))
    let: list[int] = []
    now = 0
    for gap in gaps:
        now += gap
        fits = all(
            sum(now - round(each.seconds * 1e6) < one <= now for one in let) < each.limit
            for each in limits
        )
        at = START + timedelta(microseconds=now)
        assert (judge.judge(Operation.SEND, "a", "", at) is None) is fits
        if fits:
            let.append(now)
