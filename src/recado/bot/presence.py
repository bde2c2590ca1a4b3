"""Presence: a bot that says that it is in the middle of something."""

from __future__ import annotations

from datetime import datetime, timedelta

from microsoft_agents.hosting.core import TurnContext

from recado.bot.capture import conversation_key
from recado.clock import Clock
from recado.domain.politeness.busy import BUSY_AT_MOST, BUSY_FOR
from recado.errors import InvalidActivity, InvalidInput, UnknownReference
from recado.store.port import Store


class BotPresence:
    """Until when the bot is busy in conversations.

    Args:
        store: where that is kept.
        clock: the time.
        bot: the bot's name.
    """

    def __init__(self, store: Store, clock: Clock, *, bot: str) -> None:
        self._store = store
        self._clock = clock
        self._bot = bot

    async def busy(self, context: TurnContext, *, for_: timedelta = BUSY_FOR) -> None:
        """The bot is busy in the conversation of *context*, for some time at most.

        Raises:
            InvalidActivity: the activity does not say which conversation it is from.
            InvalidInput: that is no length of time, or too long.
            UnknownReference: the conversation is not known.
        """
        given: object = for_
        if not isinstance(given, timedelta) or not timedelta(0) < for_ <= BUSY_AT_MOST:
            raise InvalidInput("for_ is a timedelta of up to a day: choose another.")
        await self._note(context, self._clock.now() + for_)

    async def free(self, context: TurnContext) -> None:
        """It is no more.

        Raises:
            InvalidActivity: the activity does not say which conversation it is from.
            UnknownReference: the conversation is not known.
        """
        await self._note(context, None)

    async def _note(self, context: TurnContext, until: datetime | None) -> None:
        key = conversation_key(context.activity, self._bot)
        if key is None:
            raise InvalidActivity(
                "The activity has no channelId or no conversation id: nobody can be busy there."
            )
        if not await self._store.be_busy(key, until, self._clock.now()):
            raise UnknownReference(
                f"No conversation {key.conversation_id!r} is known: the bot has to hear from it "
                "once before it can be busy there."
            )
