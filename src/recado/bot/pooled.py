"""The pooled connector: what a turn sends goes out through our own channel.

The SDK's connector client opens a session per turn, cuts every conversation id to 150 characters
and does not encode it, and throws the channel's error body away (docs/why.md, Defects). What this
one sends and asks goes out encoded, at the channel's pace, before deliveries that are not urgent.
Meetings, batches and the bytes of attachments are left to the SDK's client, which is made when it
is first asked.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Literal
from urllib.parse import quote

from microsoft_agents.activity import (
    Activity,
    ActivityTypes,
    AttachmentData,
    AttachmentInfo,
    ChannelAccount,
    ConversationParameters,
    ConversationResourceResponse,
    ConversationsResult,
    PagedMembersResult,
    ResourceResponse,
    Transcript,
)
from microsoft_agents.activity.teams import (
    ChannelInfo,
    TeamDetails,
    TeamsChannelAccount,
    TeamsPagedMembersResult,
)
from microsoft_agents.hosting.core import ConnectorClientBase, TeamsConnectorClient
from microsoft_agents.hosting.core.connector.client.connector_client import AttachmentsOperations
from microsoft_agents.hosting.core.connector.conversations_base import ConversationsBase

from recado.bot.calling import Caller, error_of, id_in, read, read_list, read_part
from recado.bot.capture import channel_of
from recado.bot.contexts import LOCAL_EVENTS
from recado.bot.lazy import Lazy, LazyPart
from recado.bot.run import current_run
from recado.channel.port import Call, Channel, Post, Reply
from recado.domain.content import drop_nulls
from recado.domain.policy import Answer

_CONVERSATIONS = ("v3", "conversations")
#: Not worth repeating, and sent by timers at any moment: they would upset the numbers.
_UNNUMBERED = frozenset({ActivityTypes.typing, ActivityTypes.trace})


class PooledConversations(LazyPart):
    """The connector's operations on conversations.

    Args:
        client: the SDK's client, for the operations not written here.
        channel: sends.
        bot: the bot's name.
        service_url: where the conversation lives.
        activity: what the turn is about, if that is known yet.
    """

    def __init__(
        self,
        client: Lazy[ConnectorClientBase],
        channel: Channel,
        *,
        bot: str,
        service_url: str,
        activity: Activity | None,
    ) -> None:
        super().__init__(client, ConversationsBase, "conversations")
        self._channel = channel
        self._bot = bot
        self._service_url = service_url
        self._channel_id = channel_of(activity) if activity else ""
        self._caller = Caller(
            channel, bot=bot, channel_id=self._channel_id, service_url=service_url
        )
        # An event that was built here never travelled: the channel does not know its id.
        self._unknown_id = activity.id if activity and activity.name in LOCAL_EVENTS else None
        #: In a conversation that was created here, its first activity is all there is to answer.
        self._created: ConversationResourceResponse | None = None

    async def send_to_conversation(
        self, conversation_id: str, activity: Activity
    ) -> ResourceResponse:
        """Send an activity to the end of a conversation."""
        return await self._send(conversation_id, None, activity)

    async def reply_to_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> ResourceResponse:
        """Answer an activity, or send to the end if the channel does not know it."""
        answered = activity_id if self._knows(activity_id) else None
        return await self._send(conversation_id, answered, activity)

    async def update_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> ResourceResponse:
        """Replace an activity."""
        post = self._post(conversation_id, activity, method="PUT", activity_id=activity_id)
        return await self._numbered(partial(self._exchange, post))

    async def delete_activity(self, conversation_id: str, activity_id: str) -> None:
        """Remove an activity."""
        post = self._post(conversation_id, None, method="DELETE", activity_id=activity_id)
        await self._numbered(partial(self._exchange, post))

    async def send_conversation_history(
        self, conversation_id: str, transcript: Transcript
    ) -> ResourceResponse:
        """Upload what was said before."""
        path = (*_CONVERSATIONS, conversation_id, "activities", "history")
        reply = await self._caller.ask("POST", *path, body=transcript)
        return _resource(id_in(reply))

    # -- conversations and who is in them ----------------------------------------------------

    async def get_conversations(self, continuation_token: str | None = None) -> ConversationsResult:
        """Conversations of the bot; Direct Line and Web Chat only (protocol §2.1)."""
        query = {"continuationToken": continuation_token}
        return read(
            ConversationsResult, await self._caller.ask("GET", *_CONVERSATIONS, query=query)
        )

    async def create_conversation(
        self, parameters: ConversationParameters
    ) -> ConversationResourceResponse:
        """Create a conversation, or find the private one there is.

        A proactive turn that creates one does not know its channel; only Teams asks for a tenant
        (protocol §2.3).
        """
        channel = "msteams" if parameters.tenant_id else ""
        reply = await self._caller.ask("POST", *_CONVERSATIONS, body=parameters, channel_id=channel)
        self._created = read(ConversationResourceResponse, reply)
        return self._created

    async def get_conversation_members(self, conversation_id: str) -> list[ChannelAccount]:
        """Everybody in a conversation."""
        path = (*_CONVERSATIONS, conversation_id, "members")
        return read_list(ChannelAccount, await self._caller.ask("GET", *path))

    async def get_conversation_member(self, conversation_id: str, user_id: str) -> ChannelAccount:
        """One member of a conversation."""
        path = (*_CONVERSATIONS, conversation_id, "members", user_id)
        return read(ChannelAccount, await self._caller.ask("GET", *path))

    async def get_conversation_paged_members(
        self,
        conversation_id: str,
        page_size: int | None = None,
        continuation_token: str | None = None,
    ) -> PagedMembersResult:
        """A page of the members of a conversation."""
        reply = await ask_page(self._caller, conversation_id, page_size, continuation_token)
        return read(PagedMembersResult, reply)

    async def delete_conversation_member(self, conversation_id: str, member_id: str) -> None:
        """Remove somebody from a conversation."""
        await self._caller.ask("DELETE", *_CONVERSATIONS, conversation_id, "members", member_id)

    async def get_activity_members(
        self, conversation_id: str, activity_id: str
    ) -> list[ChannelAccount]:
        """Who was in the conversation when an activity was said."""
        path = (*_CONVERSATIONS, conversation_id, "activities", activity_id, "members")
        return read_list(ChannelAccount, await self._caller.ask("GET", *path))

    async def upload_attachment(
        self, conversation_id: str, attachment_upload: AttachmentData
    ) -> ResourceResponse:
        """Upload a file for use in a conversation."""
        path = (*_CONVERSATIONS, conversation_id, "attachments")
        reply = await self._caller.ask("POST", *path, body=attachment_upload)
        return _resource(id_in(reply))

    # -- sending -----------------------------------------------------------------------------

    async def _send(
        self, conversation_id: str, activity_id: str | None, activity: Activity
    ) -> ResourceResponse:
        if self._channel_id == "msteams" and activity.is_targeted_activity():
            # For one person's eyes: said in the query, which a Post has none of.
            send = partial(self._send_targeted, conversation_id, activity_id, activity)
        else:
            post = self._post(conversation_id, activity, activity_id=activity_id)
            send = partial(self._exchange, post)
        if activity.type in _UNNUMBERED:
            return _resource(await send(None))
        sent = await self._numbered(send)
        run = current_run()
        if run is not None and sent.id:
            run.activity_id = sent.id
        return sent

    async def _numbered(
        self, send: Callable[[str | None], Awaitable[str | None]]
    ) -> ResourceResponse:
        run = current_run()
        return _resource(await (send(None) if run is None else run.once(send)))

    async def _send_targeted(
        self,
        conversation_id: str,
        activity_id: str | None,
        activity: Activity,
        _: str | None,
    ) -> str | None:
        replied = () if activity_id is None else (activity_id,)
        reply = await self._channel.call(
            Call(
                bot=self._bot,
                channel=self._channel_id,
                service_url=self._service_url,
                method="POST",
                path=(*_CONVERSATIONS, conversation_id, "activities", *replied),
                query=(("isTargetedActivity", "true"),),
                body=self._written(activity, conversation_id),
                urgent=True,
            )
        )
        self._taken(reply.answer)
        return id_in(reply)

    async def _exchange(self, post: Post, key: str | None) -> str | None:
        answer = await self._channel.send(post if key is None else replace(post, key=key))
        return self._taken(answer)

    def _taken(self, answer: Answer) -> str | None:
        """The id of what was sent.

        Raises:
            ChannelError: the channel did not take it.
        """
        if answer.ok:
            return answer.activity_id
        error = error_of(answer)
        run = current_run()
        if run is not None:
            run.refuse(error, answer)
        raise error

    def _post(
        self,
        conversation_id: str,
        activity: Activity | None,
        *,
        method: Literal["POST", "PUT", "DELETE"] = "POST",
        activity_id: str | None,
    ) -> Post:
        # The turn of a conversation that was just created does not know its channel yet.
        channel = self._channel_id or (channel_of(activity) if activity is not None else "")
        return Post(
            bot=self._bot,
            channel=channel,
            service_url=self._service_url,
            conversation_id=conversation_id,
            body=self._written(activity, conversation_id) if activity is not None else None,
            method=method,
            activity_id=activity_id,
            # Somebody waits for what a turn says.
            urgent=True,
        )

    def _written(self, activity: Activity, conversation_id: str) -> bytes:
        """The activity's JSON: no nulls, all of the address, no reply to an unknown id.

        Some channels take a message without its address and do not show it, and Web Chat holds
        back for 5 s what answers an id it has not seen (protocol §10).
        """
        written = drop_nulls(activity.model_dump(mode="json", by_alias=True, exclude_none=True))
        written.setdefault("conversation", {"id": conversation_id})
        written.setdefault("recipient", {"id": conversation_id})
        written.setdefault("from", {"id": self._bot})
        if not self._knows(written.get("replyToId")):
            written.pop("replyToId", None)
        return json.dumps(written, ensure_ascii=False, separators=(",", ":")).encode()

    def _knows(self, activity_id: str | None) -> bool:
        """Whether the channel knows an activity, as far as this turn can tell."""
        if self._created is not None:
            return activity_id == self._created.activity_id
        return activity_id != self._unknown_id


class PooledAttachments(LazyPart):
    """The connector's operations on attachments; their bytes are the SDK's to fetch.

    Args:
        client: the SDK's client.
        caller: asks the channel.
        service_url: where the conversation lives.
    """

    def __init__(self, client: Lazy[ConnectorClientBase], caller: Caller, service_url: str) -> None:
        super().__init__(client, AttachmentsOperations, "attachments")
        self._caller = caller
        self._service_url = service_url

    async def get_attachment_info(self, attachment_id: str) -> AttachmentInfo:
        """What views an attachment has."""
        reply = await self._caller.ask("GET", "v3", "attachments", attachment_id)
        return read(AttachmentInfo, reply)

    def get_attachment_uri(self, attachment_id: str, view_id: str = "original") -> str:
        """The address of an attachment's view."""
        attachment, view = quote(attachment_id, safe=""), quote(view_id, safe="")
        return f"{self._service_url.rstrip('/')}/v3/attachments/{attachment}/views/{view}"


class PooledConnector(LazyPart):
    """A connector client of one turn; what it sends with outlives it.

    Args:
        make: makes the SDK's own client.
        channel: sends.
        bot: the bot's name.
        service_url: where the conversation lives.
        activity: what the turn is about, if that is known yet.
    """

    def __init__(
        self,
        make: Callable[[], Awaitable[ConnectorClientBase]],
        channel: Channel,
        *,
        bot: str,
        service_url: str,
        activity: Activity | None,
    ) -> None:
        client = Lazy(make)
        super().__init__(client, TeamsConnectorClient)
        self.base_uri = service_url
        self.conversations = PooledConversations(
            client, channel, bot=bot, service_url=service_url, activity=activity
        )
        known = channel_of(activity) if activity is not None else ""
        self._caller = Caller(channel, bot=bot, channel_id=known, service_url=service_url)
        self.attachments = PooledAttachments(client, self._caller, service_url)

    # -- Teams' own --------------------------------------------------------------------------

    async def get_conversation_member(
        self, conversation_id: str, user_id: str
    ) -> TeamsChannelAccount:
        """One member of a conversation, with what Teams knows of people."""
        path = (*_CONVERSATIONS, conversation_id, "members", user_id)
        return read(TeamsChannelAccount, await self._caller.ask("GET", *path))

    async def get_conversation_paged_member(
        self, conversation_id: str, page_size: int, continuation_token: str
    ) -> TeamsPagedMembersResult:
        """A page of members, with what Teams knows of people."""
        reply = await ask_page(self._caller, conversation_id, page_size, continuation_token)
        return read(TeamsPagedMembersResult, reply)

    async def fetch_team_details(self, team_id: str) -> TeamDetails:
        """A team, by the id of its general channel."""
        return read(TeamDetails, await self._caller.ask("GET", "v3", "teams", team_id))

    async def fetch_channel_list(self, team_id: str) -> list[ChannelInfo]:
        """The channels of a team."""
        reply = await self._caller.ask("GET", "v3", "teams", team_id, "conversations")
        return read_part(ChannelInfo, reply, "conversations")

    async def create_conversation(
        self, conversation_parameters: ConversationParameters
    ) -> ConversationResourceResponse:
        """Create a conversation, or find the private one there is."""
        return await self.conversations.create_conversation(conversation_parameters)

    async def close(self) -> None:
        """Called by the adapter when the turn has ended: closes the SDK's client if it was made."""
        await self._client.close()


async def ask_page(
    caller: Caller, conversation_id: str, page_size: int | None, continuation: str | None
) -> Reply:
    """Ask for a page of the members of a conversation."""
    query = {
        "pageSize": None if page_size is None else str(page_size),
        "continuationToken": continuation or None,
    }
    path = (*_CONVERSATIONS, conversation_id, "pagedmembers")
    return await caller.ask("GET", *path, query=query)


def _resource(activity_id: str | None) -> ResourceResponse:
    return ResourceResponse(id=activity_id) if activity_id else ResourceResponse()
