"""Busy: whether a conversation is in the middle of something, and for how long.

A conversation is busy while a turn runs in it, for a time after a person wrote, while its bot says
so, and while a dialog waits for an answer. What waits for it to be free leaves by its deadline
nevertheless.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

#: The modes that wait for a good moment.
WAITING_MODES: Final = frozenset({"when_idle", "after_dialog", "next_turn"})

#: How long a conversation has to have been quiet for ``when_idle``, unless it is said.
QUIET: Final = timedelta(seconds=30)
#: How long ``when_idle`` and ``after_dialog`` wait at most, unless it is said.
MAX_WAIT: Final = timedelta(hours=1)
#: How long a bot is busy unless it says how long, and at most.
BUSY_FOR: Final = timedelta(minutes=10)
BUSY_AT_MOST: Final = timedelta(days=1)
#: A turn whose process has died runs no longer than this. A living process keeps its turns.
TURN_LEASE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """What is going on in a conversation.

    Attributes:
        spoke_at: when a person wrote last; None if nobody has, and so below.
        began_at: when a person's latest turn began.
        turn_since: since when a turn runs.
        turn_until: until when it does at the latest.
        dialog_since: since when a dialog waits for an answer.
        busy_since: since when the bot says that it is busy.
        busy_until: until when.
    """

    spoke_at: datetime | None = None
    began_at: datetime | None = None
    turn_since: datetime | None = None
    turn_until: datetime | None = None
    dialog_since: datetime | None = None
    busy_since: datetime | None = None
    busy_until: datetime | None = None


#: Nothing is known to go on there.
NOTHING: Final = Doing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """For what a delivery waits.

    Attributes:
        mode: one of :data:`WAITING_MODES`.
        ready_at: since when it could leave: when it was accepted, or due if that is later.
        quiet: how long its conversation has to have been quiet.
        max_wait: how long it waits at most; None waits until it expires.
    """

    mode: str
    ready_at: datetime
    quiet: timedelta | None = None
    max_wait: timedelta | None = None

    @property
    def deadline(self) -> datetime | None:
        """When it leaves even if its conversation is busy."""
        return None if self.max_wait is None else self.ready_at + self.max_wait


BusyWith = Literal["turn", "quiet", "bot", "dialog", "next_turn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Why something waits.

    Attributes:
        reason: with what its conversation is busy; of several things the one that lasts longest.
        since: since when.
        until: when to look again; None if only something that happens can let it go.
    """

    reason: BusyWith
    since: datetime | None
    until: datetime | None


def busy(wish: Wish, doing: Doing, now: datetime) -> Busy | None:
    """What keeps a delivery waiting; None if it may leave.

    Args:
        wish: for what it waits.
        doing: what goes on in its conversation.
        now: the present instant.
    """
    deadline = wish.deadline
    if deadline is not None and now >= deadline:
        return None
    longest: Busy | None = None
    for each in _keeping(wish, doing, now):
        if longest is None or _later(each.until, longest.until):
            longest = each
    if longest is None or deadline is None or not _later(longest.until, deadline):
        return longest
    return Busy(reason=longest.reason, since=longest.since, until=deadline)


def _keeping(wish: Wish, doing: Doing, now: datetime) -> Iterator[Busy]:
    """Everything that keeps it waiting, and how long each would by itself."""
    if wish.mode == "next_turn":
        # The turn it waits for begins after it was ready: one that ran then is not meant.
        if doing.began_at is None or doing.began_at <= wish.ready_at:
            yield Busy(reason="next_turn", since=wish.ready_at, until=None)
    elif doing.dialog_since is not None:
        yield Busy(reason="dialog", since=doing.dialog_since, until=None)
    if doing.turn_until is not None and doing.turn_until > now:
        yield Busy(reason="turn", since=doing.turn_since, until=doing.turn_until)
    if wish.mode == "next_turn":
        return
    if doing.busy_until is not None and doing.busy_until > now:
        yield Busy(reason="bot", since=doing.busy_since, until=doing.busy_until)
    if wish.mode == "when_idle" and doing.spoke_at is not None:
        quiet_at = doing.spoke_at + (QUIET if wish.quiet is None else wish.quiet)
        if quiet_at > now:
            yield Busy(reason="quiet", since=doing.spoke_at, until=quiet_at)


def _later(one: datetime | None, other: datetime | None) -> bool:
    """Whether *one* is later; None is later than any time."""
    return other is not None and (one is None or one > other)


def told(found: Busy) -> str:
    """The reason as a sentence for people."""
    return _SENTENCES[found.reason]


_SENTENCES: Final[dict[BusyWith, str]] = {
    "turn": "A turn is running in the conversation.",
    "quiet": "Somebody wrote in the conversation a moment ago.",
    "bot": "The bot says that it is busy in the conversation.",
    "dialog": "A dialog in the conversation waits for an answer.",
    "next_turn": "It leaves at the end of the person's next turn.",
}
