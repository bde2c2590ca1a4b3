"""The rules of long answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.answer import (
    ATTEMPTS,
    EDIT_EVERY,
    LONGEST,
    SAY_EVERY,
    TRANSITIONS,
    TYPING_EVERY,
    AfterEnd,
    AnswerState,
    after_crash,
    check_progress,
    deadline_of,
    name_of,
    shown,
    source_of,
    verdict,
    wait_before_progress,
)
from recado.errors import InvalidInput
from recado.testing import START

moments = st.timedeltas(timedelta(days=-1), timedelta(days=1))


def test_what_is_over_stays_so() -> None:
    """Nothing follows an end, and every end can be reached."""
    assert set(TRANSITIONS) == set(AnswerState)
    for state, following in TRANSITIONS.items():
        assert state.over is not bool(following)
    assert set().union(*TRANSITIONS.values()) == set(AnswerState)


@given(can_edit=st.booleans(), since=moments)
def test_a_progress_waits_as_long_as_it_has_to(*, can_edit: bool, since: timedelta) -> None:
    """From the last one on; however the clock was set, never longer than between two."""
    every = EDIT_EVERY if can_edit else SAY_EVERY
    wait = wait_before_progress(can_edit=can_edit, last=START, now=START + since)
    assert timedelta(0) <= wait <= every
    assert (wait == timedelta(0)) == (since >= every)
    if timedelta(0) <= since <= every:
        assert since + wait == every


def test_the_first_progress_waits_for_nothing() -> None:
    """Somebody has been waiting since the promise."""
    for can_edit in (True, False):
        assert wait_before_progress(can_edit=can_edit, last=None, now=START) == timedelta(0)


@given(st.floats(0, 1))
def test_all_of_it_is_shown_when_it_is_all(share: float) -> None:
    """In whole percents, never more than there is."""
    percent = int(shown(share, None).removesuffix(" %"))
    assert 0 <= percent <= share * 100 + 1e-6
    assert percent > share * 100 - 1 - 1e-6
    assert shown(share, "reading") == f"reading ({percent} %)"


@pytest.mark.parametrize("percent", range(101))
def test_a_percent_is_shown_as_it_is_written(percent: int) -> None:
    """0.29 is 29 %, whatever binary fractions make of it."""
    assert shown(percent / 100, None) == f"{percent} %"


@given(st.integers(0, 10))
def test_what_nobody_can_go_on_with_is_apologised_for(attempts: int) -> None:
    """Everything else is resumed, but not for ever."""
    assert after_crash(resumable=False, attempts=attempts) is AfterEnd.APOLOGISE
    resumed = after_crash(resumable=True, attempts=attempts) is AfterEnd.RESUME
    assert resumed == (attempts < ATTEMPTS)


@given(error=st.none() | st.text(min_size=1), sends=st.integers(0, 3), silent=st.booleans())
def test_a_work_has_done_well_if_it_has_answered(
    *, error: str | None, sends: int, silent: bool
) -> None:
    """Without an error, and with a message unless it says that there is none."""
    state, reason = verdict(error=error, sends=sends, silent=silent)
    well = error is None and (sends > 0 or silent)
    assert (state is AnswerState.DONE) == well
    assert (reason is None) == well


@pytest.mark.parametrize("given_", [0, timedelta(0), -LONGEST, LONGEST * 1.01, "10 min", None])
def test_a_deadline_is_a_time_to_come(given_: object) -> None:
    """And not too far away."""
    with pytest.raises(InvalidInput):
        deadline_of(given_, START)


def test_deadlines_within_reach() -> None:
    """From a moment to a week."""
    for each in (timedelta(microseconds=1), LONGEST):
        assert deadline_of(each, START) == START + each


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), "half", None, True, 1 + 1e-9])
def test_a_share_is_from_nothing_to_all(share: object) -> None:
    """Anything else is refused."""
    with pytest.raises(InvalidInput):
        check_progress(share, None)
    for fine in (0, 1, 0.5):
        check_progress(fine, "fine")


def test_promises_of_one_turn_have_causes_of_their_own() -> None:
    """Without an id there is nothing to know it again by."""
    assert source_of("activity-1", 1) == "activity-1"
    assert source_of("activity-1", 2) == "activity-1/2"
    assert source_of(None, 1) is None


def test_functions_have_names() -> None:
    """As their code has them, and not longer than a name is."""
    assert name_of(test_functions_have_names) == "test_functions_have_names"
    assert name_of(object()) == "object"
    long = type("x" * 1000, (), {})()
    assert len(name_of(long)) == 255


def test_typing_is_not_shown_too_often() -> None:
    """More than one in 3 s is not allowed (A6001)."""
    assert timedelta(seconds=3) < TYPING_EVERY
