"""What a channel's HTTP answer says: status, headers and body in, one ``Answer`` out."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from recado.domain.policy import Answer

#: Correlation headers support asks for: Bot Framework's and Teams' (Connector API reference,
#: "Header"; "Send proactive messages", sample of MessageWritesBlocked).
CORRELATION_HEADERS = ("X-Correlating-OperationId", "MS-CV", "ContextId")

_MESSAGE_LIMIT = 300  # characters
_CODE_LIMIT = 100  # characters
_ID_LIMIT = 1_000  # characters
_HTML_LIMIT = 2_000  # characters looked at
_LONGEST_WAIT = 24 * 3600.0  # seconds; a delivery is given up no later than that

#: Where the shapes of error bodies keep their words, the more telling first. ``Message`` is
#: ASP.NET's, ``error_description`` OAuth's, ``detail`` and ``title`` those of RFC 9457.
_WORDS = ("message", "Message", "details", "error_description", "detail", "title")

#: A body that is nothing but an id of printable ASCII without escapes.
_USUAL = re.compile(rb'\{"id":"([ !#-\[\]-~]{1,%d})"\}' % _ID_LIMIT)

_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


class Headers(Protocol):
    """The headers of an answer."""

    def get(self, name: str, /) -> str | None:
        """The first value of the header *name*, whatever its case, or None."""


def read_answer(status: int, headers: Headers, body: bytes, now: datetime) -> Answer:
    """Read a channel's answer. Any input gives an answer; nothing is raised.

    Args:
        status: HTTP status.
        headers: looked at only when the status is not a success.
        body: the body or its beginning, decompressed; it may be anything.
        now: the present instant, for a ``Retry-After`` that is a date.
    """
    if 200 <= status < 300:
        return read_success(status, body)
    code, sub_code, message = _read_error(body)
    return Answer(
        status=status,
        code=code,
        sub_code=sub_code,
        message=message,
        retry_after=_seconds(headers.get("Retry-After"), now),
        headers=tuple(
            (name, shorten(value, _MESSAGE_LIMIT))
            for name in CORRELATION_HEADERS
            if (value := headers.get(name))
        ),
    )


def read_success(status: int, body: bytes) -> Answer:
    """As :func:`read_answer`, for a status that is a success: headers and time do not matter."""
    # Every message passes here, and nearly every answer is exactly this: parsing costs thrice.
    if usual := _USUAL.fullmatch(body):
        return Answer(status=status, activity_id=usual[1].decode("ascii"))
    return Answer(status=status, activity_id=_activity_id(body) if body else None)


def read_json(body: bytes) -> Any:
    """The JSON in a body, or None: also when it is cut off, or nested too deeply to be read."""
    return _parse(body) if body else None


def shorten(text: str, limit: int = _MESSAGE_LIMIT) -> str:
    """One printable line of at most *limit* characters, so it can be stored and shown anywhere."""
    line = " ".join(text[: limit * 4].split())
    line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _activity_id(body: bytes) -> str | None:
    """The receipt; Teams may answer a send without one, and others with no JSON at all."""
    found = _parse(body)
    if type(found) is not dict:
        return None
    given = found.get("id")
    if isinstance(given, str) and 0 < len(given) <= _ID_LIMIT and given.isprintable():
        return given
    return None


def _parse(text: bytes | str) -> Any:
    """The JSON in *text*, or None."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_error(body: bytes) -> tuple[str | None, str | None, str | None]:
    r"""Code, sub-code and message of an error body, whatever its shape.

    Three shapes are documented or reported: ``{"error": {"code", "message",
    "innerHttpError": {"statusCode", "body"}}}`` (Connector API reference), ``{"errorCode": 209,
    "message": "{ \"subCode\": … }"}`` with JSON in the string ("Send proactive messages",
    MessageWritesBlocked) and ``{"message": …}`` (401). Empty bodies, HTML and plain text come
    from what stands between, whatever the content type says.
    """
    if not body:
        return None, None, None
    found = _parse(body)
    if isinstance(found, dict):
        return _read_fields(found)
    text = found if isinstance(found, str) else body.decode("utf-8", "replace")
    return None, None, shorten(_plain(text)) or None


def _read_fields(
    fields: dict[str, Any], *, deeper: bool = True
) -> tuple[str | None, str | None, str | None]:
    inner = fields.get("error")
    error = inner if isinstance(inner, dict) else fields
    code = _text(error.get("code"), error.get("errorCode"), inner)
    sub_code = _text(error.get("subCode"), error.get("errorSubCode"))
    message = _text(*(error.get(name) for name in _WORDS), limit=_MESSAGE_LIMIT)
    for nested in _nested(error) if deeper else ():
        nested_code, nested_sub_code, nested_message = _read_fields(nested, deeper=False)
        sub_code = sub_code or nested_sub_code or nested_code
        message = nested_message or message
    return code, sub_code, message


def _nested(error: dict[str, Any]) -> list[dict[str, Any]]:
    """Objects inside an error: JSON in its message, and the body of the service behind."""
    inner = error.get("innerHttpError")
    places = [error.get("message"), inner.get("body") if isinstance(inner, dict) else None]
    parsed = (_parse(place) if isinstance(place, str) else place for place in places)
    return [place for place in parsed if isinstance(place, dict)]


def _text(*candidates: Any, limit: int = _CODE_LIMIT) -> str | None:
    """The first candidate that is text or a number and says something."""
    for candidate in candidates:
        if isinstance(candidate, str) and (line := shorten(candidate, limit)):
            return line
        if type(candidate) is int and -(10**9) < candidate < 10**9:
            return str(candidate)
    return None


def _plain(text: str) -> str:
    """Text without markup; the title alone when there is one, because the rest repeats it."""
    start = text[:_HTML_LIMIT]
    if "<" not in start:
        return text
    title = _TITLE.search(start)
    return title[1] if title and title[1].strip() else _TAG.sub(" ", start)


def _seconds(value: str | None, now: datetime) -> float | None:
    """``Retry-After`` in seconds from *now* (RFC 9110 §10.2.3): a number, or an HTTP date."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), _LONGEST_WAIT)
