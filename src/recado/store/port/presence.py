"""What goes on in conversations, and the questions that were asked there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from recado.domain.question import Overheard
from recado.domain.reference import ConversationKey


class Mark(NamedTuple):
    """What a turn tells of its conversation: that it has begun, goes on, or has ended.

    Attributes:
        key: the conversation.
        turn: names the turn.
        began_at: when it began.
        until: until when it runs at the latest; None when it has ended.
        spoke: whether it is a person's, who wrote something.
        heard: when it has ended: whether the bot was given what the person wrote.
        dialog: when it has ended: whether it has left a dialog that waits for an answer; None if
            it does not know.
    """

    key: ConversationKey
    turn: str
    began_at: datetime
    until: datetime | None
    spoke: bool = False
    heard: bool = False
    dialog: bool | None = None


class PresenceStore(Protocol):
    """What goes on in conversations, and the questions that were asked there."""

    async def mark_turns(self, marks: Sequence[Mark], now: datetime) -> int:
        """Take in what turns tell, in this order.

        It is what :meth:`cycle` holds ``busy`` by. Where a turn has ended, what waits for a good
        moment that has come enters its lane: first what leaves at the end of a turn, then the
        rest, each in the order it was accepted in. The end of a turn is its own: another that
        runs is not ended by it. A conversation that is not known is passed over.

        Returns:
            How many deliveries entered their lanes.
        """

    async def be_busy(self, key: ConversationKey, until: datetime | None, now: datetime) -> bool:
        """Note until when the bot is busy in a conversation; None when it is no more.

        When it is no more, what waits for that enters its lane as above.

        Returns:
            Whether the conversation is known.
        """

    async def overhear(
        self, key: ConversationKey, activity: str | None, now: datetime
    ) -> Overheard:
        """What has to be known of a conversation to tell whom a message in it is for.

        Args:
            key: the conversation.
            activity: the message's id: a question that it has answered is named too.
            now: the present instant.
        """

    async def answer_question(self, delivery_id: str, activity: str, now: datetime) -> bool:
        """Note that an activity answers the question of a delivery.

        Returns:
            Whether it does: not if something else has, or its time is up.
        """

    async def reopen_question(self, delivery_id: str, activity: str) -> None:
        """The answer was not heard: the question is open again if that activity answered it."""
