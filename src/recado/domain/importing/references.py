"""Between a ConversationReference and what is captured or known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from recado.domain.importing.records import Record, Refused
from recado.domain.reference import (
    LOCAL_BOT,
    NOT_PEOPLE,
    VOUCHING_CHANNELS,
    ConversationKey,
    Member,
    Presence,
    Reference,
    Sighting,
    base_channel,
)
from recado.domain.text import usable

#: When a reference that others have kept was seen: before everything that is known here.
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

_APP_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LONGEST: Final = 2_000


def read_reference(
    record: Record,
    *,
    bot: str,
    check_service_url: Callable[[str], None],
    presence: Presence = Presence.KEPT,
) -> Sighting:
    """What a record tells about its conversation.

    Args:
        record: whatever it was read from.
        bot: whose conversation it has to be.
        check_service_url: raises ForbiddenServiceUrl.
        presence: KEPT if it is known that the conversation was heard.

    Raises:
        Refused: nothing could be sent there, or not by this bot.
        ForbiddenServiceUrl: a token must not be sent there.
    """
    reference = record.reference
    conversation = _account(reference, "conversation")
    agent = _account(reference, "bot")
    channel = _text(reference, "channelId", needed=True)
    conversation_id = _text(conversation, "id", "conversation.", needed=True)
    service_url = _text(reference, "serviceUrl", needed=True)
    key = ConversationKey(bot=bot, channel=base_channel(channel), conversation_id=conversation_id)
    _check_bot(record, agent, key)
    check_service_url(service_url)
    is_group = conversation.get("isGroup")
    if not isinstance(is_group, bool | None):
        raise Refused("its conversation.isGroup is neither true nor false")
    return Sighting(
        key=key,
        service_url=service_url,
        at=NEVER,
        tenant_id=_text(conversation, "tenantId", "conversation.") or None,
        conversation_type=_text(conversation, "conversationType", "conversation.") or None,
        is_group=is_group,
        name=_text(conversation, "name", "conversation.") or None,
        locale=_text(reference, "locale") or None,
        agent=agent if agent.get("id") else None,
        members=tuple(_members(reference, agent, key)),
        presence=presence,
        # What is said later answers no activity.
        raw={name: value for name, value in reference.items() if name != "activityId"},
    )


def write_reference(reference: Reference) -> dict[str, Any]:
    """What is known of a conversation, as the ConversationReference of the protocol."""
    known: dict[str, Any] = {"bot": dict(reference.agent or {"id": reference.key.bot})}
    if reference.private and len(reference.members) == 1:
        known["user"] = reference.members[0].account()
    if reference.locale:
        known["locale"] = reference.locale
    known["channelId"] = reference.key.channel
    told = {**known, **reference.raw}
    kept = told.get("conversation")
    told["conversation"] = {
        **(kept if isinstance(kept, Mapping) else {}),
        **reference.conversation(),
    }
    told["serviceUrl"] = reference.service_url
    return told


def _check_bot(record: Record, agent: Mapping[str, Any], key: ConversationKey) -> None:
    """Refuse conversations of another bot: the channel would not take what this one says there."""
    audience = record.claims.get("aud")
    owners = [audience if isinstance(audience, str) else ""]
    if key.channel == "msteams":
        owners.append(str(agent.get("id", "")).removeprefix("28:"))
    for owner in owners:
        if _APP_ID.fullmatch(owner) and owner.casefold() != key.bot.casefold():
            mine = "this bot has no id" if key.bot == LOCAL_BOT else f"this is bot {key.bot}"
            raise Refused(
                f"it belongs to bot {owner}, and {mine}: set MicrosoftAppId to that bot's"
            )


def _members(
    reference: Mapping[str, Any], agent: Mapping[str, Any], key: ConversationKey
) -> Iterator[Member]:
    user = _account(reference, "user")
    user_id = _text(user, "id", "user.")
    if not user_id.strip() or user_id in (key.conversation_id, agent.get("id"), key.bot):
        return
    if str(user.get("role", "")).casefold() in NOT_PEOPLE:
        return
    if key.channel == "msteams" and user_id.startswith("28:"):
        return
    told = Member(user_id=user_id, name=_text(user, "name", "user.") or None)
    if key.channel in VOUCHING_CHANNELS:
        addresses = (_text(user, each, "user.") for each in ("email", "userPrincipalName"))
        told = Member(
            user_id=user_id,
            name=told.name,
            aad_object_id=_text(user, "aadObjectId", "user.") or None,
            email=next((each for each in addresses if "@" in each), None),
        )
    yield told


def _account(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise Refused(f"its {name} is no object")
    return found


def _text(told: Mapping[str, Any], name: str, within: str = "", *, needed: bool = False) -> str:
    found = told.get(name, "")
    if not isinstance(found, str):
        raise Refused(f"its {within}{name} is no text")
    if needed and not found.strip():
        raise Refused(f"it has no {within}{name}")
    if not usable(found) or len(found) > _LONGEST:
        raise Refused(f"its {within}{name} cannot be used: it is too long or no sound text")
    return found
