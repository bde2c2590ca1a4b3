"""Questions: an answer to what a notification asked goes to whoever it named, not to the bot."""

from __future__ import annotations

import json
import logging

from microsoft_agents.activity import Activity, ChannelAccount
from microsoft_agents.hosting.core import Agent, TurnContext

from recado.bot.handlers import Handler, Handlers
from recado.bot.words import said_to_bot
from recado.clock import Clock
from recado.domain.ids import new_id
from recado.domain.phrases import phrase
from recado.domain.question import (
    Asked,
    Overheard,
    Reply,
    mark_in,
    next_said,
    pointed_at,
    without_mark,
)
from recado.store.port import Store

_log = logging.getLogger("recado.bot")


class Questions:
    """Hands answers to the handlers that were named with the questions.

    Such a handler runs in the person's own turn and in the bot's place: nothing of the bot's is
    loaded or changed, so that a dialog it was in goes on afterwards as if nothing had been said.

    Args:
        store: knows what was asked.
        handlers: the code.
        clock: the time.
    """

    def __init__(self, store: Store, handlers: Handlers, clock: Clock) -> None:
        self._store = store
        self._handlers = handlers
        self._clock = clock
        self._agent: Agent | None = None

    def attach(self, agent: Agent) -> None:
        """Have handlers given the turn state of *agent*, if they want it."""
        self._agent = agent

    @property
    def heard_here(self) -> bool:
        """Whether this process could hear any answer."""
        return self._agent is not None and bool(self._handlers.names())

    async def take_pointed(self, context: TurnContext, heard: Overheard) -> bool:
        """Hear a message that says itself what it answers; whether it did."""
        reply = reply_of(context.activity)
        asked = pointed_at(reply, heard)
        if asked is not None:
            return await self._hear(context, asked, reply)
        if reply.mark is None:
            return False
        # A dialog that waits for something else is not to be bothered with it.
        locale = context.activity.locale
        await context.send_activity(phrase("question_over", locale))
        return True

    async def take_next(self, context: TurnContext, heard: Overheard) -> bool:
        """Hear a plain message, if it is the next one after a question; whether it was."""
        reply = reply_of(context.activity)
        asked = next_said(reply, heard)
        return asked is not None and await self._hear(context, asked, reply)

    async def _hear(self, context: TurnContext, asked: Asked, reply: Reply) -> bool:
        if asked.answered_by is not None:
            _log.info("Activity %r has answered %s already.", reply.activity_id, asked.delivery_id)
            return True
        handler = self._handlers.get(asked.handler)
        if handler is None:
            _log.warning(
                "An answer to %s is left to the bot: no handler is named %r here.",
                asked.delivery_id,
                asked.handler,
            )
            return False
        token = reply.activity_id or new_id()
        if not await self._store.answer_question(asked.delivery_id, token, self._clock.now()):
            _log.info("The question of %s was answered by another message.", asked.delivery_id)
            return False
        try:
            await self._run(context, handler, asked, reply)
        except BaseException:
            # It was not heard, so it may be said again.
            await self._store.reopen_question(asked.delivery_id, token)
            raise
        return True

    async def _run(
        self, context: TurnContext, handler: Handler, asked: Asked, reply: Reply
    ) -> None:
        activity = context.activity
        said = without_mark(activity.value) if reply.submitted else said_to_bot(activity)
        told = {
            "answer": said,
            "value": None if asked.value is None else json.loads(asked.value),
            "question": asked.notification_id,
            "delivery": asked.delivery_id,
        }
        assert self._agent is not None  # noqa: S101 - nothing is heard before one is attached
        await handler.run(context, told, self._agent)


def reply_of(activity: Activity) -> Reply:
    """A message, as far as it may be an answer."""
    sender: ChannelAccount | None = activity.from_property
    return Reply(
        activity_id=activity.id or None,
        speaker_id=sender.id if sender is not None else None,
        reply_to=activity.reply_to_id or None,
        mark=mark_in(activity.value),
        submitted=activity.value is not None,
        written=bool(said_to_bot(activity)),
    )
