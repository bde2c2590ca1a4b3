"""The local channel: our own Direct Line endpoint, so bot and people need no cloud.

Bots reach people through :class:`LocalChannel`, people reach bots through :class:`DirectLine`;
between them lies one :class:`History` in the store.
"""

from recado.channel.local.broadcast import Broadcast
from recado.channel.local.channel import LocalChannel
from recado.channel.local.directline import BotAnswer, DirectLine, Grant, ToBot
from recado.channel.local.history import (
    AGENT,
    CHANNEL,
    LOCAL_SERVICE_URL,
    ActivitySet,
    History,
    HistoryStore,
    new_conversation_id,
)
from recado.channel.local.parsing import parse_object
from recado.channel.local.refusal import Refusal, conversation_not_found
from recado.channel.local.tokens import Claims, Tokens

__all__ = [
    "AGENT",
    "CHANNEL",
    "LOCAL_SERVICE_URL",
    "ActivitySet",
    "BotAnswer",
    "Broadcast",
    "Claims",
    "DirectLine",
    "Grant",
    "History",
    "HistoryStore",
    "LocalChannel",
    "Refusal",
    "ToBot",
    "Tokens",
    "conversation_not_found",
    "new_conversation_id",
    "parse_object",
]
