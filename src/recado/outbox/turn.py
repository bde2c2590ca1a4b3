"""The turn the present code runs in, as far as the outbox has to know of it.

What a turn says in its own conversation leaves after the turn; so it cannot wait for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from recado.domain.reference import Reference

#: Why a turn is refused that would wait for itself.
WAITS_FOR_ITSELF: Final = (
    "A turn cannot wait for a delivery to its own conversation, which leaves only after the turn: "
    "do not wait for it."
)


class CurrentTurn:
    """The turn the present code runs in, set by the bot's middleware.

    Attributes:
        id: names this turn; deliveries that wait for its end carry it.
        channel: base channel of its conversation.
        conversation_id: the channel's id of its conversation.
        ended: whether it is over; a task it started may outlive it.
        on_end: called when it is.
    """

    __slots__ = ("channel", "conversation_id", "ended", "held", "id", "on_end")

    def __init__(self, turn_id: str, channel: str, conversation_id: str) -> None:
        self.id = turn_id
        self.channel = channel
        self.conversation_id = conversation_id
        self.ended = False
        #: Whether deliveries were accepted that wait for the end.
        self.held = False
        self.on_end: list[Callable[[], None]] = []

    def is_in(self, reference: Reference) -> bool:
        """Whether *reference* is the conversation of this turn."""
        key = reference.key
        return (key.channel, key.conversation_id) == (self.channel, self.conversation_id)


#: The turn under way in this context; None outside turns.
_current_turn: ContextVar[CurrentTurn | None] = ContextVar("recado_current_turn", default=None)


def current_turn() -> CurrentTurn | None:
    """The turn the present code runs in, unless it has ended."""
    turn = _current_turn.get()
    return None if turn is None or turn.ended else turn


@contextmanager
def in_turn(turn: CurrentTurn) -> Iterator[CurrentTurn]:
    """Run a block as part of *turn*; it has ended when the block is left."""
    token = _current_turn.set(turn)
    try:
        yield turn
    finally:
        turn.ended = True
        _current_turn.reset(token)
        for tell in turn.on_end:
            tell()
