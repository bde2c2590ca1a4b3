"""People who have agreed to be spoken to and whom no conversation is known with yet.

A reference stands for each who is named, so that what is said to them is accepted and kept in its
order. It is nowhere: it has no channel and no service URL. When a private conversation with that
person comes to be known, what waited goes there.
"""

from __future__ import annotations

from typing import Final

from recado.domain.reference import ConversationKey

#: Stands before a person's name where nothing is known of a conversation with them. No channel's
#: ids begin with it.
EXPECTED: Final = "expected:"
#: The channel of such a reference, and why nobody can be reached there.
NOWHERE: Final = ""
AWAITED: Final = "expected"


def expected_key(bot: str, name: str) -> ConversationKey:
    """What stands for the conversation with a person until one is known."""
    return ConversationKey(bot=bot, channel=NOWHERE, conversation_id=EXPECTED + name)


def is_expected(key: ConversationKey) -> bool:
    """Whether a conversation is none that is known."""
    return key.channel == NOWHERE and key.conversation_id.startswith(EXPECTED)


def expected_name(key: ConversationKey) -> str:
    """Who is waited for."""
    return key.conversation_id.removeprefix(EXPECTED)
