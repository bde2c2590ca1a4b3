"""What a channel can do to a sender, as values: documented errors, and trouble on the wire.

``Doc`` below is the Teams table of status codes (protocol §3.1), ``field`` what people report
(§3.2). Bodies have the shapes that occur (§2.2): an object in ``error``, JSON inside a string,
a bare message, HTML, nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Any


class Wire(StrEnum):
    """How an answer travels, or does not."""

    #: As it should.
    WHOLE = "whole"
    #: No answer ever comes.
    HANG = "hang"
    #: The connection is reset before the body was read: the channel has nothing.
    CUT_UNREAD = "cut_unread"
    #: The connection is reset when the request has been read.
    CUT_READ = "cut_read"
    #: The answer's body comes in drops.
    SLOW = "slow"
    #: The answer ends in its middle.
    HALF = "half"
    #: The answer never ends.
    ENDLESS = "endless"
    #: It is taken only after another request that arrived later.
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way a request can end.

    Attributes:
        name: what it is called in tables and on the command line.
        status: HTTP status; None for what the channel would have answered.
        body: the answer's body; None for what the channel would have answered.
        content_type: its type.
        headers: further headers.
        takes: whether the channel does what was asked before it answers so.
        wire: how the answer travels.
        seconds: how long that takes, where it takes time.
        retry_after: seconds asked for in ``Retry-After``.
        as_date: whether they are written as an HTTP date.
    """

    name: str
    status: int | None = None
    body: bytes | None = None
    content_type: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    takes: bool = False
    wire: Wire = Wire.WHOLE
    seconds: float = 0.0
    retry_after: float | None = None
    as_date: bool = False

    def __str__(self) -> str:
        return self.name

    def headers_at(self, now: datetime) -> tuple[tuple[str, str], ...]:
        """Its headers, written at an instant."""
        if self.retry_after is None:
            return self.headers
        if self.as_date:
            told = format_datetime(now + timedelta(seconds=self.retry_after), usegmt=True)
        else:
            told = f"{self.retry_after:g}"
        return (("Retry-After", told), *self.headers)


# -- bodies ----------------------------------------------------------------------------------


def error(status: int, code: str, message: str = "") -> Fault:
    """The documented error body: an object in ``error``."""
    return Fault(
        name=code, status=status, body=_json({"error": {"code": code, "message": message or code}})
    )


def inner_error(status: int, code: str, inner_status: int, inner: Mapping[str, Any]) -> Fault:
    """An error of the service behind, in ``innerHttpError`` (Connector API reference)."""
    told = {
        "code": code,
        "message": "The service behind the channel answered with an error.",
        "innerHttpError": {"statusCode": inner_status, "body": inner},
    }
    return Fault(name=f"{code} inside", status=status, body=_json({"error": told}))


def message_only(status: int, message: str) -> Fault:
    """The body of a refused token: a bare message."""
    return Fault(name=f"{status} with a message", status=status, body=_json({"message": message}))


def empty(status: int) -> Fault:
    """No body at all, as gateways answer."""
    return Fault(name=f"{status} empty", status=status, body=b"")


def html(status: int, title: str = "") -> Fault:
    """A page for people, as gateways answer."""
    head = title or f"{status} Service error"
    page = f"<html><head><title>{head}</title></head><body><h1>{head}</h1></body></html>"
    return Fault(
        name=f"{status} as HTML", status=status, body=page.encode(), content_type="text/html"
    )


def _json(told: Any) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()


# -- documented errors -----------------------------------------------------------------------

BAD_ARGUMENT = error(400, "Bad Argument", "Invalid conversation parameters.")
BAD_SYNTAX = error(400, "BadSyntax", "Incorrect conversation creation parameters")
MISSING_PROPERTY = error(400, "MissingProperty", "The 'from' field is required.")
BOT_NOT_REGISTERED = error(401, "BotNotRegistered", "No bot is registered with this id.")
#: Field: a wrong directory, and weekends without a change.
UNAUTHORIZED = message_only(401, "Authorization has been denied for this request.")
BOT_DISABLED = error(403, "BotDisabledByAdmin", "The tenant admin disabled this bot.")
NOT_IN_ROSTER = error(403, "BotNotInConversationRoster", "The bot is not part of the roster.")
BLOCKED = error(403, "ConversationBlockedByUser", "User blocked the conversation with the bot.")
NOT_INSTALLED = error(
    403, "ForbiddenOperationException", "The bot is not installed in the user's personal scope."
)
INVALID_HOST = error(403, "InvalidBotApiHost", "Use the host of the Government Community Cloud.")
NOT_ENOUGH_PERMISSIONS = error(403, "NotEnoughPermissions", "The bot lacks a permission.")
#: JSON inside a string ("Understand who blocked, muted, or uninstalled a bot").
WRITES_BLOCKED = Fault(
    name="MessageWritesBlocked",
    status=403,
    body=_json(
        {
            "errorCode": 209,
            "message": json.dumps(
                {
                    "subCode": "MessageWritesBlocked",
                    "details": "Thread is not writable.",
                    "errorCode": None,
                    "errorSubCode": None,
                },
                indent=2,
            ),
        }
    ),
)
#: Field: the incident of 2023-09-27.
NOT_DECRYPTED = replace(
    error(403, "BadArgument", "Failed to decrypt conversation id"), name="not decrypted"
)
#: Field: removed, not installed and blocked were all seen without a code.
BARE_FORBIDDEN = empty(403)
CONVERSATION_NOT_FOUND = error(404, "ConversationNotFound", "Conversation not found.")
ACTIVITY_NOT_FOUND = error(404, "ActivityNotFoundInConversation", "The activity was not found.")
#: Of targeted messages.
TARGET_NOT_IN_ROSTER = replace(
    error(404, "BotNotInConversationRoster", "The bot is not part of the roster."),
    name="BotNotInConversationRoster 404",
)
#: Field: botframework, 2020-09.
NOT_FOUND_UNKNOWN = replace(error(404, "ServiceError", "Unknown"), name="404 ServiceError")
UNSUPPORTED = error(405, "MethodNotAllowed", "The channel does not support this operation.")
#: In no document; tolerated.
GONE = empty(410)
PRECONDITION_FAILED = error(412, "PreconditionFailed", "Concurrent operations. Please retry.")
TOO_LARGE = error(413, "MessageSizeTooBig", "Message size too large.")
#: Tried: the Agents Playground's.
TOO_LARGE_HTML = html(413, "PayloadTooLargeError: request entity too large")
SERVER_ERROR = replace(error(500, "ServiceError", "Unknown error."), name="500 ServiceError")
BAD_GATEWAY = replace(error(502, "ServiceError", "Unknown error."), name="502 ServiceError")
BAD_GATEWAY_HTML = html(502, "502 Bad Gateway")
UNAVAILABLE = html(503, "Service Unavailable")
GATEWAY_TIMEOUT = empty(504)


def throttled(retry_after: float | None = None, *, as_date: bool = False) -> Fault:
    """429, with or without ``Retry-After`` in seconds or as an HTTP date."""
    told = error(429, "Throttled", "Too many requests.")
    how = " bare" if retry_after is None else f" for {retry_after:g}s" + " (date)" * as_date
    return replace(told, name=f"429{how}", retry_after=retry_after, as_date=as_date)


# -- success that is not as expected -----------------------------------------------------------

#: Teams may answer a send without a body, hence without an id.
WITHOUT_BODY = Fault(name="no body", status=200, body=b"", takes=True)
WITHOUT_ID = Fault(name="no id", status=202, body=b"{}", takes=True)


def redirect(location: str, status: int = 307) -> Fault:
    """The way to somewhere else, which a token must not go."""
    return Fault(name=f"{status}", status=status, body=b"", headers=(("Location", location),))


# -- trouble on the wire ---------------------------------------------------------------------

HANG = Fault(name="hang", wire=Wire.HANG)
TAKE_AND_HANG = Fault(name="take and hang", wire=Wire.HANG, takes=True)
CUT_UNREAD = Fault(name="cut unread", wire=Wire.CUT_UNREAD)
CUT_READ = Fault(name="cut", wire=Wire.CUT_READ)
TAKE_AND_CUT = Fault(name="take and cut", wire=Wire.CUT_READ, takes=True)
HALF = Fault(name="half an answer", wire=Wire.HALF, takes=True)
ENDLESS = Fault(name="endless", wire=Wire.ENDLESS, takes=True)


def slow(seconds: float) -> Fault:
    """The answer's body comes in drops over *seconds*."""
    return Fault(name="slow", wire=Wire.SLOW, takes=True, seconds=seconds)


def late(seconds: float) -> Fault:
    """The answer, as it should be, but *seconds* late."""
    return Fault(name="late", takes=True, seconds=seconds)


def overtaken(seconds: float = 1.0) -> Fault:
    """It waits until another request has been taken, but not longer than *seconds*."""
    return Fault(name="overtaken", wire=Wire.OVERTAKEN, takes=True, seconds=seconds)


def accepted_then(fault: Fault = BAD_GATEWAY) -> Fault:
    """The channel has it, and answers as if it had not."""
    return replace(fault, name=f"take, then {fault.name}", takes=True)


#: Every error an answer can be, for tests of all of them.
ERRORS: tuple[Fault, ...] = (
    BAD_ARGUMENT,
    BAD_SYNTAX,
    MISSING_PROPERTY,
    BOT_NOT_REGISTERED,
    UNAUTHORIZED,
    BOT_DISABLED,
    NOT_IN_ROSTER,
    BLOCKED,
    NOT_INSTALLED,
    INVALID_HOST,
    NOT_ENOUGH_PERMISSIONS,
    WRITES_BLOCKED,
    NOT_DECRYPTED,
    BARE_FORBIDDEN,
    CONVERSATION_NOT_FOUND,
    ACTIVITY_NOT_FOUND,
    TARGET_NOT_IN_ROSTER,
    NOT_FOUND_UNKNOWN,
    UNSUPPORTED,
    GONE,
    PRECONDITION_FAILED,
    TOO_LARGE,
    TOO_LARGE_HTML,
    throttled(),
    throttled(1),
    throttled(2, as_date=True),
    SERVER_ERROR,
    BAD_GATEWAY,
    BAD_GATEWAY_HTML,
    UNAVAILABLE,
    GATEWAY_TIMEOUT,
)
#: Everything that can happen on the way.
WIRE: tuple[Fault, ...] = (
    HANG,
    TAKE_AND_HANG,
    CUT_UNREAD,
    CUT_READ,
    TAKE_AND_CUT,
    HALF,
    ENDLESS,
    slow(0.05),
    late(0.05),
    overtaken(0.05),
    accepted_then(BAD_GATEWAY),
    accepted_then(GATEWAY_TIMEOUT),
    WITHOUT_BODY,
    WITHOUT_ID,
    redirect("http://127.0.0.1:9/elsewhere"),
)


def named() -> dict[str, Fault]:
    """Every fault that needs no argument, by what it is called on a command line.

    Names are in lower case with hyphens; statuses stand for their usual error.
    """
    found = {_hyphened(each.name): each for each in (*ERRORS, *WIRE)}
    usual = (
        BAD_SYNTAX,
        UNAUTHORIZED,
        BLOCKED,
        CONVERSATION_NOT_FOUND,
        UNSUPPORTED,
        GONE,
        PRECONDITION_FAILED,
        TOO_LARGE,
        throttled(1),
        SERVER_ERROR,
        BAD_GATEWAY,
        UNAVAILABLE,
        GATEWAY_TIMEOUT,
    )
    return found | {str(each.status): each for each in usual}


def _hyphened(name: str) -> str:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
    return re.sub(r"[^a-z0-9]+", "-", apart).strip("-")
