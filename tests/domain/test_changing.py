"""What a change does about a copy, in every state it can be in."""

from __future__ import annotations

import pytest

from recado.channel.local import LOCAL_SERVICE_URL
from recado.domain import changing
from recado.domain.capabilities import (
    CAPABILITIES,
    LOCAL,
    Capabilities,
    capabilities_of,
    capability_name,
)
from recado.domain.changing import Step
from recado.domain.delivery import FINAL, TRANSITIONS, HeldReason, State
from recado.domain.notification import Action
from recado.domain.standing import begins


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_step(state: State) -> None:
    """What has arrived is changed, what may have is waited for, what has not is replaced."""
    sure, unsure = (changing.step(state, maybe_sent=maybe) for maybe in (False, True))
    match state:
        case State.DELIVERED:
            wanted = Step.CHANGE, Step.CHANGE
        case State.SENDING:
            wanted = Step.BEHIND, Step.BEHIND
        case State.UNKNOWN:
            wanted = Step.REFUSE, Step.REFUSE
        case _ if state in FINAL:
            wanted = Step.NOTHING, Step.NOTHING
        case _:
            wanted = Step.REPLACE, Step.BEHIND
    assert (sure, unsure) == wanted


@pytest.mark.parametrize("state", list(State))
def test_a_replaced_copy_can_end_like_that(state: State) -> None:
    """The table of transitions allows what the rules do."""
    if changing.step(state, maybe_sent=False) is Step.REPLACE:
        for action in (Action.UPDATE, Action.RECALL):
            assert changing.ended_by(action)[0] in TRANSITIONS[state]


def test_new_words_wait_for_what_the_old_ones_waited_for() -> None:
    """But for a handler, and for the old ones' failed attempt."""
    place = changing.in_place_of
    assert place(State.SCHEDULED, None) == (State.SCHEDULED, None, True, False)
    assert place(State.HELD, "unreachable") == (State.HELD, "unreachable", True, False)
    assert place(State.HELD, "no_handler") == (State.PENDING, None, False, False)
    assert place(State.RETRYING, "http_503") == (State.PENDING, None, False, False)
    assert place(State.PENDING, None) == (State.PENDING, None, False, False)


def test_a_change_waits_where_its_copy_waits() -> None:
    """In the lane behind it; outside, until it enters again."""
    behind = changing.behind
    assert behind(State.SENDING, None) == (State.PENDING, None, False, False)
    assert behind(State.HELD, "backoff") == (State.HELD, "backoff", True, True)
    assert behind(State.HELD, "unreachable") == (State.HELD, "unreachable", True, False)
    assert behind(State.HELD, "no_handler") == (State.HELD, "backoff", True, True)


def test_which_message_is_meant() -> None:
    """The one that followed, for an update; the only one there is, for a recall."""
    meant = changing.message_to_change
    assert meant(Action.UPDATE, "m1", follow_up=None, sends=0) == "m1"
    assert meant(Action.UPDATE, None, follow_up="m2", sends=0) == "m2"
    assert meant(Action.UPDATE, "m3", follow_up=None, sends=3) == "m3"
    assert meant(Action.RECALL, None, follow_up="m2", sends=0) is None
    assert meant(Action.RECALL, "m1", follow_up=None, sends=1) == "m1"
    assert meant(Action.RECALL, "m3", follow_up=None, sends=3) is None


def test_where_a_delivery_begins() -> None:
    """Its time, its turn, its conversation: in that order."""
    told = {"due": True, "in_own_turn": False, "reachable": True}
    assert begins(**told) == (State.PENDING, None)
    assert begins(**(told | {"reachable": False})) == (State.HELD, HeldReason.UNREACHABLE)
    held = told | {"in_own_turn": True, "reachable": False}
    assert begins(**held) == (State.HELD, HeldReason.BUSY)
    assert begins(**(held | {"due": False})) == (State.SCHEDULED, None)


def test_what_is_written_about_channels_has_a_source() -> None:
    """A table of claims is worth what it is based on."""
    assert all(each.source for each in CAPABILITIES.values())
    teams = capabilities_of("msteams")
    assert all(teams.can(action) for action in Action)
    assert capabilities_of("webchat").can(Action.UPDATE) is False
    assert capabilities_of("webchat").can(Action.SEND) is True


def test_an_unknown_channel_is_to_be_tried() -> None:
    """Nothing is known of it, which is not no."""
    assert capabilities_of("carrier-pigeon") == Capabilities()
    assert capabilities_of("carrier-pigeon").can(Action.RECALL) is None


def test_our_own_channel_is_told_by_its_url() -> None:
    """Its channel id is Direct Line's."""
    assert capability_name("directline", LOCAL_SERVICE_URL) == LOCAL
    assert capability_name("directline", "https://directline.botframework.com/") == "directline"
    assert capabilities_of(LOCAL).can(Action.UPDATE) is True


def test_every_reason_has_words() -> None:
    """They follow "because"."""
    reasons = {changing.cannot(action) for action in (Action.UPDATE, Action.RECALL)}
    reasons |= {changing.ended_by(action)[1] for action in (Action.UPDATE, Action.RECALL)}
    reasons |= {changing.COPY_UNKNOWN, changing.NOTHING_TO_CHANGE}
    assert reasons <= changing.REASONS.keys()


def test_what_a_change_does_in_words() -> None:
    """So that whoever looks at one delivery knows what it is about."""
    told = changing.in_words
    assert told(Action.SEND, None, None) == ""
    assert told(Action.UPDATE, "d-1", None) == "It changes what the delivery d-1 said."
    assert told(Action.RECALL, "d-1", None) == "It removes what the delivery d-1 said."
    assert "in the place of" in told(Action.UPDATE, None, None)
    assert "a message of its own" in told(Action.UPDATE, "d-1", changing.FOLLOW_UP)
