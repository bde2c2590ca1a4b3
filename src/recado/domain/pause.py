"""Pauses: what stops, until when, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PauseKind(StrEnum):
    """What a pause stops."""

    ALL = "all"  # everything, until a person resumes it
    BOT = "bot"  # one bot, until a person resumes it
    CONVERSATION = "conversation"  # one conversation, until a person resumes it
    NOTIFICATION = "notification"  # one notification, until a person resumes it
    CREDENTIAL = "credential"  # one bot, while its credential is refused
    SERVICE_URL = "service_url"  # one service URL, while its service does not work
    TENANT = "tenant"  # one bot in one tenant, as the channel asked
    PACE_KEY = "pace_key"  # one conversation, as the channel asked


#: What people pause, and nobody else resumes.
BY_PEOPLE = frozenset(
    {PauseKind.ALL, PauseKind.BOT, PauseKind.CONVERSATION, PauseKind.NOTIFICATION}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Something that does not go out, and why.

    Fields that its kind does not need are empty.
    """

    kind: PauseKind
    reason: str
    since: datetime
    #: None until somebody resumes.
    until: datetime | None = None
    bot: str = ""
    channel: str = ""
    tenant: str = ""
    #: The id of the reference or notification, the service URL, or the pace key.
    name: str = ""
    #: Who paused it, if it was a person and is known.
    by: str | None = None

    @property
    def what(self) -> tuple[PauseKind, str, str, str, str]:
        """What it stops: another pause of the same replaces it."""
        return (self.kind, self.bot, self.channel, self.tenant, self.name)

    @property
    def of(self) -> str:
        """The name of what it stops."""
        return self.name or self.tenant or self.bot

    def active(self, now: datetime) -> bool:
        """Whether it still stops anything."""
        return self.until is None or now < self.until

    def stops(self, *, bot: str, channel: str, tenant: str, service_url: str) -> bool:
        """Whether nothing goes this way while it lasts."""
        match self.kind:
            case PauseKind.ALL:
                return True
            case PauseKind.BOT | PauseKind.CREDENTIAL:
                return self.bot == bot
            case PauseKind.SERVICE_URL:
                return self.name == service_url
            case PauseKind.TENANT:
                return (self.bot, self.channel, self.tenant) == (bot, channel, tenant)
            case PauseKind.PACE_KEY | PauseKind.CONVERSATION | PauseKind.NOTIFICATION:
                return False  # they stop lanes or deliveries, not the route
