"""Events, and the watches over them.

What holds for both: events of one subject are looked at in the order they were accepted, each by
the watches that existed when it was; different subjects do not wait for each other. A watch
remembers what it saw, and makes the notification that it speaks with, in one commit with the note
that it has looked at the event; so whatever happens in between, it looks at each event once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from recado.domain.event import Emitted, Event
from recado.domain.reference import Reference
from recado.domain.watch import NewWatch, Watch, WatchState
from recado.store.port.values import Page


class Fired(NamedTuple):
    """What one step has done with an event.

    Attributes:
        subject: what it is about.
        event_id: its own.
        source: of the event.
        looked: how many watches have looked at it.
        fired: how many of these have spoken.
    """

    subject: str
    event_id: str
    source: str
    looked: int
    fired: int


class Evaluated(NamedTuple):
    """What one step has done.

    Attributes:
        events: those that watches have looked at.
        after: where the next step goes on.
        full: whether there may be more to do at once.
    """

    events: Sequence[Fired]
    after: int
    full: bool


class WatchStore(Protocol):
    """Events, and the watches over them."""

    async def accept_events(
        self, bot: str, events: Sequence[Event], now: datetime
    ) -> Sequence[Emitted]:
        """Take in events, all or none; what became of each, in order.

        One whose source and id are known, also from the same call, is a replay: it changes
        nothing, whatever its data. One that is older than the newest of its subject is kept, and
        fires nothing. A time in the future counts as now.

        Raises:
            InvalidEvent: one of them cannot be kept.
        """

    async def newest(self, bot: str, subject: str) -> Any:
        """The data of the newest event of a subject; None if there is none."""

    async def make_watch(self, new: NewWatch, reference: Reference) -> Watch:
        """Begin to watch. It looks at the events that are accepted from then on.

        With a key that a watch has which has not ended, that watch is the answer.

        Raises:
            IdempotencyConflict: that watch is another one than was asked for.
            InvalidInput: the newest value of the subject is none that its rule can look at.
        """

    async def watch(self, bot: str, name: str) -> Watch | None:
        """The watch with this id or key."""

    async def watch_numbered(self, bot: str, reference: int, number: int) -> Watch | None:
        """The watch of a conversation with this number."""

    async def watches(  # noqa: PLR0913 - one parameter a filter
        self,
        bot: str,
        *,
        states: Collection[WatchState],
        subject: str | None = None,
        reference: int | None = None,
        person: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Watch]:
        """Watches in these states, in the order they were made.

        Args:
            bot: whose.
            states: which.
            subject: only those over it.
            reference: only those for this conversation, or
            person: for this person, by the name they were made for.
            after: where a page ended.
            limit: how many at most.

        Raises:
            InvalidInput: *after* is not from a page.
        """

    async def change_watch(self, bot: str, name: str, to: WatchState, now: datetime) -> Watch:
        """Pause, resume or cancel a watch, by its id or key; what has ended stays as it is.

        Raises:
            UnknownWatch: there is none.
        """

    async def evaluate(self, now: datetime, after: int, limit: int) -> Evaluated:
        """Have up to about *limit* watches look at what has happened.

        Args:
            now: the present instant.
            after: where the last step ended, 0 at first; so subjects take turns.
            limit: how many watches.
        """

    async def events_pending(self) -> bool:
        """Whether there are events that watches have not looked at."""

    async def expire_watches(self, now: datetime, limit: int) -> int:
        """End up to *limit* watches whose time is up; how many."""
