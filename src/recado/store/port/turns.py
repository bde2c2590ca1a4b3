"""Turns: who runs one in a conversation now, whichever process that is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Protocol

from recado.domain.reference import ConversationKey


class Entry(Enum):
    """What somebody is told who wants to begin a turn."""

    #: It is theirs until they end it, or until its lease ends.
    BEGUN = auto()
    #: Somebody else runs one.
    BUSY = auto()
    #: Its activity is being answered by another process, or was a short while ago.
    REPEATED = auto()


class TurnStore(Protocol):
    """Who runs a turn in a conversation now.

    Nothing of it is durable: after a power cut nobody runs anything.
    """

    @property
    def turn_lease(self) -> timedelta | None:
        """How long a turn is its holder's without being kept; None if for the holder's life."""

    async def begin_turn(
        self, key: ConversationKey, activity: str | None, *, holder: str, now: datetime
    ) -> Entry:
        """Begin a turn, unless somebody else runs one there.

        Args:
            key: the conversation.
            activity: the id of the activity it answers, where one is not to be answered twice.
                Only a store that several machines share tells that it is ``REPEATED``.
            holder: who begins it. It begins one there at a time.
            now: the present instant.
        """

    async def keep_turns(
        self, keys: Collection[ConversationKey], *, holder: str, now: datetime
    ) -> None:
        """Have turns go on being *holder*'s; those that are another's by now stay that one's."""

    def end_turn(
        self, key: ConversationKey, *, holder: str, now: datetime, answered: str | None
    ) -> None:
        """Let others begin theirs, soon.

        Args:
            key: the conversation.
            holder: who began it; of a turn that is another's by now nothing changes.
            now: the present instant.
            answered: the id of the activity that need not be answered again.
        """
