"""The Connector's other calls, typed: create conversations, read rosters and teams.

Each returns what it asked for or :class:`CallFailed`; none raises for what the channel did.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from recado.channel.port import Call, Channel, Reply
from recado.domain.policy import Answer
from recado.domain.reference import Member
from recado.domain.roster import RosterMember

#: Teams reads fewer than 50 as 50 and more than 500 as 500 (protocol §2.1).
_PAGE_SIZES: Final = (50, 500)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where calls go, and as whom.

    Attributes:
        bot: whose token is used.
        channel: the channel id, for example ``msteams``.
        service_url: the Connector API's base.
        urgent: whether somebody waits for it now, as a turn does.
    """

    bot: str
    channel: str
    service_url: str
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailed:
    """The channel did not do it, or did not say what came of it.

    Attributes:
        answer: what it answered.
        reason: why that is no result, when the answer itself is a success; None otherwise.
    """

    answer: Answer
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedConversation:
    """A conversation the channel made, or had.

    Attributes:
        id: the conversation id.
        service_url: where it is reached: the channel's word, or else where it was asked. It is
            checked like any other when it is used.
        activity_id: the id of its first activity, if there was one and the channel told.
    """

    id: str
    service_url: str
    activity_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersPage:
    """A page of a roster.

    Attributes:
        members: who is on it.
        continuation: what the next page is asked with; None after the last one.
    """

    members: tuple[RosterMember, ...]
    continuation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamDetails:
    """A team."""

    id: str
    name: str | None = None
    aad_group_id: str | None = None
    channel_count: int | None = None
    member_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamChannel:
    """A channel of a team; the general one may have no name, and has the team's id."""

    id: str
    name: str | None = None


async def create_conversation(
    channel: Channel,
    at: Endpoint,
    *,
    user_id: str,
    tenant_id: str | None = None,
    bot: Mapping[str, Any] | None = None,
) -> CreatedConversation | CallFailed:
    """Create the private conversation with a person, or find it: Teams answers the same id.

    No activity goes with it, so that asking again says nothing twice (protocol §2.3).

    Args:
        channel: carries the call.
        at: where.
        user_id: the person's channel user id; in Teams also their directory object id, if the
            app is installed for them.
        tenant_id: the person's tenant; Teams demands it.
        bot: the bot's ChannelAccount, where it is known.
    """
    parameters: dict[str, Any] = {"isGroup": False, "members": [{"id": user_id}]}
    if bot is not None:
        parameters["bot"] = dict(bot)
    if tenant_id is not None:
        parameters["tenantId"] = tenant_id
        parameters["channelData"] = {"tenant": {"id": tenant_id}}
    return await _create(channel, at, parameters)


async def create_thread(  # noqa: PLR0913 - where to, and what the protocol asks for
    channel: Channel,
    at: Endpoint,
    *,
    channel_id: str,
    activity: Mapping[str, Any],
    tenant_id: str | None = None,
    bot: Mapping[str, Any] | None = None,
) -> CreatedConversation | CallFailed:
    """Begin a thread in a channel of a team with its first activity.

    Asking again begins another one, so an ambiguous failure may have posted.

    Args:
        channel: carries the call.
        at: where.
        channel_id: the team's channel, for example ``19:…@thread.tacv2``.
        activity: what is said; Teams makes no thread without.
        tenant_id: the team's tenant.
        bot: the bot's ChannelAccount, where it is known.
    """
    data: dict[str, Any] = {"channel": {"id": channel_id}}
    parameters: dict[str, Any] = {"isGroup": True, "channelData": data, "activity": dict(activity)}
    if bot is not None:
        parameters["bot"] = dict(bot)
    if tenant_id is not None:
        data["tenant"] = {"id": tenant_id}
        parameters["tenantId"] = tenant_id
    return await _create(channel, at, parameters)


async def members_pages(
    channel: Channel,
    at: Endpoint,
    conversation_id: str,
    *,
    page_size: int = 500,
    continuation: str | None = None,
) -> AsyncIterator[MembersPage | CallFailed]:
    """The roster of a conversation, page by page; a failure is the last item.

    To go on after one, begin again with the last page's ``continuation``.

    Args:
        channel: carries the calls.
        at: where.
        conversation_id: a chat, a channel, or a team by its id.
        page_size: how many members a page should have; brought into Teams' bounds.
        continuation: where to begin; at the start when left out.
    """
    least, most = _PAGE_SIZES
    size = ("pageSize", str(min(max(page_size, least), most)))
    path = ("v3", "conversations", conversation_id, "pagedmembers")
    while True:
        query = (size,) if continuation is None else (size, ("continuationToken", continuation))
        reply = await channel.call(_call(at, "GET", path, query=query))
        page = _result(reply, _page(reply.body), "a page of members")
        # A channel that repeats itself would keep us for ever.
        if isinstance(page, MembersPage) and page.continuation == continuation is not None:
            page = CallFailed(answer=reply.answer, reason="The channel repeats the same page.")
        yield page
        if isinstance(page, CallFailed) or page.continuation is None:
            return
        continuation = page.continuation


async def member(
    channel: Channel, at: Endpoint, conversation_id: str, user_id: str
) -> RosterMember | CallFailed:
    """One member of a conversation, by channel user id."""
    path = ("v3", "conversations", conversation_id, "members", user_id)
    reply = await channel.call(_call(at, "GET", path))
    return _result(reply, _member(reply.body), "a member")


async def team_details(channel: Channel, at: Endpoint, team_id: str) -> TeamDetails | CallFailed:
    """A team of Teams, by the id of its general channel."""
    reply = await channel.call(_call(at, "GET", ("v3", "teams", team_id)))
    return _result(reply, _team(reply.body), "a team")


async def team_channels(
    channel: Channel, at: Endpoint, team_id: str
) -> tuple[TeamChannel, ...] | CallFailed:
    """The channels of a team of Teams."""
    reply = await channel.call(_call(at, "GET", ("v3", "teams", team_id, "conversations")))
    return _result(reply, _channels(reply.body), "a list of channels")


async def _create(
    channel: Channel, at: Endpoint, parameters: Mapping[str, Any]
) -> CreatedConversation | CallFailed:
    body = json.dumps(parameters, ensure_ascii=False, separators=(",", ":")).encode()
    reply = await channel.call(_call(at, "POST", ("v3", "conversations"), body=body))
    return _result(reply, _created(reply.body, at), "a conversation")


def _call(
    at: Endpoint,
    method: Literal["GET", "POST"],
    path: tuple[str, ...],
    *,
    query: tuple[tuple[str, str], ...] = (),
    body: bytes | None = None,
) -> Call:
    return Call(
        bot=at.bot,
        channel=at.channel,
        service_url=at.service_url,
        method=method,
        path=path,
        query=query,
        body=body,
        urgent=at.urgent,
    )


def _result(reply: Reply, found: T | None, wanted: str) -> T | CallFailed:
    if not reply.answer.ok:
        return CallFailed(answer=reply.answer)
    if found is None:
        why = reply.answer.message or f"The channel agreed, and its answer is not {wanted}."
        return CallFailed(answer=reply.answer, reason=why)
    return found


def _created(body: Any, at: Endpoint) -> CreatedConversation | None:
    given = _text(body, "id")
    if given is None:
        return None
    return CreatedConversation(
        id=given,
        service_url=_text(body, "serviceUrl") or at.service_url,
        activity_id=_text(body, "activityId"),
    )


def _page(body: Any) -> MembersPage | None:
    listed = _list(body, "members")
    if listed is None:
        return None
    return MembersPage(
        members=tuple(found for each in listed if (found := _member(each)) is not None),
        continuation=_text(body, "continuationToken"),
    )


def _member(body: Any) -> RosterMember | None:
    given = _text(body, "id")
    if given is None:
        return None
    return RosterMember(
        member=Member(
            user_id=given,
            name=_text(body, "name"),
            # Some rosters call it objectId (read in the .NET SDK's TeamsChannelAccountEx).
            aad_object_id=_text(body, "aadObjectId") or _text(body, "objectId"),
            email=_text(body, "email"),
        ),
        tenant_id=_text(body, "tenantId"),
        principal_name=_text(body, "userPrincipalName"),
    )


def _team(body: Any) -> TeamDetails | None:
    given = _text(body, "id")
    if given is None:
        return None
    return TeamDetails(
        id=given,
        name=_text(body, "name"),
        aad_group_id=_text(body, "aadGroupId"),
        channel_count=_number(body, "channelCount"),
        member_count=_number(body, "memberCount"),
    )


def _channels(body: Any) -> tuple[TeamChannel, ...] | None:
    listed = _list(body, "conversations")
    if listed is None:
        return None
    return tuple(
        TeamChannel(id=given, name=_text(each, "name"))
        for each in listed
        if (given := _text(each, "id")) is not None
    )


def _text(body: Any, name: str) -> str | None:
    found = body.get(name) if isinstance(body, dict) else None
    return found if isinstance(found, str) and found else None


def _number(body: Any, name: str) -> int | None:
    found = body.get(name) if isinstance(body, dict) else None
    return found if type(found) is int else None


def _list(body: Any, name: str) -> Iterable[Any] | None:
    found = body.get(name) if isinstance(body, dict) else None
    return found if isinstance(found, list) else None
