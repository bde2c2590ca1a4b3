"""What a Connector is asked: a request's method and path, read (protocol §2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, unquote


class Operation(StrEnum):
    """What a request wants."""

    SEND = "send"
    REPLY = "reply"
    UPDATE = "update"
    DELETE = "delete"
    HISTORY = "history"
    CREATE = "create"
    CONVERSATIONS = "conversations"
    MEMBERS = "members"
    MEMBER = "member"
    REMOVE_MEMBER = "remove_member"
    PAGED_MEMBERS = "paged_members"
    ACTIVITY_MEMBERS = "activity_members"
    UPLOAD = "upload"
    ATTACHMENT = "attachment"
    VIEW = "view"
    TEAM = "team"
    TEAM_CHANNELS = "team_channels"
    UNKNOWN = "unknown"

    @property
    def speaks(self) -> bool:
        """Whether it makes something appear in a conversation."""
        return self in (Operation.SEND, Operation.REPLY, Operation.HISTORY)


#: Method and path below the service URL; ``*`` is an id.
_ROUTES: Mapping[tuple[str, ...], Operation] = {
    ("POST", "conversations"): Operation.CREATE,
    ("GET", "conversations"): Operation.CONVERSATIONS,
    ("POST", "conversations", "*", "activities"): Operation.SEND,
    ("POST", "conversations", "*", "activities", "history"): Operation.HISTORY,
    ("POST", "conversations", "*", "activities", "*"): Operation.REPLY,
    ("PUT", "conversations", "*", "activities", "*"): Operation.UPDATE,
    ("DELETE", "conversations", "*", "activities", "*"): Operation.DELETE,
    ("GET", "conversations", "*", "activities", "*", "members"): Operation.ACTIVITY_MEMBERS,
    ("GET", "conversations", "*", "members"): Operation.MEMBERS,
    ("GET", "conversations", "*", "members", "*"): Operation.MEMBER,
    ("DELETE", "conversations", "*", "members", "*"): Operation.REMOVE_MEMBER,
    ("GET", "conversations", "*", "pagedmembers"): Operation.PAGED_MEMBERS,
    ("POST", "conversations", "*", "attachments"): Operation.UPLOAD,
    ("GET", "attachments", "*"): Operation.ATTACHMENT,
    ("GET", "attachments", "*", "views", "*"): Operation.VIEW,
    ("GET", "teams", "*"): Operation.TEAM,
    ("GET", "teams", "*", "conversations"): Operation.TEAM_CHANNELS,
}


def thread_of(conversation: str) -> str:
    """What Teams counts as one: a channel, whichever of its threads is spoken in (§4.1)."""
    return conversation.partition(";messageid=")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, read."""

    operation: Operation
    method: str
    #: The path below the service URL, as it was written.
    path: str
    #: The conversation, attachment or team it is about.
    conversation: str | None = None
    #: The activity, member or view of it.
    part: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    #: The JSON that came with it; an empty object if there was none.
    body: Mapping[str, Any] = field(default_factory=dict)
    #: Bytes that came with it.
    size: int = 0
    #: The bearer token, if one was sent.
    token: str | None = None


def read_target(method: str, target: str) -> Asked:
    """Read a request line's method and target. What is not known is an unknown operation."""
    path, _, query = target.partition("?")
    _, marker, below = path.partition("/v3/")
    parts = below.rstrip("/").split("/") if marker else []
    operation = _operation(method, parts)
    ids = parts[1::2] if parts else []
    return Asked(
        operation=operation,
        method=method,
        path=f"/v3/{below}" if marker else path,
        conversation=unquote(ids[0]) if ids else None,
        part=unquote(ids[1]) if len(ids) > 1 else None,
        query=dict(parse_qsl(query, keep_blank_values=True)),
    )


def _operation(method: str, parts: list[str]) -> Operation:
    """Every second part of a path is an id, but for the word ``history``."""
    shape = ["*" if place % 2 else part for place, part in enumerate(parts)]
    if parts[3:] == ["history"]:
        shape[3] = "history"
    return _ROUTES.get((method, *shape), Operation.UNKNOWN)
