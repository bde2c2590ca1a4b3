"""Busy: what keeps something waiting, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.politeness.busy import (
    NOTHING,
    QUIET,
    WAITING_MODES,
    Busy,
    Doing,
    Wish,
    busy,
    told,
)
from recado.testing import START

SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    """So many seconds from now."""
    return START + seconds * SECOND


def wish(mode: str = "when_idle", *, max_wait: float | None = 3600, quiet: float = 30) -> Wish:
    """Something that has been ready since now, with lengths in seconds."""
    return Wish(
        mode=mode,
        ready_at=START,
        quiet=quiet * SECOND,
        max_wait=None if max_wait is None else max_wait * SECOND,
    )


@pytest.mark.parametrize(
    ("mode", "doing", "found"),
    [
        ("when_idle", Doing(), None),
        ("after_dialog", Doing(), None),
        ("next_turn", Doing(), ("next_turn", None)),
        ("when_idle", Doing(spoke_at=at(-29)), ("quiet", 1)),
        ("when_idle", Doing(spoke_at=at(-30)), None),
        ("after_dialog", Doing(spoke_at=at(0)), None),
        ("after_dialog", Doing(turn_until=at(60)), ("turn", 60)),
        ("after_dialog", Doing(turn_until=at(0)), None),
        ("after_dialog", Doing(busy_until=at(90)), ("bot", 90)),
        ("after_dialog", Doing(busy_until=at(0)), None),
        ("after_dialog", Doing(dialog_since=at(-9)), ("dialog", None)),
        ("when_idle", Doing(dialog_since=at(-9), spoke_at=at(0)), ("dialog", None)),
        ("when_idle", Doing(turn_until=at(20), spoke_at=at(0)), ("quiet", 30)),
        ("when_idle", Doing(turn_until=at(60), spoke_at=at(0)), ("turn", 60)),
        ("next_turn", Doing(began_at=at(0)), ("next_turn", None)),
        ("next_turn", Doing(began_at=at(1), turn_until=at(60)), ("turn", 60)),
        ("next_turn", Doing(began_at=at(1)), None),
        ("next_turn", Doing(began_at=at(1), dialog_since=at(1), busy_until=at(99)), None),
    ],
)
def test_what_keeps_it(mode: str, doing: Doing, found: tuple[str, float | None] | None) -> None:
    """Of several things the one that lasts longest, and until then."""
    keeps = busy(wish(mode, max_wait=None), doing, START)
    if found is None:
        assert keeps is None
    else:
        reason, until = found
        assert keeps is not None
        assert (keeps.reason, keeps.until) == (reason, None if until is None else at(until))
        assert told(keeps).endswith(".")


def test_it_knows_since_when() -> None:
    """For those who ask."""
    doing = Doing(
        spoke_at=at(-5), turn_since=at(-4), turn_until=at(1), dialog_since=at(-3), busy_since=at(-2)
    )
    keeps = busy(wish(max_wait=None), doing, START)
    assert keeps == Busy(reason="dialog", since=at(-3), until=None)


times = st.none() | st.integers(-4000, 4000).map(at)
doings = st.builds(
    Doing,
    spoke_at=times,
    began_at=times,
    turn_since=times,
    turn_until=times,
    dialog_since=times,
    busy_since=times,
    busy_until=times,
)
wishes = st.builds(
    Wish,
    mode=st.sampled_from(sorted(WAITING_MODES)),
    ready_at=st.integers(-4000, 0).map(at),
    quiet=st.none() | st.integers(1, 4000).map(lambda length: length * SECOND),
    max_wait=st.none() | st.integers(1, 4000).map(lambda length: length * SECOND),
)


@given(wishes, doings)
def test_it_never_waits_past_its_deadline(made: Wish, doing: Doing) -> None:
    """Nor is it looked at again at a time that is over."""
    keeps = busy(made, doing, START)
    if made.deadline is not None and made.deadline <= START:
        assert keeps is None
    if keeps is not None and made.deadline is not None:
        assert keeps.until is not None
        assert START < keeps.until <= made.deadline
    if keeps is not None and keeps.until is not None:
        assert keeps.until > START


@given(wishes, doings)
def test_when_it_is_looked_at_again_it_leaves(made: Wish, doing: Doing) -> None:
    """If nothing happens until then: whoever waits for a time waits for the right one."""
    keeps = busy(made, doing, START)
    if keeps is not None and keeps.until is not None:
        assert busy(made, doing, keeps.until) is None


@given(wishes)
def test_a_conversation_in_which_nothing_goes_on_keeps_only_what_waits_for_a_turn(
    made: Wish,
) -> None:
    """Nothing is known of most."""
    keeps = busy(made, NOTHING, START)
    over = made.deadline is not None and made.deadline <= START
    assert (keeps is not None) == (made.mode == "next_turn" and not over)


def test_quiet_has_a_length_of_its_own() -> None:
    """Where a notification says none."""
    bare = Wish(mode="when_idle", ready_at=START)
    keeps = busy(bare, Doing(spoke_at=START), START)
    assert keeps is not None
    assert keeps.until == START + QUIET
