"""Long answers: what was promised, who works at it, and how it ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from recado.domain.answer import AnswerState, LongAnswer, Promise
from recado.domain.notification import Notification
from recado.store.port.values import Accepted, Page


class Stint(NamedTuple):
    """One process's time with the work of a long answer."""

    answer: LongAnswer
    #: Whoever comes with an older one than the stored one has lost the work to another.
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorksOutlook:
    """What there is to do for a process that runs works."""

    #: Whether a work waits that it could begin.
    ready: bool
    #: How many works it has, as far as the store knows.
    mine: int
    #: When the next deadline passes, and when the next and the last lease run out.
    deadline_at: datetime | None
    lease_until: datetime | None
    last_lease_until: datetime | None
    #: Whether an answer was to take the place of a progress, and is not known to have arrived.
    replacing: bool


class Replacing(NamedTuple):
    """An answer that was to take the place of the message that showed the progress."""

    answer_id: str
    #: Number of the conversation's reference.
    reference_id: str
    #: The change that says it.
    change: str
    #: JSON of the activity.
    content: str | None
    #: Whether it has not ended, and whether it has arrived or was ended by somebody.
    waiting: bool
    arrived: bool


class AnswerStore(Protocol):
    """Long answers and their works."""

    async def promise_answer(
        self, promise: Promise, lease_until: datetime
    ) -> tuple[LongAnswer, bool]:
        """Commit a promise; it, and whether it was made before from the same cause.

        A work that waits for the end of a turn, or that one process alone can run, is that
        process's from the beginning, under a lease.

        Conversations take turns: the place of a work among those that wait is behind all that its
        conversation has waiting, and beside the first ones of the others.
        """

    async def answer(self, answer_id: str) -> LongAnswer | None:
        """The long answer with that id."""

    async def answers(
        self,
        bot: str,
        *,
        state: AnswerState | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[LongAnswer]:
        """A bot's long answers, the newest first."""

    async def works_outlook(self, owner: str, names: Collection[str]) -> WorksOutlook:
        """What there is to do for a process that has works of these names registered."""

    async def claim_works(  # noqa: PLR0913 - who, what, how long and how many
        self,
        owner: str,
        names: Collection[str],
        *,
        now: datetime,
        lease_until: datetime,
        limit: int,
        ended: Collection[str] = (),
    ) -> Sequence[Stint]:
        """Begin up to *limit* works that wait, in the order of their places.

        Only those of *names*, and those that this process alone can run; none whose turn has not
        ended, and none whose deadline has passed.

        Args:
            owner: the process.
            names: of the works it has registered.
            now: the present instant.
            lease_until: how long they are its own unless that is renewed.
            limit: how many.
            ended: ids of answers whose turn has ended.
        """

    async def renew_works(
        self, owner: str, ids: Collection[str], lease_until: datetime
    ) -> Mapping[str, int]:
        """Keep works; those that are still this process's, each with its token."""

    async def shorten_works(self, latest: datetime) -> None:
        """Have no lease last longer than *latest*.

        None is that long: a clock said so that has since been set back.
        """

    async def say_answer(
        self,
        stint: Stint,
        number: int,
        notification: Notification,
        now: datetime,
        *,
        replaces: bool = False,
    ) -> Accepted | None:
        """Commit the *number*-th message of an answer; None if that was done before.

        Args:
            stint: whose.
            number: counted from 1, one after the other.
            notification: the message, or a change of the progress into it.
            now: the present instant.
            replaces: whether it is such a change, so that it is looked after until it has
                arrived.

        Raises:
            AnswerOver: it has ended, its deadline has passed, or another process has it.
        """

    async def show_progress(
        self,
        stint: Stint,
        share: float,
        text: str | None,
        notification: Notification | None,
        now: datetime,
    ) -> Accepted | None:
        """Take down how far a work has come and, given a notification, say so in the same commit.

        A first one becomes the message that shows the progress. Nothing is said any more once
        something of the answer has been.

        Raises:
            AnswerOver: as for :meth:`say_answer`.
        """

    async def end_answer(  # noqa: PLR0913 - how, why, with what, and on whose word
        self,
        answer_id: str,
        state: AnswerState,
        now: datetime,
        *,
        reason: str | None = None,
        detail: str | None = None,
        notification: Notification | None = None,
        token: int | None = None,
        lapsed: bool = False,
    ) -> tuple[bool, Accepted | None]:
        """End an answer and accept what is said about that, in one commit; whether it did.

        Of all who want to end an answer one does, and nothing is accepted of the others.

        Args:
            answer_id: which.
            state: how.
            now: the present instant.
            reason: why it failed.
            detail: that in a line.
            notification: what is said; nothing when left out.
            token: end it only if this is the present one.
            lapsed: end it only if its lease has run out.
        """

    async def hand_back_work(
        self, stint: Stint, now: datetime, *, lapsed: bool = False, counted: bool = True
    ) -> bool:
        """Let any process begin a work again that is not over; False if it is not this one's.

        Args:
            stint: which.
            now: the present instant.
            lapsed: only if its lease has run out; else that does not matter.
            counted: whether the attempt counts.
        """

    async def lapsed_works(self, now: datetime, limit: int) -> Sequence[Stint]:
        """Works whose lease has run out: their process has died, or sleeps."""

    async def overdue_answers(self, now: datetime, limit: int) -> Sequence[LongAnswer]:
        """Answers whose deadline has passed and that have not ended."""

    async def replacing_answers(self, after: str, limit: int) -> Sequence[Replacing]:
        """Answers that were to take the place of a progress, by the id of that change."""

    async def settle_replacing(
        self, answer_id: str, change: str, notification: Notification | None
    ) -> Accepted | None:
        """An answer has arrived or, given a notification, is sent as a message of its own.

        Of several who do so one does, and nothing is accepted of the others.
        """
