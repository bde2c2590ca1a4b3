"""Rosters: who is in a team or group, as its channel tells it.

To be on a roster makes nobody reachable by itself: they have not spoken to the bot. Named one by
one they can be spoken to, unless the configuration asks for their consent first; a broadcast never
reaches them (promise 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from recado.domain.reference import Member


class RosterRule(StrEnum):
    """Whether people who are known only from a roster can be named."""

    ALLOW = "allow"
    REQUIRE_OPT_IN = "require_opt_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterMember:
    """Somebody in a roster.

    Attributes:
        member: the person.
        tenant_id: the tenant they are in, which may be another than the team's.
        principal_name: the user principal name, which looks like an e-mail address.
    """

    member: Member
    tenant_id: str | None = None
    principal_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A roster that is being read.

    Attributes:
        began_at: when its first page was asked for.
        continuation: what the next page is asked with.
        listed: how many people have been read.
    """

    began_at: datetime
    continuation: str
    listed: int
