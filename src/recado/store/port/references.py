"""What is known of conversations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from recado.domain.audit import AuditEntry
from recado.domain.health import Finding, HealthCount
from recado.domain.reference import ConversationKey, Health, Reference, Sighting
from recado.store.port.values import (
    Captured,
    Page,
)


class ReferenceStore(Protocol):
    """What is known of conversations."""

    async def capture(self, sightings: Sequence[Sighting]) -> list[Captured]:
        """Store what inbound activities tell about their conversations.

        A reference is made for a new key. A known one is refreshed: fields a sighting carries
        replace what is stored unless the stored reference was seen later; fields it lacks stay.
        A sighting older than what is stored fills gaps and overwrites nothing, health included.
        Members are added or refreshed; departed ones are removed, unless they were seen later.
        ``presence`` HERE makes the conversation active and releases its deliveries held
        ``unreachable`` to the end of its lane; LEFT makes it ``uninstalled`` and ENDED ``gone``
        until somebody is HERE again, and holds what stands in its lane, but for what is being
        sent. KEPT tells no more than that it was heard once: it fills gaps, whenever it is said
        to have been. UNHEARD leaves a known conversation as it is, and a new one is not
        ``heard``. A service URL that is new to the conversation's tenant and channel is offered
        to its others. Every change of a known conversation's health or service URL is audited.

        Returns:
            One result per sighting, in order.
        """

    def touch(self, sighting: Sighting) -> None:
        """Do what :meth:`capture` does for a known conversation, within a second.

        Nobody waits for it, and it is lost in a crash before that.
        """

    async def reference(self, reference_id: str) -> Reference | None:
        """The reference with that id, members included."""

    async def references_by_ids(self, reference_ids: Sequence[str]) -> Sequence[Reference]:
        """Those of them that there are, in any order."""

    async def reference_by_key(self, key: ConversationKey) -> Reference | None:
        """The reference with that identity, members included."""

    async def references(  # noqa: PLR0913 - one parameter a filter
        self,
        *,
        bot: str | None = None,
        channel: str | None = None,
        tenant: str | None = None,
        health: Collection[Health] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Reference]:
        """References in the order they were first seen, members included.

        Args:
            bot: whose; None or empty does not filter, here and below.
            channel: base channel.
            tenant: directory tenant.
            health: any of these.
            after: the page before's ``next``.
            limit: how many at most.

        Raises:
            InvalidInput: *after* is not from a page of this listing.
        """

    async def learn(self, reference_id: str, finding: Finding) -> None:
        """Take in what an answer said about a conversation, as :meth:`cycle` does in settling.

        What the conversation said since the question was asked is newer: then its health stays.
        An unreachable one becomes reachable, or the other way round, with its deliveries. One
        that was not found where it was asked is tried next at the service URL offered to it, if
        there is one it has not told or had itself; with that it is ``suspect`` instead of
        ``gone``, and until one of the two has proved right, attempts take turns.
        """

    async def try_offers(self, now: datetime, limit: int) -> int:
        """Have conversations that are ``gone`` tried at newer service URLs of their tenants.

        Up to *limit* are looked at. Those that are switched become ``suspect``, and what was
        held for them enters their lanes. Where the channel ended the conversation nothing is
        tried.

        Returns:
            How many were switched. When there is no newer service URL it costs one look-up.
        """

    async def health_report(self, bot: str) -> list[HealthCount]:
        """How many of *bot*'s conversations are in which health, per channel.

        With the newest reason for each.
        """

    async def audit(
        self,
        *,
        bot: str | None = None,
        reference_id: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[AuditEntry]:
        """What has become of references, newest first: of one, of a bot's, or of all.

        Raises:
            InvalidInput: *after* is not from a page of this listing.
        """

    async def find_conversation(self, bot: str, conversation_id: str) -> Reference | None:
        """The conversation with that channel id, on whichever channel.

        The one seen last, if there are several.
        """

    async def find_references(self, bot: str, name: str) -> list[Reference]:
        """References of the conversations a person is a member of.

        Args:
            bot: whose references.
            name: channel user id, directory object id, or e-mail (compared without case).

        Returns:
            Private chats first, then by last seen, latest first.
        """
