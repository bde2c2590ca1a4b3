"""Forgetting what nobody will ask for again.

The rule: what has ended is kept for a time, and longer for as long as what has not ended needs it.

- A **delivery**, with its attempts and recorded sends, goes when it ended before that time, unless
  a change of it, or of the message it followed, has not left; a change of its notification is
  still looking for what it has to change; or an older version of it (one with the same collapse
  key) is still being expanded, which ends wherever this one was sent.
- A **notification**, with its changes, their idempotency keys and pauses, goes when it and all of
  them were accepted before that time, have been made into deliveries, and no delivery of any of
  them is left. So a key is answered for at least as long as something accepted under it lives.
- A **question** that a notification asked goes when its time was up before that time.
- A **long answer** goes when it ended before that time.
- A **schedule** goes, with all that it came to, when it ended before that time; what an occurrence
  came to goes when it was said before that time.
- An **event** goes when it was accepted before that time, watches have looked at it, and it does
  not tell how things stand with something that is watched; until then it is known when it comes
  again. A **watch** goes when it ended before that time and nothing it said is left.
- The **counts** of what a recipient was sent go when no cap can reach back to the latest of it.
- The **audit** has a time of its own, and nobody needs it.

References, jobs, the bots' own state and what the local channel showed are kept.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import NamedTuple, Protocol


class Old(Enum):
    """What is forgotten, in this order."""

    #: Whole months of deliveries, where history is kept by months.
    MONTHS = "months"
    DELIVERIES = "deliveries"
    SENDS = "sends"
    NOTIFICATIONS = "notifications"
    QUESTIONS = "questions"
    ANSWERS = "answers"
    COUNTS = "counts"
    AUDIT = "audit"
    OCCURRENCES = "occurrences"
    SCHEDULES = "schedules"
    EVENTS = "events"
    WATCHES = "watches"


class Forgotten(NamedTuple):
    """What one step has done.

    Attributes:
        dropped: how many there were; of months, how many of these.
        after: where the next step goes on; None when there is no more to look at.
    """

    dropped: int
    after: str | None


class RetentionStore(Protocol):
    """Forgetting what nobody will ask for again; the module says by which rule."""

    async def make_months(self, now: datetime) -> None:
        """Make room ahead for what ends in this month and the next two.

        Only where history is kept by months. It is done when a store is opened as well.
        """

    async def forget(
        self, what: Old, before: datetime, *, after: str = "", limit: int = 500
    ) -> Forgotten | None:
        """One step of forgetting *what* ended before a time, oldest first.

        Where history is kept by months a month goes as a whole, which takes no time, once
        everything in it may go: that is up to a month later. What is left over of a month because
        something in it is needed goes in steps another month later.

        Args:
            what: of which kind.
            before: when it ended, was accepted or happened.
            after: where the last step ended.
            limit: about so many rows at most, so that the writer is not held for long.

        Returns:
            None when another process forgets something at this moment.
        """
