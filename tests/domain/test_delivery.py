"""The life cycle as data."""

from __future__ import annotations

import pytest

from recado.domain.delivery import FINAL, IN_LANE, TRANSITIONS, State, check_transition
from recado.errors import TransitionRefused


def test_every_state_is_in_the_table() -> None:
    """And leads to states only."""
    assert TRANSITIONS.keys() == set(State)
    assert all(isinstance(after, State) for afters in TRANSITIONS.values() for after in afters)


def test_final_states_are_final() -> None:
    """Nothing follows them, but a rejected one can be tried again by a person."""
    for state in FINAL - {State.REJECTED}:
        assert not TRANSITIONS[state]
    assert TRANSITIONS[State.REJECTED] == {State.PENDING}


def test_everything_that_lives_can_end() -> None:
    """There is no state without a way to a final one."""
    for state in State:
        reached, edge = {state}, {state}
        while edge:
            edge = {after for each in edge for after in TRANSITIONS[each]} - reached
            reached |= edge
        assert reached & FINAL


def test_only_a_lane_leads_to_sending() -> None:
    """Nothing is sent from outside."""
    before = {state for state, afters in TRANSITIONS.items() if State.SENDING in afters}
    assert before == IN_LANE - {State.SENDING}


def test_whatever_the_channel_may_have_can_be_delivered_late() -> None:
    """A late receipt is honoured wherever the delivery waits after an attempt."""
    for state in (State.PENDING, State.SENDING, State.RETRYING, State.HELD, State.UNKNOWN):
        assert State.DELIVERED in TRANSITIONS[state]


@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize("after", list(State))
def test_transitions_are_checked(before: State, after: State) -> None:
    """The refusal says what can follow."""
    if after in TRANSITIONS[before]:
        check_transition(before, after)
        return
    with pytest.raises(TransitionRefused, match=f"{before} cannot become {after}"):
        check_transition(before, after)


def test_states_know_where_they_stand() -> None:
    """In a lane, ended, or neither, never both."""
    for state in State:
        assert state.final == (state in FINAL)
        assert state.in_lane == (state in IN_LANE)
        assert not (state.final and state.in_lane)
