"""The channel port: hand one request to a channel, get back what it answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from recado.domain.policy import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One request to a channel.

    The default form sends an activity to the end of a conversation. Replies are sent without
    ``replyToId`` in the path only if the sender says so: *activity_id* with method POST is a
    reply, with PUT an edit, with DELETE a removal.
    """

    bot: str
    channel: str
    service_url: str
    conversation_id: str
    #: UTF-8 JSON of the activity, address included; None for DELETE.
    body: bytes | None
    method: Literal["POST", "PUT", "DELETE"] = "POST"
    activity_id: str | None = None
    #: Names the delivery (or numbered send) this is an attempt of; channels of our own use it
    #: to take an activity once however often it is tried.
    key: str | None = None


class Channel(Protocol):
    """A way to a channel. It answers; it never raises for what the channel or network did."""

    async def send(self, post: Post) -> Answer:
        """Hand *post* to the channel and read its answer once, within a bounded time."""

    async def close(self) -> None:
        """Close connections. Requests under way end as ambiguous."""
