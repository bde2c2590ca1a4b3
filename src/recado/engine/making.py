"""Making: private conversations before anything is said in them, and threads by saying it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from recado.channel.calls import (
    CallFailed,
    CreatedConversation,
    Endpoint,
    create_conversation,
    create_thread,
)
from recado.channel.port import Channel
from recado.domain.making import Made, channel_of_thread
from recado.domain.policy import Answer
from recado.engine.body import body_of
from recado.store.port import Claim

#: Of a message's address: what a conversation that begins with it does not have yet.
_NOT_YET: Final = ("conversation", "recipient", "channelId")


@dataclass(frozen=True, slots=True)
class Making:
    """What the channel said when it was asked for a conversation.

    Attributes:
        answer: its answer, with the id of the message a thread began with.
        made: the conversation; None if there is none, or its id was not told.
    """

    answer: Answer
    made: Made | None


def makes(claim: Claim) -> bool:
    """Whether a delivery asks for a conversation, instead of saying something in one."""
    return claim.unmade or claim.opens_thread


async def make(channel: Channel, claim: Claim) -> Making:
    """Make the conversation of a delivery.

    Args:
        channel: carries the request.
        claim: a delivery that :func:`makes` one.

    Raises:
        ValueError: what is stored of it cannot be read.
    """
    at = Endpoint(bot=claim.bot, channel=claim.channel, service_url=claim.service_url)
    address: dict[str, Any] = json.loads(claim.address)
    tenant = claim.tenant or None
    if claim.unmade:
        user_id = str(address["recipient"]["id"])
        bot = address.get("from")
        found = await create_conversation(
            channel, at, user_id=user_id, tenant_id=tenant, bot=_account(bot)
        )
        return _private(found)
    activity: dict[str, Any] = json.loads(body_of(claim))
    said = {name: value for name, value in activity.items() if name not in _NOT_YET}
    begun = await create_thread(
        channel,
        at,
        channel_id=claim.pace_key,
        activity=said,
        tenant_id=tenant,
        bot=_account(address.get("from")),
    )
    return _thread(begun)


def _account(bot: Any) -> dict[str, Any] | None:
    """The bot as it is known there; a name of our own would be none of its accounts."""
    return bot if isinstance(bot, dict) and str(bot.get("id", "")).startswith("28:") else None


def _private(found: CreatedConversation | CallFailed) -> Making:
    if isinstance(found, CallFailed):
        told = found.reason or found.answer.message
        return Making(replace(found.answer, activity_id=None, message=told), None)
    made = Made(conversation_id=found.id, service_url=found.service_url)
    return Making(Answer(status=200), made)


def _thread(begun: CreatedConversation | CallFailed) -> Making:
    if isinstance(begun, CallFailed):
        # It may well have been posted: then the receipt has no id.
        return Making(replace(begun.answer, activity_id=None), None)
    root = begun.activity_id
    made = None
    if channel_of_thread(begun.id) is not None:
        made = Made(conversation_id=begun.id, service_url=begun.service_url, thread=True)
        root = root or begun.id.rpartition("=")[2]
    return Making(Answer(status=201, activity_id=root), made)
