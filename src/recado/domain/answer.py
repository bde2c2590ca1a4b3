"""Long answers: what a bot has promised to say later, and the work that makes it.

A promise is committed before anything is done for it. From then on it ends in exactly one way:
with what the work says, or with a sentence for the person who waits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Final

from recado.domain.notification import LONGEST_NAME
from recado.errors import InvalidInput

#: The longest a promise may take to be kept; who asked has forgotten it after that.
LONGEST: Final = timedelta(days=7)
#: How long one takes at most when nothing else is said.
USUAL: Final = timedelta(minutes=10)
#: A work whose process ended unexpectedly so often is not begun again.
ATTEMPTS: Final = 3

#: Between two edits of a progress message, and between two messages where it cannot be edited:
#: an edit disturbs nobody, and a message does.
EDIT_EVERY: Final = timedelta(seconds=2)
SAY_EVERY: Final = timedelta(seconds=30)
#: Between two signs that somebody is typing; a client shows one for a few seconds, and more than
#: one in 3 s is not allowed (A6001 of the activity specification).
TYPING_EVERY: Final = timedelta(seconds=4)


class AnswerState(StrEnum):
    """Where a long answer stands."""

    PROMISED = "promised"  # committed; its work waits to begin, or to go on
    RUNNING = "running"  # a process runs its work
    DONE = "done"  # the work has said what it had to say
    FAILED = "failed"  # the work failed, and the fallback is said
    EXPIRED = "expired"  # its deadline has passed, and the fallback is said
    CANCELLED = "cancelled"  # somebody called it off; nothing is said
    APOLOGISED = "apologised"  # its process is gone and nobody can go on; people are told so

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (AnswerState.PROMISED, AnswerState.RUNNING)


#: What may follow what.
TRANSITIONS: Final[Mapping[AnswerState, frozenset[AnswerState]]] = {
    AnswerState.PROMISED: frozenset(
        {
            AnswerState.RUNNING,
            AnswerState.FAILED,
            AnswerState.EXPIRED,
            AnswerState.CANCELLED,
            AnswerState.APOLOGISED,
        }
    ),
    AnswerState.RUNNING: frozenset(
        {
            AnswerState.PROMISED,
            AnswerState.DONE,
            AnswerState.FAILED,
            AnswerState.EXPIRED,
            AnswerState.CANCELLED,
            AnswerState.APOLOGISED,
        }
    ),
    AnswerState.DONE: frozenset(),
    AnswerState.FAILED: frozenset(),
    AnswerState.EXPIRED: frozenset(),
    AnswerState.CANCELLED: frozenset(),
    AnswerState.APOLOGISED: frozenset(),
}

#: Why an answer failed.
RAISED: Final = "raised"  # its work raised an exception
SILENT: Final = "silent"  # its work ended without having said anything
GAVE_UP: Final = "gave_up"  # its work's process ended unexpectedly, again and again


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What is committed when a long answer is promised."""

    id: str
    bot: str
    #: Number of the conversation's reference.
    reference: int
    #: The work's name; of a function that cannot be resumed, what it is called in the code.
    work: str
    #: The process that alone can run the work; None for a registered one.
    home: str | None
    #: JSON value for the work.
    payload: Any
    #: ChannelAccount of the person who asked.
    user: Mapping[str, Any] | None
    #: JSON of the activity to say if it comes to nothing; None for Recado's own sentence.
    fallback: str | None
    promised_at: datetime
    deadline_at: datetime
    #: What caused it: the same in the same conversation is promised once.
    source: str | None = None
    #: The turn it was made in: its work begins after that.
    turn: str | None = None
    #: The process that ran the turn.
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LongAnswer:
    """One long answer, as it is stored."""

    id: str
    bot: str
    #: The conversation that waits for it.
    reference_id: str
    conversation_id: str
    #: The work's name.
    work: str
    #: Whether another process can go on with the work.
    resumable: bool
    payload: Any
    user: Mapping[str, Any] | None
    fallback: str | None
    state: AnswerState
    #: Why it failed: ``raised``, ``silent`` or ``gave_up``.
    reason: str | None
    #: What its work raised, in one line.
    detail: str | None
    promised_at: datetime
    deadline_at: datetime
    ended_at: datetime | None = None
    #: How often its work has been begun.
    attempts: int = 0
    #: How many messages of it have been committed.
    sends: int = 0
    #: How far the work said it had come, from 0 to 1, and in words.
    progress: float | None = None
    progress_text: str | None = None
    #: The notification that shows the progress, if there is one.
    shown: str | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state.over


class AfterEnd(Enum):
    """What becomes of a long answer whose work is run by nobody any more."""

    RESUME = "resume"
    GIVE_UP = "give up"
    APOLOGISE = "apologise"


def after_crash(*, resumable: bool, attempts: int) -> AfterEnd:
    """What becomes of an answer whose process has died.

    Args:
        resumable: whether another process can run its work.
        attempts: how often that has been begun.
    """
    if not resumable:
        return AfterEnd.APOLOGISE
    return AfterEnd.RESUME if attempts < ATTEMPTS else AfterEnd.GIVE_UP


def verdict(*, error: str | None, sends: int, silent: bool) -> tuple[AnswerState, str | None]:
    """How an answer ends whose work has ended by itself: its state and, if it failed, why.

    Args:
        error: what the work raised; None if it ended well.
        sends: how many messages it had committed.
        silent: whether the work said that there is nothing to say.
    """
    if error is not None:
        return AnswerState.FAILED, RAISED
    if sends == 0 and not silent:
        return AnswerState.FAILED, SILENT
    return AnswerState.DONE, None


def check_progress(share: object, text: object) -> None:
    """Refuse what is no progress.

    Raises:
        InvalidInput: *share* is no number from 0 to 1, or *text* no text that can be said.
    """
    number = isinstance(share, int | float) and not isinstance(share, bool)
    if not (number and 0 <= share <= 1):  # type: ignore[operator]  # it is a number
        raise InvalidInput(f"{share!r} is no share: progress is a number from 0 to 1.")
    if text is not None and not (isinstance(text, str) and text.strip()):
        raise InvalidInput("The text of a progress is words for people: leave it out if none are.")


def shown(share: float, text: str | None) -> str:
    """A progress as people read it."""
    percent = f"{math.floor(round(share * 100, 6))} %"  # all of it is shown when it is all
    return percent if text is None else f"{text} ({percent})"


def wait_before_progress(*, can_edit: bool, last: datetime | None, now: datetime) -> timedelta:
    """How long a progress waits before it is shown; what is newer takes its place meanwhile.

    Args:
        can_edit: whether the message that shows it can be edited.
        last: when one was shown last.
        now: the present instant.
    """
    if last is None:
        return timedelta(0)
    every = EDIT_EVERY if can_edit else SAY_EVERY
    return min(every, max(timedelta(0), last + every - now))


def deadline_of(given: object, now: datetime) -> datetime:
    """The moment after which the fallback is said.

    Raises:
        InvalidInput: it is no time to come, or one too far away.
    """
    if not isinstance(given, timedelta):
        raise InvalidInput("deadline is how long the answer may take: give a timedelta.")
    if not timedelta(0) < given <= LONGEST:
        raise InvalidInput(
            f"A long answer may take up to {LONGEST.days} days: choose a deadline in that time."
        )
    return now + given


def source_of(activity_id: str | None, number: int) -> str | None:
    """What causes the *number*-th promise of a turn; None if its activity has no id."""
    if activity_id is None:
        return None
    return activity_id if number == 1 else f"{activity_id}/{number}"


def name_of(function: object) -> str:
    """What a function that cannot be resumed is called."""
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return str(name)[-LONGEST_NAME:]
