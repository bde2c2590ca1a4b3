"""URLs below a service URL, written so that every character of an id arrives."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from recado.errors import ForbiddenServiceUrl

#: URL parsers resolve these as path segments even when they are percent-encoded (WHATWG URL,
#: "double-dot URL path segment"), so the request would go somewhere else.
_NO_SEGMENT: Final = frozenset({"", ".", ".."})

#: What ``quote(safe="")`` leaves as it is (RFC 3986 §2.3, unreserved).
_PLAIN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


def activities_path(conversation_id: str, activity_id: str | None) -> str:
    """The path of a conversation's activities, or of one of them (protocol §2.1).

    Raises:
        ForbiddenServiceUrl: an id cannot be written in a URL.
    """
    path = f"v3/conversations/{segment(conversation_id)}/activities"
    return path if activity_id is None else f"{path}/{segment(activity_id)}"


def path_of(parts: tuple[str, ...], query: tuple[tuple[str, str], ...] = ()) -> str:
    """A path of *parts* with *query* behind it.

    Raises:
        ForbiddenServiceUrl: a part or a value cannot be written in a URL.
    """
    path = "/".join(map(segment, parts))
    if not query:
        return path
    try:
        pairs = (f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
        return f"{path}?{'&'.join(pairs)}"
    except UnicodeEncodeError as error:
        raise ForbiddenServiceUrl(f"The query {query!r} is not text: correct it.") from error


def segment(name: str) -> str:
    """*name* as one path segment, like ``quote(name, safe="")``. Ids contain ``: ; @ | = / % ?``.

    Raises:
        ForbiddenServiceUrl: no segment reads back as that name.
    """
    if name in _NO_SEGMENT:
        raise ForbiddenServiceUrl(f"No request can name the id {name!r}: correct the reference.")
    try:
        special = name.encode().translate(None, _PLAIN)
    except UnicodeEncodeError as error:
        raise ForbiddenServiceUrl(f"The id {name!r} is not text: correct the reference.") from error
    if not special:
        return name
    # The only one in the ids of personal chats in Teams; a quarter of quote's price.
    if special == b":":
        return name.replace(":", "%3A")
    return quote(name, safe="")
