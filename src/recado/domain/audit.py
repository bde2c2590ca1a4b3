"""The audit: what has become of references, and who or what said so.

One entry a change, not one a delivery, so that it can be read years later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from recado.domain.reference import Health


class AuditKind(StrEnum):
    """What an entry is about."""

    HEALTH = "health"
    SERVICE_URL = "service_url"
    MADE = "made"
    CONSENT = "consent"
    ERASED = "erased"


class Teller(StrEnum):
    """Where a change was learned from."""

    ACTIVITY = "activity"  # something came in from the conversation
    DELIVERY = "delivery"  # the channel answered a delivery
    PROBE = "probe"  # the channel answered a question nobody sees
    OFFER = "offer"  # another conversation of the same tenant showed a newer service URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """An entry to be written: what it is about, and its facts as JSON."""

    kind: AuditKind
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What was written."""

    #: Increases in the order entries were committed.
    number: int
    at: datetime
    kind: str
    bot: str
    #: The reference it is about, if it is about one.
    reference_id: str | None
    detail: Mapping[str, Any] = field(default_factory=dict)


def health_note(
    before: Health,
    after: Health,
    *,
    reason: str | None,
    by: Teller,
    service_url: str | None = None,
) -> Note:
    """A conversation's health has changed.

    Args:
        before: what it was.
        after: what it is.
        reason: the evidence: the channel's error code, or what happened.
        by: where it was learned.
        service_url: the one that proved right, when two had been tried in turn.
    """
    told = {"before": str(before), "after": str(after), "reason": reason, "by": str(by)}
    if service_url is not None:
        told["service_url"] = service_url
    return Note(kind=AuditKind.HEALTH, detail=told)


def service_url_note(before: str, after: str, *, reason: str | None, by: Teller) -> Note:
    """Another service URL is used from now on."""
    told = {"before": before, "after": after, "reason": reason, "by": str(by)}
    return Note(kind=AuditKind.SERVICE_URL, detail=told)


def made_note(conversation_id: str, *, again: bool) -> Note:
    """The channel has made a private conversation, or told which one it is.

    Args:
        conversation_id: its id.
        again: whether it had been made before and was not found any more.
    """
    return Note(kind=AuditKind.MADE, detail={"conversation_id": conversation_id, "again": again})
