"""Where a delivery begins: in its lane, or waiting outside for a reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from recado.domain.delivery import HeldReason, State

#: A delivery that waits for its turn's end is due after this even if the process died in it.
TURN_LIMIT: Final = timedelta(seconds=60)
#: The reason of a delivery that was accepted in somebody else's transaction, until it is taken up.
ENQUEUED: Final = "enqueued"


class Standing(NamedTuple):
    """A delivery's state, and what holds it when it is held."""

    state: State
    reason: HeldReason | None = None


_SCHEDULED: Final = Standing(State.SCHEDULED)
_BUSY: Final = Standing(State.HELD, HeldReason.BUSY)
_UNREACHABLE: Final = Standing(State.HELD, HeldReason.UNREACHABLE)
_PENDING: Final = Standing(State.PENDING)


def begins(*, due: bool, in_own_turn: bool, reachable: bool) -> Standing:
    """Where a new delivery stands.

    Args:
        due: whether its time has come. A scheduled one asks the rest when it is due.
        in_own_turn: whether its conversation is in the turn that it was made in. It leaves after
            the turn, or :data:`TURN_LIMIT` later.
        reachable: whether its conversation can be spoken in.
    """
    if not due:
        return _SCHEDULED
    if in_own_turn:
        return _BUSY
    return _PENDING if reachable else _UNREACHABLE
