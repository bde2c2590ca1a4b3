"""For tests, ours and users': a clock wound by hand, a channel that obeys, factories."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from recado.channel.port import Post
from recado.domain.audience import Audience, EveryConversation
from recado.domain.content import content_of
from recado.domain.ids import new_id
from recado.domain.notification import Notification
from recado.domain.policy import Answer
from recado.domain.reference import ConversationKey, Member, Sighting

#: Where a hand-wound clock stands at first.
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class HandClock:
    """A clock that stands still until it is wound.

    Waits on it end when their event is set or when :meth:`advance` has passed their time.
    """

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._waiting: list[tuple[datetime, asyncio.Event]] = []

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta | float) -> None:
        """Wind the clock forward by a duration, or by seconds."""
        self._now += by if isinstance(by, timedelta) else timedelta(seconds=by)
        self._ring()

    def set(self, now: datetime) -> None:
        """Set the clock, also backwards."""
        self._now = now
        self._ring()

    def _ring(self) -> None:
        for until, bell in self._waiting:
            if until <= self._now:
                bell.set()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        if event.is_set() or (seconds is not None and seconds <= 0):
            await asyncio.sleep(0)
            return event.is_set()
        bell = asyncio.Event()
        tasks = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(bell.wait())]
        entry = (self._now + timedelta(seconds=seconds), bell) if seconds is not None else None
        if entry is not None:
            self._waiting.append(entry)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if entry is not None:
                self._waiting.remove(entry)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return event.is_set()


@dataclass(frozen=True, slots=True)
class Sent:
    """One request a :class:`FakeChannel` was handed."""

    post: Post
    activity: Mapping[str, Any]

    @property
    def text(self) -> str | None:
        return self.activity.get("text")


class FakeChannel:
    """A channel in memory: it takes everything, or answers as it was told to.

    Attributes:
        sent: what it was handed, in order.
        answers: answers to give before it goes back to taking everything; a callable is given
            the request.
    """

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.answers: deque[Answer | Callable[[Post], Answer]] = deque()
        #: While cleared, requests are taken in but not answered.
        self.open = asyncio.Event()
        self.open.set()
        self._numbers = itertools.count(1)
        self._arrived = asyncio.Event()

    async def send(self, post: Post) -> Answer:
        self.sent.append(Sent(post, json.loads(post.body) if post.body else {}))
        self._arrived.set()
        await self.open.wait()
        if self.answers:
            answer = self.answers.popleft()
            return answer if isinstance(answer, Answer) else answer(post)
        return Answer(status=200, activity_id=f"activity-{next(self._numbers)}")

    async def close(self) -> None:
        """Nothing to close."""

    async def arrived(self, count: int) -> None:
        """Wait until *count* requests have been handed over in all."""
        while len(self.sent) < count:
            self._arrived.clear()
            await self._arrived.wait()

    @property
    def texts(self) -> list[str | None]:
        """The texts it was handed, in order."""
        return [each.text for each in self.sent]


def make_sighting(conversation_id: str = "a:1", **changes: Any) -> Sighting:
    """A sighting of a private Teams chat with Ana, but for what *changes* says.

    Fields of the key (``bot``, ``channel``) are given like any other.
    """
    key = ConversationKey(
        bot=changes.pop("bot", "local"),
        channel=changes.pop("channel", "msteams"),
        conversation_id=conversation_id,
    )
    told: dict[str, Any] = {
        "service_url": "https://smba.trafficmanager.net/emea/",
        "at": START,
        "tenant_id": "tenant-1",
        "conversation_type": "personal",
        "is_group": False,
        "agent": {"id": "28:bot", "name": "Bot"},
        "members": (Member(user_id="29:ana", name="Ana"),),
        "raw": {"conversation": {"id": conversation_id}},
    }
    return Sighting(key=key, **(told | changes))


def make_notification(text: str = "hello", **changes: Any) -> Notification:
    """A notification due now, to every conversation, but for what *changes* says."""
    audience: Audience = EveryConversation()
    told: dict[str, Any] = {
        "id": new_id(),
        "bot": "local",
        "audience": audience,
        "content": None if changes.get("turn") else content_of(text),
        "turn": None,
        "accepted_at": START,
        "due_at": changes.get("accepted_at", START),
    }
    return Notification(**(told | changes))
