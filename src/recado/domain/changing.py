"""Changing what was said: what an update or a recall does to each copy, as rules.

A copy is a delivery that says something: one of the original notification, one that an update
sent in its place, or a follow-up message. A change is looked at twice by these rules: when its
delivery for a copy is made, and when that delivery is about to leave, because the copy may have
moved on meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Final, NamedTuple

from recado.domain.delivery import HeldReason, State
from recado.domain.notification import Action

#: Why a copy ended: its words were changed, or taken back, before they left.
UPDATED: Final = "updated"
RECALLED: Final = "recalled"
#: Why a change was delivered: as a message of its own, because the copy cannot be changed.
FOLLOW_UP: Final = "follow_up"
#: Why a change was rejected: the channel cannot, or gave no id for the copy.
CANNOT_EDIT: Final = "cannot_edit"
CANNOT_RECALL: Final = "cannot_recall"
#: Why a change was rejected: nobody knows whether its copy has arrived.
COPY_UNKNOWN: Final = "copy_unknown"
#: Why a change ended by itself: its copy ended without having arrived.
NOTHING_TO_CHANGE: Final = "nothing_to_change"
#: What channels answer when they have no such message (protocol §3.1).
NOT_THERE: Final = "ActivityNotFoundInConversation"

#: These reasons as the part of a sentence that follows "because".
REASONS: Final[Mapping[str, str]] = {
    UPDATED: "an update was accepted before it left",
    RECALLED: "it was recalled before it left",
    CANNOT_EDIT: "the message cannot be edited: the channel does not support it, or gave no id",
    CANNOT_RECALL: "the message cannot be removed: the channel does not support it, or gave no id",
    COPY_UNKNOWN: "it is unknown whether the message that it changes has arrived",
    NOTHING_TO_CHANGE: "the message that it changes has not arrived, and will not",
    NOT_THERE: "the channel has no such message any more",
}

#: What channels answer when they do not support an operation (protocol §2.2).
NOT_SUPPORTED: Final = 405


class Step(Enum):
    """What a change does about a copy."""

    #: It has not left: it ends, and an update is sent in its place.
    REPLACE = "replace"
    #: The channel has it: it is asked to change it.
    CHANGE = "change"
    #: It may be on its way: the change waits behind it.
    BEHIND = "behind"
    #: It may have arrived, and a person has to decide first.
    REFUSE = "refuse"
    #: It has not arrived and will not.
    NOTHING = "nothing"


class Standing(NamedTuple):
    """Where a change that waits for its copy stands, or what is sent in a copy's place."""

    state: State
    reason: str | None
    #: Whether it is due when the copy would be.
    with_copy: bool
    #: Whether it is looked at again after :data:`LOOK_AGAIN` when the copy is due at no time.
    again: bool = False


#: A change whose copy waits for something that has no time is looked at again after this.
LOOK_AGAIN: Final = timedelta(minutes=1)


def step(state: State, *, maybe_sent: bool) -> Step:
    """What a change does about a copy in *state*.

    Args:
        state: the copy's.
        maybe_sent: whether an attempt may have reached the channel.
    """
    match state:
        case State.DELIVERED:
            return Step.CHANGE
        case State.SENDING:
            return Step.BEHIND
        case State.UNKNOWN:
            return Step.REFUSE
        case State.SCHEDULED | State.PENDING | State.RETRYING | State.HELD:
            return Step.BEHIND if maybe_sent else Step.REPLACE
        case _:
            return Step.NOTHING


def in_place_of(state: State, reason: str | None) -> Standing:
    """Where new words stand that are sent in the place of a copy that has not left.

    They wait for what the copy waited for. Only a missing handler is not theirs to wait for, and
    a failed attempt was not theirs either: they are tried as soon as the lane allows.
    """
    if state is State.SCHEDULED or (state is State.HELD and reason != HeldReason.NO_HANDLER):
        return Standing(state, reason, with_copy=True)
    return Standing(State.PENDING, None, with_copy=False)


def behind(state: State, reason: str | None) -> Standing:
    """Where a change stands that waits for a copy which may be on its way.

    Behind a copy in its lane it stands in the lane. Behind one that is held it is held until the
    copy enters its lane again; the change then enters after it.
    """
    if state is not State.HELD:
        return Standing(State.PENDING, None, with_copy=False)
    gone = reason == HeldReason.UNREACHABLE
    held = HeldReason.UNREACHABLE if gone else HeldReason.BACKOFF
    return Standing(State.HELD, str(held), with_copy=True, again=not gone)


def ended_by(action: Action) -> tuple[State, str]:
    """How a copy ends that has not left when it is changed."""
    if action is Action.RECALL:
        return State.CANCELLED, RECALLED
    return State.SUPERSEDED, UPDATED


def cannot(action: Action) -> str:
    """The reason of a change that cannot be made."""
    return CANNOT_RECALL if action is Action.RECALL else CANNOT_EDIT


def in_words(action: Action, copy: str | None, reason: str | None) -> str:
    """What a delivery does, as a sentence; empty for one that simply says something.

    Args:
        action: what its notification does.
        copy: the delivery it changes.
        reason: the reason it has.
    """
    if action is Action.SEND:
        return ""
    if copy is None:
        return "It says what an update says, in the place of a message that had not left."
    does = "removes" if action is Action.RECALL else "changes"
    told = f"It {does} what the delivery {copy} said."
    if reason == FOLLOW_UP:
        told += " That was not possible, so it was sent as a message of its own."
    return told


def message_to_change(
    action: Action, activity_id: str | None, *, follow_up: str | None, sends: int
) -> str | None:
    """The id of the message that a change is about; None when there is no such id.

    Args:
        action: what is asked for.
        activity_id: the copy's receipt; a turn delivery's is that of its last send.
        follow_up: the receipt of the message that followed the copy, if one did.
        sends: how many messages a turn delivery sent; 0 for a plain one.
    """
    if action is Action.RECALL:
        # Removing one of several messages would not take back what was said.
        return activity_id if sends <= 1 else None
    return follow_up or activity_id
