"""Capture: what an inbound activity tells about the conversation it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from microsoft_agents.activity import (
    Activity,
    ActivityTypes,
    ChannelAccount,
    ConversationAccount,
)

from recado.domain.reference import (
    NOT_PEOPLE,
    VOUCHING_CHANNELS,
    ConversationKey,
    Member,
    Presence,
    Sighting,
    base_channel,
)

_REMOVALS = frozenset({"remove", "remove-upgrade"})
#: Teams' events after which nobody reads the team's conversation (Teams, "Conversation events").
_TEAM_GONE = frozenset({"teamDeleted", "teamHardDeleted"})
_EMAIL_FIELDS = ("email", "userPrincipalName")


def sighting_of(
    activity: Activity, bot: str, now: datetime, body: Mapping[str, Any] | None = None
) -> Sighting | None:
    """Read an inbound activity.

    Args:
        activity: what came in. Its type does not matter: every activity shows a conversation.
        bot: the name the bot's references are kept under.
        now: when it came.
        body: the JSON it was read from, if known. The SDK's models drop fields they do not know.

    Returns:
        The sighting, or None if the activity does not say which conversation it is from.
    """
    key = conversation_key(activity, bot)
    if key is None:
        return None
    conversation = activity.conversation
    departed = tuple(_departed(activity, bot))
    return Sighting(
        key=key,
        service_url=activity.service_url or "",
        at=now,
        tenant_id=tenant_of(activity),
        conversation_type=conversation.conversation_type,
        is_group=conversation.is_group,
        name=conversation.name,
        locale=activity.locale,
        timezone=activity.local_timezone,
        agent=_account(activity.recipient, body, "recipient"),
        members=tuple(_members(activity, bot, now, frozenset(departed))),
        departed=departed,
        presence=_presence(activity, bot),
        raw=_reference_json(activity, body),
    )


def conversation_key(activity: Activity, bot: str) -> ConversationKey | None:
    """The identity of the activity's conversation; None if it does not name one."""
    conversation = conversation_of(activity)
    if not activity.channel_id or conversation is None or not conversation.id:
        return None
    return ConversationKey(
        bot=bot,
        channel=base_channel(activity.channel_id),
        conversation_id=conversation.id,
    )


def conversation_of(activity: Activity) -> ConversationAccount | None:
    """The activity's conversation, which the SDK's type wrongly says is always there."""
    return cast("ConversationAccount | None", activity.conversation)


def channel_of(activity: Activity) -> str:
    """The base channel an activity is from."""
    return base_channel(activity.channel_id or "")


def tenant_of(activity: Activity) -> str | None:
    """The directory tenant the activity came from, from either place channels write it."""
    conversation = conversation_of(activity)
    if conversation is not None and conversation.tenant_id:
        return conversation.tenant_id
    tenant = _mapping(_mapping(activity.channel_data).get("tenant"))
    return _text(tenant.get("id"))


def speaker_of(activity: Activity, bot: str) -> Member | None:
    """The person an activity came from, if it came from a person."""
    sender = activity.from_property
    if not _is_person(sender, activity, bot):
        return None
    vouched = channel_of(activity) in VOUCHING_CHANNELS
    return _member(sender, email=_email(sender, activity), vouched=vouched)


def account_json(account: ChannelAccount) -> dict[str, Any]:
    """A ChannelAccount as plain JSON, unknown fields included."""
    written: dict[str, Any] = account.model_dump(mode="json", by_alias=True, exclude_none=True)
    return written


def _members(
    activity: Activity, bot: str, now: datetime, departed: frozenset[str]
) -> Iterator[Member]:
    """The speaker, then those who were added; each once, without those who left."""
    seen = set(departed)
    vouched = channel_of(activity) in VOUCHING_CHANNELS
    sender = activity.from_property
    if _is_person(sender, activity, bot) and sender.id not in seen:
        seen.add(sender.id)
        yield _member(sender, email=_email(sender, activity), vouched=vouched, last_seen=now)
    for account in activity.members_added or ():
        if _is_person(account, activity, bot) and account.id not in seen:
            seen.add(account.id)
            yield _member(account, email=_email(account), vouched=vouched)


def _departed(activity: Activity, bot: str) -> Iterable[str]:
    return [
        account.id
        for account in activity.members_removed or ()
        if _is_person(account, activity, bot)
    ]


def _presence(activity: Activity, bot: str) -> Presence:
    if activity.type == ActivityTypes.end_of_conversation:
        return Presence.ENDED
    if activity.type == ActivityTypes.installation_update:
        left = activity.action in _REMOVALS
    elif activity.type == ActivityTypes.contact_relation_update:
        left = activity.action == "remove"
    elif _mapping(activity.channel_data).get("eventType") in _TEAM_GONE:
        left = True
    else:
        left = any(_is_bot(account, activity, bot) for account in activity.members_removed or ())
    return Presence.LEFT if left else Presence.HERE


def _member(
    account: ChannelAccount,
    *,
    email: str | None,
    vouched: bool,
    last_seen: datetime | None = None,
) -> Member:
    return Member(
        user_id=account.id,
        name=account.name or None,
        aad_object_id=account.aad_object_id or None if vouched else None,
        email=email if vouched else None,
        last_seen=last_seen,
    )


def _is_bot(account: ChannelAccount, activity: Activity, bot: str) -> bool:
    recipient = activity.recipient
    return bool(account.id) and (
        account.id in (bot, f"28:{bot}") or (recipient is not None and account.id == recipient.id)
    )


def _is_person(account: ChannelAccount | None, activity: Activity, bot: str) -> bool:
    if account is None or not account.id or account.id.isspace():
        return False
    if account.id == activity.conversation.id or _is_bot(account, activity, bot):
        return False
    if account.role and account.role.casefold() in NOT_PEOPLE:
        return False
    # On Teams every app is "28:" and its id, not only this one.
    return not (account.id.startswith("28:") and channel_of(activity) == "msteams")


def _email(account: ChannelAccount, spoken: Activity | None = None) -> str | None:
    """The account's e-mail; what *spoken* says beside it is about the speaker."""
    places = [_mapping(account.model_extra)]
    if spoken is not None:
        places.append(_mapping(spoken.channel_data))
        if channel_of(spoken) == "email" and "@" in account.id:
            return account.id
    for place in places:
        for field in _EMAIL_FIELDS:
            found = _text(place.get(field))
            if found is not None and "@" in found:
                return found
    return None


def _reference_json(activity: Activity, body: Mapping[str, Any] | None) -> dict[str, Any]:
    """The ConversationReference as the protocol writes it.

    Without the activity's id: what is said later answers no activity, and a reference that is
    the same on every turn need not be written again.
    """
    reference: dict[str, Any] = {
        "user": _account(activity.from_property, body, "from"),
        "bot": _account(activity.recipient, body, "recipient"),
        "conversation": _received(body, "conversation")
        or activity.conversation.model_dump(mode="json", by_alias=True, exclude_none=True),
        # With its sub-channel, which the SDK may have taken from an entity: state is kept by it.
        "channelId": str(activity.channel_id),
        "locale": activity.locale,
        "serviceUrl": activity.service_url,
    }
    return {field: value for field, value in reference.items() if value is not None}


def _account(
    account: ChannelAccount | None, body: Mapping[str, Any] | None, field: str
) -> Mapping[str, Any] | None:
    if account is None or not account.id:
        return None
    return _received(body, field) or account_json(account)


def _received(body: Mapping[str, Any] | None, field: str) -> Mapping[str, Any] | None:
    return _mapping(body.get(field)) or None if body is not None else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
