"""Steering: what a person's decision makes of a delivery, and the account given of many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from recado.domain.delivery import State

#: Deliveries nothing more happens to by itself, though somebody may wish it did.
DEAD = frozenset({State.REJECTED, State.UNKNOWN})

#: What can be tried again; a delivery that is ``pending`` or ``scheduled`` needs no retry.
RETRIABLE = frozenset({*DEAD, State.HELD, State.RETRYING})

#: What waits to be sent.
UNSENT = frozenset({State.SCHEDULED, State.PENDING, State.HELD, State.RETRYING})


def when_cancelled(state: State, *, maybe_sent: bool) -> State | None:
    """What a delivery becomes when what it belongs to is cancelled; None when it stays.

    What may have arrived is never called cancelled: it is not tried again, and stays ``unknown``.
    What is being sent is not tried again either, but may be taken yet.
    """
    if state not in UNSENT:
        return None
    return State.UNKNOWN if maybe_sent else State.CANCELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """An honest account of what was cancelled, and of what was too late for it."""

    #: Deliveries that ended before they left.
    cancelled: int = 0
    #: Being sent now: the channel may still take them, and they are not tried again.
    sending: int = 0
    #: May have arrived; they are not tried again.
    maybe: int = 0
    #: Delivered already; counted when a notification was cancelled, not for other choices.
    out: int = 0
    #: Recipients of a broadcast for whom no delivery had been made, and none is made now.
    not_made: int = 0

    def __add__(self, other: Cancelled) -> Cancelled:
        return Cancelled(
            **{
                each.name: getattr(self, each.name) + getattr(other, each.name)
                for each in fields(self)
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """How many deliveries entered their lanes again, by the state they were in."""

    counts: Mapping[State, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    def __add__(self, other: Retried) -> Retried:
        counts = dict(self.counts)
        for state, many in other.counts.items():
            counts[state] = counts.get(state, 0) + many
        return Retried(counts=counts)
