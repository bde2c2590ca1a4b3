"""The delivery: its states, the transitions allowed between them, and what an attempt yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from recado.errors import TransitionRefused


class State(StrEnum):
    """Where a delivery is in its life; docs/lifecycle.md draws it."""

    SCHEDULED = "scheduled"
    PENDING = "pending"
    SENDING = "sending"
    RETRYING = "retrying"
    HELD = "held"
    UNKNOWN = "unknown"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    SUPPRESSED = "suppressed"

    @property
    def final(self) -> bool:
        """Whether the delivery has ended: it is history, and nothing will change it."""
        return self in FINAL

    @property
    def in_lane(self) -> bool:
        """Whether the delivery stands in its conversation's lane."""
        return self in IN_LANE


FINAL = frozenset(
    {
        State.DELIVERED,
        State.REJECTED,
        State.EXPIRED,
        State.CANCELLED,
        State.SUPERSEDED,
        State.SUPPRESSED,
    }
)
IN_LANE = frozenset({State.PENDING, State.SENDING, State.RETRYING})

_WAITING_ENDS = frozenset(
    {State.EXPIRED, State.CANCELLED, State.SUPERSEDED, State.SUPPRESSED, State.REJECTED}
)

#: Every transition there is. The same table stands as a constraint in SQL (a test compares).
#: A ``rejected`` delivery that a person retries starts again as a new delivery of the same
#: notification would: it leaves history for its lane, hence the one way out of a final state.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.SCHEDULED: frozenset({State.PENDING, State.HELD}) | _WAITING_ENDS,
    # ``delivered`` by a late receipt, as from every state in which the channel may have it.
    State.PENDING: frozenset({State.SENDING, State.HELD, State.UNKNOWN, State.DELIVERED})
    | _WAITING_ENDS,
    State.SENDING: frozenset(
        {
            State.DELIVERED,
            State.REJECTED,
            State.RETRYING,
            State.HELD,
            State.UNKNOWN,
            State.EXPIRED,
            State.PENDING,  # handed back unsent
        }
    ),
    State.RETRYING: frozenset({State.SENDING, State.HELD, State.DELIVERED, State.UNKNOWN})
    | _WAITING_ENDS,
    State.HELD: frozenset({State.PENDING, State.DELIVERED, State.UNKNOWN}) | _WAITING_ENDS,
    State.UNKNOWN: frozenset({State.PENDING, State.DELIVERED, State.CANCELLED}),
    State.REJECTED: frozenset({State.PENDING}),
    State.DELIVERED: frozenset(),
    State.EXPIRED: frozenset(),
    State.CANCELLED: frozenset(),
    State.SUPERSEDED: frozenset(),
    State.SUPPRESSED: frozenset(),
}


def check_transition(before: State, after: State) -> None:
    """Refuse a transition that is not in the table.

    Raises:
        TransitionRefused: with the states that can follow *before*.
    """
    if after not in TRANSITIONS[before]:
        allowed = ", ".join(sorted(TRANSITIONS[before])) or "nothing: it has ended"
        raise TransitionRefused(
            f"A delivery that is {before} cannot become {after}; what can follow is {allowed}."
        )


class HeldReason(StrEnum):
    """Why a delivery waits outside its lane."""

    UNREACHABLE = "unreachable"
    BACKOFF = "backoff"
    BUSY = "busy"
    WINDOW = "window"
    CAP = "cap"
    PAUSED = "paused"
    NO_REFERENCE = "no_reference"
    NO_HANDLER = "no_handler"


class Priority(IntEnum):
    """Order among lanes; within a lane only ``urgent`` overtakes."""

    URGENT = 0
    NORMAL = 1
    LOW = 2


class OnUnknown(StrEnum):
    """What to do when the channel may or may not have a delivery."""

    RETRY = "retry"  # at least once
    PARK = "park"  # at most once, until a person decides


class Outcome(StrEnum):
    """What is known after an attempt."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an attempt left behind, kept to show afterwards what happened."""

    #: HTTP status; None when no answer arrived.
    status: int | None = None
    #: Error code in the channel's body.
    code: str | None = None
    #: Inner code of Teams' second body form.
    sub_code: str | None = None
    #: The channel's or the exception's own words, shortened.
    message: str | None = None
    #: The activity id the channel gave; the receipt.
    activity_id: str | None = None
    #: Correlation headers, by name.
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to hand a delivery to the channel."""

    number: int
    owner: str
    started_at: datetime
    ended_at: datetime
    outcome: Outcome
    reason: str | None
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notification to one conversation, as it stands."""

    id: str
    notification_id: str
    reference_id: str
    bot: str
    state: State
    reason: str | None
    accepted_at: datetime
    attempts: int
    #: When it may leave next; None when it has ended.
    due_at: datetime | None
    settled_at: datetime | None
    expires_at: datetime | None
    user: Mapping[str, Any] | None
    evidence: Evidence | None
