"""What people have allowed and refused."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import Enum
from typing import NamedTuple, Protocol

from recado.domain.consent import ConsentRecord, Identity, Standing, Subject
from recado.domain.reference import Reference
from recado.store.port.values import Page


class Delivered(NamedTuple):
    """What was delivered in a conversation, and whom it was for."""

    delivery_id: str
    notification_id: str
    at: datetime
    category: str | None
    #: The audience in its short forms.
    audience: tuple[str, ...]
    handler: str | None
    #: The activity as JSON; None if a handler decided.
    content: str | None
    asked_at: datetime | None


class TakenIn(Enum):
    """What has become of a record of a list."""

    NEW = "new"
    #: It was recorded before, or holds already.
    KNOWN = "known"
    #: It does not say when it was said, and its person has refused.
    REFUSED = "refused"


class ConsentStore(Protocol):
    """What people have allowed and refused.

    A person is known by channel user ids, directory object ids and e-mail addresses. Names are the
    same person's where a private conversation has a member of both, and what is recorded under one
    of them holds for all. A channel's user id is one on that channel only, unless it was recorded
    without saying which channel's it is.

    What holds is decided when a delivery is claimed: a record that was committed before holds for
    it, in whichever process either happens.
    """

    async def record_consent(
        self, records: Sequence[ConsentRecord], now: datetime, *, audited: bool = True
    ) -> list[bool]:
        """Add records, in whichever order they were said: the newest one holds.

        What waited for a silence that is over now, or shorter, is looked at again.

        Args:
            records: with ids that nobody else gets.
            now: the present instant.
            audited: whether the audit is told of each.

        Returns:
            For each whether it is new; what was recorded already is not recorded again.
        """

    async def take_in_consent(
        self, records: Sequence[ConsentRecord], undated: Collection[str], now: datetime
    ) -> list[TakenIn]:
        """Add records of a list, which may be taken in more than once.

        Args:
            records: with ids that nobody else gets.
            undated: the ids of those of which it is not known when they were said. Such a one
                changes nothing where the same holds already, and ends no refusal.
            now: the present instant.
        """

    async def consent(self, bot: str, subject: Subject, now: datetime) -> Standing:
        """What holds for somebody now."""

    async def consents(
        self, bot: str, subject: Subject, *, after: str | None = None, limit: int = 100
    ) -> Page[ConsentRecord]:
        """What was recorded of somebody under any of their names, newest first.

        Raises:
            InvalidInput: *after* is not from a page of this listing.
        """

    async def has_agreed(
        self, bot: str, name: str, category: str | None, *, also: Sequence[Identity] = ()
    ) -> bool:
        """Whether somebody has agreed to be spoken to, and that holds.

        Args:
            bot: by whom.
            name: one of their names.
            category: of which kind the message is.
            also: others of their names.
        """

    async def expect(self, bot: str, name: str) -> Reference:
        """The reference that stands for a person no conversation is known with, the same each time.

        What is accepted for it is held ``no_reference`` until a private conversation comes to be
        known whose member is that person. Then it enters the lane of that one, in its order.
        """

    async def categories(self, bot: str) -> list[str]:
        """The categories of the notifications there are, in order."""

    async def last_delivered(self, reference: Reference) -> Delivered | None:
        """What was said last in a conversation, replies left out."""
