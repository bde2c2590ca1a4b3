"""Looking at deliveries, and deciding about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from recado.domain.audience import Broadcast
from recado.domain.delivery import (
    Delivery,
)
from recado.domain.notification import Once, Progress
from recado.domain.plan import Place, Survey
from recado.domain.politeness import NO_RULES, Rules
from recado.domain.steering import Cancelled, Retried
from recado.store.port.values import (
    Backlog,
    DeliveryDetail,
    DeliveryFilter,
    NotificationDetail,
    Page,
)


class SteeringStore(Protocol):
    """Looking at deliveries, and deciding about them."""

    async def progress(self, notification_id: str, *, exact: bool = False) -> Progress | None:
        """How far a notification has come.

        Args:
            notification_id: which.
            exact: count anew, even where that takes long; else the answer may be some seconds
                old.
        """

    async def settled(self, notification_id: str) -> bool | None:
        """Whether nothing more happens to a notification by itself; None if there is none.

        Cheap, however many deliveries it has.
        """

    async def notification(self, notification_id: str) -> NotificationDetail | None:
        """A notification as it was accepted, and what people did with it."""

    async def remaining(self, notification_id: str) -> Mapping[Place, int]:
        """Deliveries of a notification that are due or not made yet, by where they go.

        Where counting takes long, the answer may be a few seconds old.
        """

    async def survey(
        self, bot: str, audience: Broadcast, now: datetime, wanted: Once | None = None
    ) -> Survey:
        """Whom a broadcast accepted now would come to.

        Args:
            bot: whose.
            audience: for whom.
            now: the present instant.
            wanted: what is not to be said again, to count where it would be.

        Raises:
            UnknownRecipient: the audience names a conversation that is not known.
        """

    async def duplicates(
        self, bot: str, wanted: Once, now: datetime, numbers: Sequence[int] | None = None
    ) -> int:
        """In how many conversations something said now for a key would be suppressed.

        Args:
            bot: whose.
            wanted: the key and its period.
            now: the present instant.
            numbers: of these references only; None for all.
        """

    async def delivery(self, delivery_id: str, *, rules: Rules = NO_RULES) -> DeliveryDetail | None:
        """A delivery, live or in history, with its attempts.

        Args:
            delivery_id: which.
            rules: by these it is said what would keep it now.
        """

    async def deliveries(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 100
    ) -> Page[Delivery]:
        """Deliveries, live and in history, newest first."""

    async def find(
        self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 500
    ) -> list[str]:
        """Ids of deliveries that can be steered, oldest first: the live, and the rejected.

        Args:
            wanted: which.
            after: the id to go on after.
            limit: how many at most; fewer means that there are no more.
        """

    async def retry(self, delivery_id: str, now: datetime) -> None:
        """Let a ``rejected``, ``unknown``, ``held`` or ``retrying`` delivery enter its lane now.

        Whoever asks knows better: it is tried even in an unreachable conversation.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it is in another state.
        """

    async def retry_many(self, ids: Sequence[str], now: datetime) -> Retried:
        """Do what :meth:`retry` does for those of *ids* that can be retried, in this order.

        Args:
            ids: at most 500.
            now: the present instant.
        """

    async def cancel(self, delivery_id: str, now: datetime, by: str | None = None) -> None:
        """End a delivery that has not left.

        Args:
            delivery_id: which.
            now: the present instant.
            by: who decides it, if known.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it has left, is being sent, or has ended.
        """

    async def cancel_many(
        self, ids: Sequence[str], now: datetime, by: str | None = None
    ) -> Cancelled:
        """End those of *ids* that have not left.

        What may have arrived becomes ``unknown``. What is being sent goes on, and is not tried
        again: what would be retried then ends.

        Args:
            ids: at most 500.
            now: the present instant.
            by: who decides it, if known.
        """

    async def end_expansion(self, notification_id: str, now: datetime) -> None:
        """Cancel a notification as far as its deliveries have not been made: none are made more.

        Raises:
            UnknownNotification: there is none with that id.
        """

    async def notification_of_key(self, bot: str, scope: str, key: str) -> str | None:
        """Id of the notification that was accepted under an idempotency key."""

    async def mark_delivered(self, delivery_id: str, now: datetime, by: str | None = None) -> None:
        """Settle a delivery that is ``unknown``: a person has seen that it arrived.

        Args:
            delivery_id: which.
            now: the present instant.
            by: who has seen it, if known.

        Raises:
            UnknownDelivery: there is none with that id.
            TransitionRefused: it is in another state.
        """

    async def backlog(self) -> Backlog:
        """What waits.

        Where counting takes long, the answer may be a few seconds old.
        """
