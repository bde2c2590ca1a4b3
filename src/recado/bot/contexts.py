"""What Recado knows about the conversation a turn is in."""

from __future__ import annotations

from microsoft_agents.activity import ActivityEventNames
from microsoft_agents.hosting.core import TurnContext

from recado.bot.capture import conversation_key, sighting_of, tenant_of
from recado.clock import Clock
from recado.domain.job import JobScope
from recado.domain.reference import LOCAL_BOT, Reference
from recado.errors import InvalidActivity, UnknownReference
from recado.references import References
from recado.store.port import Store

#: Events that are built here. They say nothing about the conversation that was not known.
LOCAL_EVENTS = frozenset(
    {ActivityEventNames.continue_conversation, ActivityEventNames.create_conversation}
)


class Contexts:
    """Finds what belongs to a turn's context.

    Args:
        store: where references are.
        references: takes what is captured.
        clock: the time.
        bot: the bot's name.
    """

    def __init__(self, store: Store, references: References, clock: Clock, *, bot: str) -> None:
        self._store = store
        self._references = references
        self._clock = clock
        self._bot = bot

    async def remember(self, context: TurnContext) -> Reference:
        """Capture the conversation of *context* by hand and return its reference.

        Raises:
            InvalidActivity: the activity does not say which conversation it is from.
            UnknownReference: the turn was built locally, for a conversation that is not known.
        """
        if context.activity.name not in LOCAL_EVENTS:
            seen = sighting_of(context.activity, self._bot, self._clock.now())
            if seen is not None:
                await self._references.remember(seen)
        found = await self.find(context)
        if found is None:
            raise UnknownReference(
                f"No conversation {context.activity.conversation.id!r} is known: the bot has to "
                "hear from it once before it can speak there."
            )
        return found

    async def find(self, context: TurnContext) -> Reference | None:
        """The reference of the conversation of *context*, if it is known.

        Raises:
            InvalidActivity: the activity does not say which conversation it is from.
        """
        key = conversation_key(context.activity, self._bot)
        if key is None:
            raise InvalidActivity(
                "The activity has no channelId or no conversation id: it cannot be answered later."
            )
        return await self._store.reference_by_key(key)

    def scope(self, context: TurnContext) -> JobScope:
        """The job log of the context's tenant; without credentials there is one for all."""
        tenant = None if self._bot == LOCAL_BOT else tenant_of(context.activity)
        return JobScope(bot=self._bot, tenant=tenant or "")
