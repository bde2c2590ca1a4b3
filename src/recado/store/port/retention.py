"""Forgetting what nobody will ask for again.

The rule: what has ended is kept for a time, and longer for as long as what has not ended needs it.

- A **delivery**, with its attempts and recorded sends, goes when it ended before that time, unless
  a change of it, or of the message it followed, has not left; a change of its notification is
  still looking for what it has to change; or an older version of it (one with the same collapse
  key) is still being expanded, which ends wherever this one was sent.
- A **notification**, with its changes, their idempotency keys and pauses, goes when it and all of
  them were accepted before that time, have been made into deliveries, and no delivery of any of
  them is left. So a key is answered for at least as long as something accepted under it lives.
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
    AUDIT = "audit"


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
