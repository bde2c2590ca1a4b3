"""Topics and who is subscribed to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from recado.domain.reference import Reference
from recado.domain.topic import Subscription, Topic
from recado.store.port.values import Page


class TopicStore(Protocol):
    """Topics and who is subscribed to them.

    Whoever is asked for a topic that there is not raises
    :class:`~recado.errors.UnknownTopic`.
    """

    async def create_topic(
        self, bot: str, name: str, now: datetime, *, title: str | None = None
    ) -> Topic:
        """Make a topic; one there is keeps its subscribers and, if none is given, its title."""

    async def topic(self, bot: str, name: str) -> Topic:
        """The topic with that name, with how many subscribe to it."""

    async def topics(self, bot: str, *, after: str | None = None, limit: int = 100) -> Page[Topic]:
        """A bot's topics by name, each with how many subscribe to it."""

    async def remove_topic(self, bot: str, name: str) -> None:
        """Remove a topic with its subscriptions. What was published goes on."""

    async def subscribe(self, bot: str, name: str, reference: Reference, now: datetime) -> bool:
        """Subscribe a group, or the person of a private chat; False if they are already.

        A person who subscribes in another of their chats is the same one.
        """

    async def unsubscribe(self, bot: str, name: str, reference: Reference) -> bool:
        """End the subscription of a group, or of a person in whatever chat they made it.

        Returns:
            Whether there was one.
        """

    async def subscribers(
        self, bot: str, name: str, *, after: str | None = None, limit: int = 100
    ) -> Page[Subscription]:
        """Who subscribes to a topic, in the order they did."""

    async def topics_of(self, reference: Reference) -> Sequence[Topic]:
        """What a group, or the person of a private chat, subscribes to; by name."""

    async def prefer_chat(self, reference: Reference) -> None:
        """Have the person of a private chat told there rather than in others of theirs."""
