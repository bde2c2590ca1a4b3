"""The channel port: hand one request to a channel, get back what it answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from recado.domain.policy import Answer

_NO_CALLS: Final = Answer(
    status=405,
    code="MethodNotAllowed",
    message="This channel takes activities and answers no other calls.",
)


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
    #: Whose budget it comes out of, where the sender knows; else it is read from the body.
    tenant: str = ""
    is_group: bool = False
    #: Somebody waits for it now: a turn's reply. It does not queue behind what is not urgent.
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Any other request of the Connector API (protocol §2.1), for example to read members."""

    bot: str
    channel: str
    service_url: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    #: The path below the service URL in its parts, for example ``("v3", "conversations", id,
    #: "members")``. The channel encodes them; a part may contain anything.
    path: tuple[str, ...]
    #: Names and values, in order; encoded by the channel too.
    query: tuple[tuple[str, str], ...] = ()
    #: UTF-8 JSON, or None.
    body: bytes | None = None
    #: As in :class:`Post`.
    tenant: str = ""
    is_group: bool = False
    #: As :attr:`Post.urgent`.
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back for a call.

    Attributes:
        answer: the verdict on it, read as for an activity.
        body: the parsed JSON of a success; None when it was no success, or no JSON.
    """

    answer: Answer
    body: Any = None


class Channel(Protocol):
    """A way to a channel. It answers; it never raises for what the channel or network did."""

    async def send(self, post: Post) -> Answer:
        """Hand *post* to the channel and read its answer once, within a bounded time."""

    async def call(self, call: Call) -> Reply:  # noqa: ARG002 - the port's signature
        """Make another request, on the same terms as :meth:`send`.

        Whoever implements a channel of activities alone inherits this: 405, which is what
        channels say of operations they do not support (protocol §2.2).
        """
        return Reply(answer=_NO_CALLS)

    async def close(self) -> None:
        """Close connections. Requests under way end as ambiguous."""
