"""Everything that is kept about one person: shown to them, or taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from recado.domain.consent import Identity, Subject

#: Rows by the names of their tables, without ``recado_``; each as in :class:`RecordKind`.
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


class About(NamedTuple):
    """A portion of what is kept about somebody.

    Attributes:
        names: every name they are known by.
        rows: the portion.
        after: where to go on; None at the end.
    """

    names: Sequence[Identity]
    rows: Rows
    after: str | None


class Erased(NamedTuple):
    """What one step of an erasure has done.

    Attributes:
        rows: how many were removed, or had what is about the person taken out of them.
        sending: deliveries to them that are being sent at this moment, which is not interrupted.
        after: where to go on; None at the end.
    """

    rows: int
    sending: int
    after: str | None


class PrivacyStore(Protocol):
    """Everything that is kept about one person.

    That is what has one of their names in it: what is in their private conversations, what is for
    them alone or about them in groups, and what they have set, asked for or allowed. What a bot
    keeps under keys of its own choice, and what texts to others say about them, is not.
    """

    async def about(self, bot: str, subject: Subject, *, after: str | None, limit: int) -> About:
        """A portion of everything, about *limit* rows read."""

    async def erase(
        self, bot: str, subject: Subject, now: datetime, *, after: str | None, limit: int
    ) -> Erased:
        """One step of taking everything away, about *limit* rows read or written.

        What was said stays as a number: a delivery of which nobody can tell to whom it was, or
        what it said. What has not left is cancelled. If they had opted out, a salted hash of each
        of their names is kept, by which that holds again for whoever comes under it.

        By which names they are known is forgotten in the last step, so that an erasure that was
        interrupted can be begun again; and one that has ended finds nothing.
        """
