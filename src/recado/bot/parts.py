"""Parts: ready-made answers to what people say, for any bot, before the bot itself sees it."""

from __future__ import annotations

from typing import Protocol

from microsoft_agents.hosting.core import TurnContext


class Part(Protocol):
    """Answers some of what people say, so that the bot need not.

    Attributes:
        in_dialogs: whether it is asked while a dialog of the bot waits for an answer too.
    """

    in_dialogs: bool

    async def take(self, context: TurnContext) -> bool:
        """Answer the message of a turn, if it is for this part.

        It runs in the turn, in the bot's place: the bot does not see what was taken.

        Returns:
            Whether it was.
        """


class Listener(Protocol):
    """Hears the events that come in, beside the bot."""

    async def hear(self, context: TurnContext) -> None:
        """Take in the event of a turn, if it is for this listener. The bot sees it as well."""


class Parts:
    """The parts a bot uses, in the order they were added, and who listens to its events."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._listeners: list[Listener] = []

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._parts)

    def add(self, part: Part) -> None:
        """Have *part* asked after those that were added before."""
        self._parts.append(part)

    async def take(self, context: TurnContext, *, in_dialog: bool) -> bool:
        """Have the first that wants it answer a message; whether one did."""
        for part in self._parts:
            if (part.in_dialogs or not in_dialog) and await part.take(context):
                return True
        return False

    def listen(self, listener: Listener) -> None:
        """Have *listener* hear the events that come in."""
        self._listeners.append(listener)

    async def hear(self, context: TurnContext) -> None:
        """Have all that listen hear an event."""
        for listener in self._listeners:
            await listener.hear(context)
