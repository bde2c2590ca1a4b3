"""What answers teach about a conversation: its health, and whether it is asked at the right place.

A service URL can move (protocol §1.4). When one conversation of a tenant shows a newer one, the
others of that tenant and channel are *offered* it: whoever cannot be reached where it was is
tried there. Until one of the two has proved right, attempts take turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from recado.domain.audit import Teller
from recado.domain.reference import Health

#: The reason of a conversation its channel has ended: it is over until the user returns
#: (protocol §1.6).
ENDED: Final = "ended"

#: Reasons for being gone that another service URL does not mend.
_NOT_MISDIRECTED: Final = frozenset({ENDED, "conversation_id_not_decrypted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one answer, or none, says about a conversation."""

    by: Teller
    #: Where it was asked.
    service_url: str
    #: When the question began; what the conversation said since is newer.
    asked_at: datetime
    answered_at: datetime
    #: Its health; None if that was not learned.
    health: Health | None = None
    #: The evidence in a word: the channel's error code, or what happened.
    reason: str | None = None
    #: The service URL the channel itself pointed to (``InvalidBotApiHost``).
    elsewhere: str | None = None
    #: The service URL may be one that has moved.
    misdirected: bool = False

    @property
    def telling(self) -> bool:
        """Whether it says anything at all."""
        return self.health is not None or self.elsewhere is not None or self.misdirected


def misdirected(status: int | None, code: str | None, reason: str | None) -> bool:
    """Whether an answer may mean that the conversation is elsewhere.

    Args:
        status: of the answer; None when there was none.
        code: in the channel's body.
        reason: of the verdict; ``not_sent`` when no connection could be made.
    """
    if status in (404, 410):
        # Not the conversation is missing but one activity in it.
        return code != "ActivityNotFoundInConversation"
    return code == "InvalidBotApiHost" or (status is None and reason == "not_sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The newest service URL seen in a tenant of a channel."""

    service_url: str
    #: When it was seen first.
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """Where a conversation is spoken to, as it is stored."""

    service_url: str
    #: The one used before, while neither has proved right.
    former_url: str | None
    last_seen: datetime
    health: Health = Health.ACTIVE
    health_reason: str | None = None

    @property
    def strayed(self) -> bool:
        """Whether the conversation is gone for a reason another service URL might mend."""
        return self.health is Health.GONE and self.health_reason not in _NOT_MISDIRECTED


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another service URL to try.

    Attributes:
        service_url: the one to use next.
        former_url: the one used so far.
        offered: whether it is new to this conversation; else it is the other one's turn again.
    """

    service_url: str
    former_url: str
    offered: bool


def redirect(direction: Direction, offer: Offer | None) -> Redirect | None:
    """Where to try next a conversation that was not found where it was; None: there again.

    Args:
        direction: where it was tried.
        offer: of its tenant and channel, if there is one.
    """
    if (
        offer is not None
        # A conversation seen later than that has told its own service URL.
        and direction.last_seen < offer.seen_at
        and offer.service_url not in (direction.service_url, direction.former_url)
    ):
        return Redirect(offer.service_url, direction.service_url, offered=True)
    if direction.former_url is not None:
        return Redirect(direction.former_url, direction.service_url, offered=False)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCount:
    """How many conversations of a channel are in one state of health."""

    channel: str
    health: Health
    many: int
    #: Why the one that came to it last did, and when.
    reason: str | None = None
    since: datetime | None = None
