"""What happened to a channel: every request, and the texts in order of arrival."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recado.testing.calls import Asked, Operation
from recado.testing.faults import Fault


@dataclass(slots=True, kw_only=True)
class Request:
    """One request, and how it was answered.

    Attributes:
        asked: what it wanted.
        tenant: the tenant it belongs to, empty if none is known.
        arrived_at: when it arrived.
        answered_at: when its answer had been written; None while it has not, or never was.
        status: what it was answered; None while it was not, or if nothing was written.
        activity_id: the id the channel gave what it said, if it was taken.
        taken: whether the channel did what it wanted, whatever it answered.
        overlapped: whether another request to its conversation was unanswered when it came.
        fault: what was made to happen to it.
    """

    asked: Asked
    tenant: str
    arrived_at: datetime
    answered_at: datetime | None = None
    status: int | None = None
    activity_id: str | None = None
    taken: bool = False
    overlapped: bool = False
    fault: Fault | None = None

    @property
    def conversation(self) -> str | None:
        """The conversation it was about."""
        return self.asked.conversation

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.asked.method

    @property
    def activity(self) -> Mapping[str, Any]:
        """The JSON that came with it."""
        return self.asked.body

    @property
    def text(self) -> str:
        """The text of the activity, empty if it has none."""
        return str(self.asked.body.get("text") or "")


class Record:
    """Everything that happened, for tests to look at and to wait for.

    Attributes:
        requests: every request, in order of arrival; not kept when *keep* is off.
        texts: what was said, by conversation id, in the order the channel took it.
        statuses: how many requests were answered how; None counts those that never were.
        arrived: requests so far.
        taken: activities so far: messages, replies and first activities of threads.
        overlaps: requests that came while another of their conversation was unanswered.
        on_ended: called with every request when it has ended.
    """

    def __init__(self, *, keep: bool = True) -> None:
        self.keep = keep
        self.requests: list[Request] = []
        self.texts: defaultdict[str, list[str]] = defaultdict(list)
        self.statuses: Counter[int | None] = Counter()
        self.arrived = 0
        self.taken = 0
        self.overlaps = 0
        self.on_ended: Callable[[Request], None] = lambda _: None
        self._unanswered: Counter[str] = Counter()
        self._news = asyncio.Event()

    def note_arrival(self, asked: Asked, tenant: str, at: datetime) -> Request:
        """A request has arrived."""
        conversation = asked.conversation
        overlapped = conversation is not None and self._unanswered[conversation] > 0
        request = Request(asked=asked, tenant=tenant, arrived_at=at, overlapped=overlapped)
        if conversation is not None:
            self._unanswered[conversation] += 1
        self.arrived += 1
        self.overlaps += overlapped
        if self.keep:
            self.requests.append(request)
        self._news.set()
        return request

    def note_taken(self, conversation: str, activity: Mapping[str, Any]) -> None:
        """Something was said."""
        self.taken += 1
        self.texts[conversation].append(str(activity.get("text") or ""))
        self._news.set()

    def note_answer(self, request: Request, status: int | None, at: datetime) -> None:
        """A request was answered or, without a status, given up."""
        request.status = status
        if status is not None:
            request.answered_at = at
        self.statuses[status] += 1
        conversation = request.conversation
        if conversation is not None:
            self._unanswered[conversation] -= 1
            if not self._unanswered[conversation]:
                del self._unanswered[conversation]
        self.on_ended(request)
        self._news.set()

    async def until(self, count: int) -> None:
        """Wait until *count* activities have been said in all."""
        await self.until_true(lambda: self.taken >= count)

    async def until_true(self, true: Callable[[], bool]) -> None:
        """Wait until *true* says so; it is asked whenever something has happened."""
        while not true():
            self._news.clear()
            await self._news.wait()

    def of(
        self, conversation: str | None = None, operation: Operation | None = None
    ) -> list[Request]:
        """The requests to one conversation, or for one operation, in order of arrival."""
        return [
            each
            for each in self.requests
            if conversation in (None, each.conversation)
            and operation in (None, each.asked.operation)
        ]
