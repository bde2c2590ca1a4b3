"""References: how a conversation is reached, and who is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

#: The bot name under which references are kept when no app id is configured (local testing).
LOCAL_BOT = "local"


#: Roles of accounts that are not people. What channels add to a person's role ("guest", "owner")
#: is theirs to invent, so everything else is a person.
NOT_PEOPLE = frozenset(
    {"bot", "agent", "skill", "channel", "connectoruser", "agenticappinstance", "agenticuser"}
)

#: Channels whose service knows a person's directory id and e-mail. On others (Direct Line, Web
#: Chat) whoever writes can put there what they like, and could be sent another person's messages.
VOUCHING_CHANNELS = frozenset({"msteams", "outlook", "agents", "m365extensions", "email"})


def base_channel(channel_id: str) -> str:
    """The channel without its sub-channel: ``msteams:COPILOT`` is ``msteams``."""
    return channel_id.partition(":")[0]


def pace_key(conversation_id: str) -> str:
    """What a channel's rate window counts: on Teams, the conversation before ``;messageid=``.

    Threads of one Teams channel are conversations of their own but share the channel's windows
    (protocol §4.1). Elsewhere no id contains the marker, so the conversation is its own key.
    """
    return conversation_id.partition(";messageid=")[0]


def fold_email(email: str) -> str:
    """An e-mail address as it is compared: databases know the case of ASCII only."""
    return email.casefold()


class Health(StrEnum):
    """Whether a conversation can be spoken in."""

    ACTIVE = "active"
    SUSPECT = "suspect"  # a 404 that may heal; still tried
    BLOCKED = "blocked"  # the person blocked the bot
    UNINSTALLED = "uninstalled"  # the bot was removed from the conversation
    POLICY = "policy"  # an administrator disabled the bot
    GONE = "gone"  # the conversation is not found, repeatedly

    @property
    def reachable(self) -> bool:
        """Whether deliveries to the conversation are attempted."""
        return self in (Health.ACTIVE, Health.SUSPECT)


class Presence(StrEnum):
    """What a sighting says about the bot's own presence in the conversation."""

    HERE = "here"
    LEFT = "left"
    ENDED = "ended"  # the channel ended the conversation; the user may return to it
    KEPT = "kept"  # it was heard once, by a program that kept the reference
    UNHEARD = "unheard"  # the bot knows of it; whether it was ever heard is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationKey:
    """The identity of a conversation. The id is opaque, compared whole and never shortened."""

    bot: str
    channel: str
    conversation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in a conversation. The bot itself and non-persons are never members."""

    user_id: str
    name: str | None = None
    aad_object_id: str | None = None
    email: str | None = None
    last_seen: datetime | None = None

    def account(self) -> dict[str, Any]:
        """The ChannelAccount of the person, as the protocol writes it."""
        account: dict[str, Any] = {"id": self.user_id}
        if self.name:
            account["name"] = self.name
        if self.aad_object_id:
            account["aadObjectId"] = self.aad_object_id
        return account


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one inbound activity tells about the conversation it came from.

    Or what somebody else's reference tells. Fields it does not carry are None (or empty); they
    never clear what is known.
    """

    key: ConversationKey
    service_url: str
    at: datetime
    tenant_id: str | None = None
    conversation_type: str | None = None
    is_group: bool | None = None
    name: str | None = None
    locale: str | None = None
    timezone: str | None = None
    #: The bot's ChannelAccount in this conversation.
    agent: Mapping[str, Any] | None = None
    #: People the activity shows to be in the conversation; the speaker first.
    members: tuple[Member, ...] = ()
    #: Channel user ids of people the activity shows to have left.
    departed: tuple[str, ...] = ()
    presence: Presence = Presence.HERE
    #: The ConversationReference as JSON, unknown fields included.
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A conversation Recado can speak in."""

    #: Increases in the order references were first committed; pages and audiences are cut by it.
    number: int
    id: str
    key: ConversationKey
    service_url: str
    first_seen: datetime
    last_seen: datetime
    tenant_id: str | None = None
    conversation_type: str | None = None
    is_group: bool = False
    name: str | None = None
    locale: str | None = None
    timezone: str | None = None
    agent: Mapping[str, Any] | None = None
    health: Health = Health.ACTIVE
    health_reason: str | None = None
    #: Since when it has that health; None if it was so before that was written down.
    health_since: datetime | None = None
    members: tuple[Member, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)
    #: Whether an activity has come from it. One that was made from here, for somebody who was
    #: named, is in no broadcast before.
    heard: bool = True
    #: Whether its conversation has to be made before anything can be said in it.
    unmade: bool = False
    #: Whether its person wants to be told there, rather than in other chats of theirs.
    preferred: bool = False

    @property
    def private(self) -> bool:
        """Whether this is a chat between the bot and one person."""
        return not self.is_group and self.conversation_type in (None, "personal")

    @property
    def pace_key(self) -> str:
        return pace_key(self.key.conversation_id)

    def conversation(self) -> dict[str, Any]:
        """The ConversationAccount, as the protocol writes it."""
        account: dict[str, Any] = {"id": self.key.conversation_id}
        if self.is_group:
            account["isGroup"] = True
        if self.conversation_type:
            account["conversationType"] = self.conversation_type
        if self.tenant_id:
            account["tenantId"] = self.tenant_id
        if self.name:
            account["name"] = self.name
        return account

    def recipient(self, user: Mapping[str, Any] | None) -> dict[str, Any]:
        """Whom a proactive activity is addressed to.

        The delivery's own user if it has one; the person of a private chat; otherwise the
        conversation itself, because in a group nobody in particular is meant. Channels accept
        this, and some do not show an activity without a recipient (protocol §10).
        """
        if user is not None:
            return dict(user)
        if self.private and len(self.members) == 1:
            return self.members[0].account()
        return {"id": self.key.conversation_id}

    def address(self) -> dict[str, Any]:
        """What is merged into content that goes to the conversation.

        ``from``, ``recipient`` and ``conversation`` are always sent: without them some channels
        refuse the activity or do not show it (protocol §10). Of the members only those of a
        private chat matter, and of those the first two.
        """
        return {
            "channelId": self.key.channel,
            "from": dict(self.agent) if self.agent else {"id": self.key.bot, "role": "bot"},
            "recipient": self.recipient(None),
            "conversation": self.conversation(),
        }
