"""Rosters, and conversations that have to be made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from recado.domain.making import Wish
from recado.domain.reference import Reference
from recado.domain.roster import Reading, RosterMember
from recado.store.port.values import (
    Page,
)


class PeopleStore(Protocol):
    """Rosters, and conversations that have to be made."""

    async def wish(self, wanted: Wish) -> Reference:
        """A reference for a private conversation that is to be made, the same for each wish.

        It is ``unmade``, and not ``heard``, which keeps it out of broadcasts. What is accepted
        for it makes the conversation first (:attr:`Claim.unmade`); settled with
        :attr:`Settlement.made` it has its id, or, when that is another reference's, what waits
        in its lane goes on there. An activity from a private conversation with its person moves
        what waits to that conversation, too.
        """

    async def thread(self, channel: Reference, conversation_id: str) -> Reference:
        """The reference of a thread, or of its channel, derived from one known of that channel.

        A new one is not ``heard``.
        """

    async def find_channel(self, bot: str, channel_id: str) -> Reference | None:
        """What is known of a channel that has threads: itself, or else the thread seen last."""

    async def keep_roster(  # noqa: PLR0913 - a page, and where it stands
        self,
        reference_id: str,
        members: Sequence[RosterMember],
        *,
        began_at: datetime,
        now: datetime,
        continuation: str | None,
        listed: int,
    ) -> None:
        """Keep a page of a conversation's roster, and where to go on.

        Args:
            reference_id: the conversation; nothing is kept for one that is not known.
            members: who is on the page.
            began_at: when the reading began. After the last page those not listed since have
                left.
            now: when the page came.
            continuation: what the next page is asked with; None after the last one.
            listed: how many people have been read by now.
        """

    async def roster_reading(self, reference_id: str) -> Reading | None:
        """How far the roster of a conversation was read, if that has not come to its end."""

    async def roster(
        self, reference_id: str, *, after: str | None = None, limit: int = 500
    ) -> Page[RosterMember]:
        """Who is on the roster of a conversation, by channel user id."""

    async def find_listed(self, bot: str, name: str) -> tuple[RosterMember, Reference] | None:
        """Somebody on a roster, and the conversation whose it is; where they were listed last.

        Args:
            bot: whose rosters.
            name: channel user id, directory object id, e-mail or user principal name (the latter
                two compared without case).
        """
