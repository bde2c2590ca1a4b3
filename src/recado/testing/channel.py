"""A channel in memory that obeys."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from recado.channel.port import Call, Channel, Post, Reply
from recado.domain.policy import Answer


@dataclass(frozen=True, slots=True)
class Sent:
    """One request a :class:`FakeChannel` was handed."""

    post: Post
    activity: Mapping[str, Any]

    @property
    def text(self) -> str | None:
        return self.activity.get("text")


class FakeChannel(Channel):
    """A channel in memory: it takes everything, or answers as it was told to.

    Attributes:
        sent: what it was handed, in order.
        answers: answers to give before it goes back to taking everything; a callable is given
            the request.
        calls: its other requests, in order.
        replies: what they are answered, one after the other; 405 when there are no more.
    """

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.answers: deque[Answer | Callable[[Post], Answer]] = deque()
        self.calls: list[Call] = []
        self.replies: deque[Reply | Callable[[Call], Reply]] = deque()
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

    async def call(self, call: Call) -> Reply:
        self.calls.append(call)
        await self.open.wait()
        if not self.replies:
            return await super().call(call)
        reply = self.replies.popleft()
        return reply if isinstance(reply, Reply) else reply(call)

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
