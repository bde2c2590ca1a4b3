"""Words: what a person said to the bot, without the bot's own name."""

from __future__ import annotations

import re
from typing import cast

from microsoft_agents.activity import Activity, ChannelAccount, Mention

#: Up to the next one at most, so that many without an end are not each read to the end of the text.
_MENTION = re.compile(r"<at\b[^<>]*>(?:(?!<at\b).)*?</at>", re.IGNORECASE | re.DOTALL)


def said_to_bot(activity: Activity) -> str:
    """What a person said, as they wrote it but for blanks, without the bot's name in front.

    What is a mention is told by the entities; the ``<at>`` markup is looked at besides because
    some channels leave it in without one.
    """
    text = activity.text or ""
    bot = activity.recipient.id if activity.recipient else None
    for entity in activity.entities or ():
        if isinstance(entity, Mention) and entity.text and _mentioned(entity) == bot:
            text = text.replace(entity.text, " ")
    return " ".join(_MENTION.sub(" ", text).replace("&nbsp;", " ").split())


def words_of(activity: Activity) -> list[str]:
    """The same in lower-case words."""
    return said_to_bot(activity).casefold().split()


def _mentioned(mention: Mention) -> str | None:
    """Whom a mention is of, if it says so."""
    account = cast("ChannelAccount | None", mention.mentioned)
    return None if account is None else account.id
