"""The pooled connector: what a turn sends goes out through our own channel.

The SDK's connector client opens a session per turn, cuts every conversation id to 150 characters
and does not encode it, and throws the channel's error body away (docs/why.md, Defects). This one
covers what bots do all the time; the rest (members, attachments, creating conversations, Teams'
own calls) is left to the SDK's client, which is made when it is first asked.
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
    ResourceResponse,
)
from microsoft_agents.hosting.core import ConnectorClientBase, TeamsConnectorClient
from microsoft_agents.hosting.core.connector.client.connector_client import AttachmentsOperations
from microsoft_agents.hosting.core.connector.conversations_base import ConversationsBase

from recado.bot.capture import channel_of
from recado.bot.contexts import LOCAL_EVENTS
from recado.bot.lazy import Lazy, LazyPart
from recado.bot.run import current_run
from recado.channel.port import Channel, Post
from recado.domain.content import drop_nulls
from recado.domain.policy import Answer
from recado.errors import ChannelError

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
        # An event that was built here never travelled: the channel does not know its id.
        self._unknown_id = activity.id if activity and activity.name in LOCAL_EVENTS else None

    async def send_to_conversation(
        self, conversation_id: str, activity: Activity
    ) -> ResourceResponse:
        """Send an activity to the end of a conversation."""
        return await self._send(conversation_id, None, activity)

    async def reply_to_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> ResourceResponse:
        """Answer an activity, or send to the end if the channel does not know it."""
        answered = None if activity_id == self._unknown_id else activity_id
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

    async def _send(
        self, conversation_id: str, activity_id: str | None, activity: Activity
    ) -> ResourceResponse:
        if self._channel_id == "msteams" and activity.is_targeted_activity():
            # For one person's eyes: said in the query, which a Post cannot, so the SDK does it.
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
        conversations = (await self._client.get()).conversations
        if activity_id is None:
            sent = await conversations.send_to_conversation(conversation_id, activity)
        else:
            sent = await conversations.reply_to_activity(conversation_id, activity_id, activity)
        return str(sent.id) if sent.id else None

    async def _exchange(self, post: Post, key: str | None) -> str | None:
        answer = await self._channel.send(post if key is None else replace(post, key=key))
        if answer.ok:
            return answer.activity_id
        error = _error(answer)
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
        if written.get("replyToId") == self._unknown_id:
            written.pop("replyToId", None)
        return json.dumps(written, ensure_ascii=False, separators=(",", ":")).encode()


class PooledAttachments(LazyPart):
    """The connector's operations on attachments.

    Args:
        client: the SDK's client.
        service_url: where the conversation lives.
    """

    def __init__(self, client: Lazy[ConnectorClientBase], service_url: str) -> None:
        super().__init__(client, AttachmentsOperations, "attachments")
        self._service_url = service_url

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
        self.attachments = PooledAttachments(client, service_url)

    async def close(self) -> None:
        """Called by the adapter when the turn has ended: closes the SDK's client if it was made."""
        await self._client.close()


def _resource(activity_id: str | None) -> ResourceResponse:
    return ResourceResponse(id=activity_id) if activity_id else ResourceResponse()


def _error(answer: Answer) -> ChannelError:
    what = answer.failure or " ".join(
        str(part) for part in (answer.status, answer.code, answer.sub_code) if part is not None
    )
    words = f": {answer.message}" if answer.message else ""
    return ChannelError(
        f"The channel did not take the activity ({what}){words}",
        status=answer.status,
        channel_code=answer.code,
        sub_code=answer.sub_code,
        retry_after=answer.retry_after,
    )
