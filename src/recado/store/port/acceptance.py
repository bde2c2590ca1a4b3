"""Notifications, and the deliveries they become."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from recado.domain.notification import Notification
from recado.domain.reference import Reference
from recado.store.port.values import (
    Accepted,
)


class AcceptanceStore(Protocol):
    """Notifications, and the deliveries they become."""

    async def accept(self, notification: Notification, lanes: Sequence[Reference]) -> Accepted:
        """Commit a notification.

        Its deliveries are made at once, one for each reference of *lanes* in order. Only when
        its audience is every conversation, *lanes* are empty: then it goes to all of its bot's
        known at this moment, and :meth:`expand` makes the deliveries. Deliveries due now are
        ``pending``, later ones ``scheduled``; to an unreachable conversation ``held``; to the
        conversation of the turn it was made in ``held``, ``busy``, until :meth:`release_turn`
        or for a minute. A collapse key supersedes the unsent deliveries with the same key in
        the same conversation, of older notifications only: a broadcast that reaches a
        conversation after a newer version did is itself superseded there. Where something was
        accepted for the same once-key less than its period before, a delivery is ``suppressed``,
        ``duplicate``.

        An update or a recall (``action``) has a ``target`` and no *lanes*. It is one row too, and
        :meth:`expand` makes its deliveries, one for each copy of its original: in the copy's
        lane, to be sent when the copy has an outcome. A copy that has not left ends instead, and
        an update is sent in its place: when the copy was due, and in its order. The first few
        copies are looked at here. Recipients that a broadcast has not been expanded to get the
        update instead of the original, or nothing after a recall. A change of a change is one of
        its original, and ends what an earlier one has not sent. A second recall is the first
        one, ``replayed``.

        Raises:
            InvalidAudience: there are no *lanes* and the audience is not every conversation.
            IdempotencyConflict: the key was used for a different request. The same request
                returns what was accepted then, ``replayed``.
            UnknownNotification: there is no *target* with that id.
            TransitionRefused: an update of what was recalled.
        """

    async def expand(self, now: datetime, limit: int) -> int:
        """Take up to *limit* steps of broadcasts and changes not fully expanded, oldest first.

        What was accepted in a transaction of somebody else's, where its deliveries are
        ``scheduled``, ``enqueued``, is taken up here too: from then on it is as if it had been
        accepted now.

        Returns:
            How many recipients and copies were looked at; 0 when nothing is left to expand.
        """
