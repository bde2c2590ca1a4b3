"""Subscriptions: people subscribe to topics, and end that, by saying so."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Literal, Protocol

from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import TurnContext

from recado.bot.words import words_of
from recado.domain.phrases import Phrase, phrase
from recado.domain.reference import Reference
from recado.domain.reminding import harmless
from recado.domain.text import without_accents
from recado.errors import InvalidInput, StoreError, UnknownTopic
from recado.topics import Topics

_log = logging.getLogger("recado.bot")

#: What Markdown would read as something else.
_SPECIAL: Final = re.compile(r"[\\|*_`~<>\[\]]")
#: What a sentence ends with.
_ENDS: Final = ".!?"

#: How many topics are shown, so that they fit in a message on every channel.
_SHOWN: Final = 50

Command = Literal["subscribe", "unsubscribe", "topics", "here"]

#: What people say, without accents, and what they mean by it.
_WITH_TOPIC: Final[Mapping[tuple[str, ...], Command]] = {
    ("subscribe",): "subscribe",
    ("subscribe", "to"): "subscribe",
    ("suscribir",): "subscribe",
    ("suscribeme", "a"): "subscribe",
    ("unsubscribe",): "unsubscribe",
    ("unsubscribe", "from"): "unsubscribe",
    ("desuscribir",): "unsubscribe",
    ("desuscribeme", "de"): "unsubscribe",
}
_ALONE: Final[Mapping[tuple[str, ...], Command]] = {
    ("topics",): "topics",
    ("temas",): "topics",
    ("tell", "me", "here"): "here",
    ("avisame", "aqui"): "here",
}


class HasTopics(Protocol):
    """What the part needs of a Recado."""

    @property
    def topics(self) -> Topics:
        """The topics."""

    async def remember(self, context: TurnContext) -> Reference:
        """The reference of a turn's conversation."""


class Subscriptions:
    """Understands ``subscribe releases``, ``unsubscribe releases``, ``topics``, ``tell me here``.

    And the same in Spanish. In a group it is the group that subscribes.

    Args:
        recado: has the topics; they are made in code or with ``recado topics create``.
    """

    in_dialogs = False

    def __init__(self, recado: HasTopics) -> None:
        self._recado = recado

    async def take(self, context: TurnContext) -> bool:
        """Answer a message about subscriptions; whether it was one."""
        words = words_of(context.activity)
        command, topic = understood(words)
        if command is None:
            return False
        try:
            answer = await self._obey(context, command, topic)
        except StoreError as fault:
            _log.error("Topics cannot be read or written: %s", fault)
            answer = phrase("topic_failed", context.activity.locale)
        await _send(context, answer)
        return True

    async def _obey(self, context: TurnContext, command: Command, topic: str) -> str:
        """Do what is asked; the answer."""
        here, locale = await self._recado.remember(context), context.activity.locale
        if command == "topics":
            return await self._list(here, locale)
        if command == "here":
            return await self._prefer(here, locale)
        return await self._change(here, topic, locale, subscribe=command == "subscribe")

    async def _change(
        self, here: Reference, topic: str, locale: str | None, *, subscribe: bool
    ) -> str:
        topics = self._recado.topics
        told: Phrase
        name = await self._named(topic)
        if name is None:
            # It is said again by the bot, so it must not call anybody, or be more than text.
            told, name = "topic_unknown", harmless(_SPECIAL.sub(r"\\\g<0>", topic))
        elif not subscribe:
            ended = await topics.unsubscribe(name, here)
            told = "topic_unsubscribed" if ended else "topic_not_subscribed"
        elif not await topics.subscribe(name, here):
            told = "topic_subscribed_already"
        else:
            told = "topic_subscribed" if here.private else "topic_subscribed_group"
        return phrase(told, locale, topic=name)

    async def _named(self, said: str) -> str | None:
        """The name of the topic that is meant: as it was written, or else without accents."""
        bare = said.rstrip(_ENDS)
        for name in dict.fromkeys((said, bare, without_accents(bare))):
            with suppress(UnknownTopic, InvalidInput):
                return (await self._recado.topics.get(name)).name
        return None

    async def _list(self, here: Reference, locale: str | None) -> str:
        page = await self._recado.topics.page(limit=_SHOWN)
        if not page.items:
            return phrase("topic_list_empty", locale)
        theirs = {topic.name for topic in await self._recado.topics.of(here)}
        lines = [phrase("topic_list", locale), ""]
        for topic in page.items:
            title = f": {topic.title}" if topic.title else ""
            mark = f" ({phrase('topic_yours', locale)})" if topic.name in theirs else ""
            lines.append(f"- **{topic.name}**{title}{mark}")
        return "\n".join(lines)

    async def _prefer(self, here: Reference, locale: str | None) -> str:
        told: Phrase = "topic_preferred_group"
        if here.private:
            await self._recado.topics.prefer(here)
            told = "topic_preferred"
        return phrase(told, locale)


def understood(words: list[str]) -> tuple[Command | None, str]:
    """What a message asks for, and of which topic.

    Args:
        words: of the message, in small letters.
    """
    said = tuple(without_accents(word) for word in words)
    if (alone := _ALONE.get(said)) is not None:
        return alone, ""
    if len(words) > 1 and (command := _WITH_TOPIC.get(said[:-1])) is not None:
        return command, words[-1]
    return None, ""


async def _send(context: TurnContext, text: str) -> None:
    # The format is said because its default differs between specifications (protocol §1.7).
    await context.send_activity(Activity(type="message", text=text, text_format="markdown"))
