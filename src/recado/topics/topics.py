"""Topics: made, subscribed to, and published to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from recado.clock import Clock
from recado.domain.audience import Conversation, Person, Subscribers, audience_of
from recado.domain.reference import Reference
from recado.domain.topic import Subscription, Topic, topic_name
from recado.errors import InvalidInput
from recado.outbox import Handle, Outbox
from recado.outbox.composing import GivenOptions, Said
from recado.references import References
from recado.store.port import Page, Store

#: Somebody who can subscribe: a person or a conversation, in any form callers name one in.
Subscriber = str | Person | Conversation | Reference


class Topics:
    """Audiences that people subscribe to, by name.

    A group subscribes as itself. A private chat stands for its person: they are told once, in the
    chat they prefer or were seen in last, whatever chat they subscribed in.

    Args:
        store: keeps them.
        outbox: takes what is published.
        references: who is known.
        clock: the time.
        bot: whose they are.
    """

    def __init__(
        self, store: Store, outbox: Outbox, references: References, clock: Clock, *, bot: str
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._references = references
        self._clock = clock
        self._bot = bot

    async def create(self, name: str, *, title: str | None = None) -> Topic:
        """Make a topic, or give the one there is another title.

        Args:
            name: one word; what people write after "subscribe". Case does not matter.
            title: what it is about, for people.

        Raises:
            InvalidInput: it is no name.
        """
        now = self._clock.now()
        return await self._store.create_topic(self._bot, topic_name(name), now, title=title)

    async def get(self, name: str) -> Topic:
        """The topic with that name.

        Raises:
            UnknownTopic: there is none.
        """
        return await self._store.topic(self._bot, topic_name(name))

    async def page(self, *, after: str | None = None, limit: int = 100) -> Page[Topic]:
        """The topics by name, each with how many subscribe to it."""
        return await self._store.topics(self._bot, after=after, limit=limit)

    async def remove(self, name: str) -> None:
        """Remove a topic and its subscriptions. What has a delivery by now is still said.

        Raises:
            UnknownTopic: there is none with that name.
        """
        await self._store.remove_topic(self._bot, topic_name(name))

    async def subscribe(self, name: str, who: Subscriber) -> bool:
        """Subscribe a person or a group.

        Args:
            name: to which topic.
            who: ``user:<id>``, ``conversation:<id>``, or a reference.

        Returns:
            False if they are already, in whatever chat they subscribed.

        Raises:
            UnknownTopic: there is none with that name.
            UnknownRecipient: they are not known.
        """
        subscriber = await self._reference(who)
        return await self._store.subscribe(
            self._bot, topic_name(name), subscriber, self._clock.now()
        )

    async def unsubscribe(self, name: str, who: Subscriber) -> bool:
        """End a subscription, in whatever chat it was made.

        Returns:
            Whether there was one.

        Raises:
            UnknownTopic: there is no topic with that name.
            UnknownRecipient: they are not known.
        """
        return await self._store.unsubscribe(
            self._bot, topic_name(name), await self._reference(who)
        )

    async def subscribers(
        self, name: str, *, after: str | None = None, limit: int = 100
    ) -> Page[Subscription]:
        """Who subscribes to a topic, in the order they did.

        Raises:
            UnknownTopic: there is none with that name.
        """
        return await self._store.subscribers(self._bot, topic_name(name), after=after, limit=limit)

    async def of(self, who: Subscriber) -> Sequence[Topic]:
        """What a person or a group subscribes to.

        Raises:
            UnknownRecipient: they are not known.
        """
        return await self._store.topics_of(await self._reference(who))

    async def prefer(self, who: Subscriber) -> Reference:
        """Have a person told in this private chat rather than in others of theirs.

        Not only of topics: it counts wherever a person is named, or is one of many.

        Returns:
            The chat.

        Raises:
            UnknownRecipient: they are not known.
            InvalidInput: it is a group.
        """
        chat = await self._reference(who)
        if not chat.private:
            raise InvalidInput("A group is told as itself: name a person's private chat.")
        await self._store.prefer_chat(chat)
        return chat

    async def publish(
        self,
        name: str,
        content: Said = None,
        **options: Unpack[GivenOptions],
    ) -> Handle:
        """Say something to everybody who subscribes now; :meth:`recado.outbox.Outbox.notify`.

        The category is the topic's name unless another is given, so that whoever says "stop
        releases" is not told of them any more.

        Raises:
            UnknownTopic: there is none with that name.
            InvalidInput: content or an option cannot be used.
        """
        topic = topic_name(name)
        given: GivenOptions = {"category": topic, **options}
        return await self._outbox.notify(Subscribers(topic), content, **given)

    async def _reference(self, who: Subscriber) -> Reference:
        if isinstance(who, Reference):
            return who
        audience = audience_of(who)
        if not isinstance(audience, Person | Conversation):
            raise InvalidInput(
                f"{who!r} cannot subscribe: name one person (user:<id>) or one conversation "
                "(conversation:<id>)."
            )
        (found,) = await self._references.resolve(self._bot, audience)
        return found
