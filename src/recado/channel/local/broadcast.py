"""Waking streams: who follows a conversation is told that there is something new in it."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Passing activities kept for a follower that does not keep up; older ones are forgotten.
_PASSING = 16


class Listener:
    """One follower of a conversation.

    It learns only *that* the history has grown, and reads it at its own pace: a slow follower
    costs no memory.
    """

    __slots__ = ("_passing", "news")

    def __init__(self) -> None:
        #: Set when there is something new; the follower clears it before it looks.
        self.news = asyncio.Event()
        self._passing: deque[dict[str, Any]] = deque(maxlen=_PASSING)

    def hand(self, passing: dict[str, Any] | None) -> None:
        """Tell the follower, handing over an activity that is in no history if there is one."""
        if passing is not None:
            self._passing.append(passing)
        self.news.set()

    def take(self) -> tuple[dict[str, Any], ...]:
        """The passing activities since the last call."""
        taken = tuple(self._passing)
        self._passing.clear()
        return taken


class Broadcast:
    """Publish and subscribe per conversation, within this process and its event loop.

    What other processes append is found by looking at the store from time to time.
    """

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)

    @contextmanager
    def listen(self, conversation_id: str) -> Iterator[Listener]:
        """Follow a conversation for the length of the block."""
        listener = Listener()
        self._listeners[conversation_id].add(listener)
        try:
            yield listener
        finally:
            self._listeners[conversation_id].discard(listener)
            if not self._listeners[conversation_id]:
                del self._listeners[conversation_id]

    def publish(self, conversation_id: str, passing: dict[str, Any] | None = None) -> None:
        """Tell the followers of a conversation that it has grown.

        Args:
            conversation_id: the conversation.
            passing: an activity that is in no history and is handed over at once.
        """
        for listener in self._listeners.get(conversation_id, ()):
            listener.hand(passing)

    def wake(self) -> None:
        """Have every follower look around, for example because the server stops."""
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.hand(None)
