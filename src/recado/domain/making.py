"""Conversations made from here, for people and threads no activity has come from.

A private chat that is to be made has a reference from the moment somebody is named, and with it a
lane: so what is said to them is accepted while the channel is down, and one request at a time
makes their conversation, whichever process sends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from recado.domain.reference import ConversationKey, Member, Reference, base_channel, pace_key

#: Stands before a person's id where a conversation has none yet. No channel's ids begin with it.
_TO_BE_MADE: Final = "to-be-made:"
#: Divides a Teams channel's id from that of the first message of a thread (protocol §7.3).
_THREAD: Final = ";messageid="

#: Channels documented to make private conversations, and to make them once (protocol §2.3).
MAKING_CHANNELS: Final = frozenset({"msteams"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A private conversation that is to be made once something is said in it.

    Attributes:
        bot: the bot's name.
        channel: the base channel.
        service_url: where it is to be made.
        member: with whom; the channel user id is asked for.
        tenant_id: the person's tenant.
        agent: the bot's ChannelAccount there, where it is known.
    """

    bot: str
    channel: str
    service_url: str
    member: Member
    tenant_id: str | None = None
    agent: Mapping[str, Any] | None = None

    @property
    def key(self) -> ConversationKey:
        """What stands for the conversation's identity until it has one."""
        return key_to_be_made(self.bot, self.channel, self.member.user_id)


def key_to_be_made(bot: str, channel: str, user_id: str) -> ConversationKey:
    """What stands for the conversation with a person until it is made."""
    return ConversationKey(bot=bot, channel=channel, conversation_id=_TO_BE_MADE + user_id)


def never_made(conversation_id: str) -> bool:
    """Whether an id only stands for a conversation that was not made yet."""
    return conversation_id.startswith(_TO_BE_MADE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A conversation the channel has made, or had.

    Attributes:
        conversation_id: its id.
        service_url: where it is reached.
        thread: whether it is a thread that was begun with a message, in the channel that the
            delivery went to.
    """

    conversation_id: str
    service_url: str
    thread: bool = False


def wish_from(
    known: Reference, member: Member, tenant_id: str | None, service_url: str | None = None
) -> Wish:
    """The wish to speak in private to somebody from a conversation that is known."""
    return Wish(
        bot=known.key.bot,
        channel=known.key.channel,
        service_url=service_url or known.service_url,
        member=member,
        tenant_id=tenant_id or known.tenant_id,
        agent=known.agent,
    )


def channel_of_thread(conversation_id: str) -> str | None:
    """The channel a conversation id names a thread of; None if it names no thread.

    The number of a thread's first message is made of digits and is not 0 (protocol §7.4).
    """
    channel, _, root = conversation_id.partition(_THREAD)
    is_root = root.isascii() and root.isdigit() and root.strip("0") != ""
    return channel if channel and is_root else None


def has_threads(known: Reference) -> bool:
    """Whether threads can be begun where *known* is: in channels of Teams."""
    teams = base_channel(known.key.channel) == "msteams"
    typed = known.conversation_type == "channel" or (
        known.conversation_type is None and "@thread.tacv2" in pace_key(known.key.conversation_id)
    )
    return teams and typed
