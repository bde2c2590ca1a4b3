"""Content: what is said, as one activity in plain JSON without an address."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recado.errors import ContentTooLarge, InvalidActivity

#: Fields that belong to the delivery (its address and identity), not to the content. ``id`` and
#: ``timestamp`` are the channel's to set (A2031, A2041), and a proactive message is no reply:
#: Web Chat holds back a message that answers an id it has not seen (protocol §10).
_ADDRESS = frozenset(
    {
        "id",
        "timestamp",
        "localTimestamp",
        "replyToId",
        "conversation",
        "from",
        "recipient",
        "serviceUrl",
        "channelId",
    }
)

#: Payloads whose inside is not the protocol's business.
_OPAQUE = frozenset({"value", "content", "channelData"})

#: Size limits that are documented per channel (protocol §1.8): (limit, unit). Teams counts UTF-16.
_LIMITS: Mapping[str, tuple[int, str]] = {
    "msteams": (102_400, "bytes in UTF-16"),
    "directline": (262_144, "characters"),
    "webchat": (262_144, "characters"),
    "telegram": (4_096, "characters of text"),
    "slack": (40_000, "characters of text"),
    "line": (5_000, "UTF-16 units of text"),
    "sms": (1_600, "characters of text"),
}


@dataclass(frozen=True, slots=True)
class Content:
    """One activity, normalised: no nulls, no address, always a type and a text format."""

    #: Compact JSON of the activity.
    json: str

    @property
    def activity(self) -> dict[str, Any]:
        """The activity as a fresh dictionary."""
        activity: dict[str, Any] = json.loads(self.json)
        return activity

    def check_size(self, channel: str) -> None:
        """Refuse content that the channel is documented to refuse.

        Args:
            channel: a base channel id.

        Raises:
            ContentTooLarge: the content is over the channel's limit.
        """
        if channel not in _LIMITS or len(self.json) * 4 < _LIMITS[channel][0]:
            return
        limit, unit = _LIMITS[channel]
        measured = str(self.activity.get("text", "")) if "of text" in unit else self.json
        size = len(measured)
        if unit.startswith("bytes"):
            size = len(measured.encode("utf-16-le"))
        elif unit.startswith("UTF-16"):
            size = len(measured.encode("utf-16-le")) // 2
        if size > limit:
            raise ContentTooLarge(channel=channel, size=size, limit=limit, unit=unit)


def content_of(said: str | Mapping[str, Any]) -> Content:
    """Make content from text or from an activity.

    Args:
        said: text, or an activity in the protocol's JSON form (camelCase).

    Raises:
        InvalidActivity: the text is empty, the activity has no type-correct fields, or it
            cannot be written as JSON.
    """
    if isinstance(said, str):
        said = {"type": "message", "text": said}
    if not isinstance(said, Mapping):
        raise InvalidActivity("Content is text or an activity as a JSON object: give one of them.")
    try:
        return Content(_written(_normalised(said)))
    except RecursionError:
        raise InvalidActivity(
            "The activity is nested too deeply to be written as JSON: make it flatter."
        ) from None


def _normalised(said: Mapping[str, Any]) -> dict[str, Any]:
    activity = {key: value for key, value in drop_nulls(said).items() if key not in _ADDRESS}
    kind = activity.setdefault("type", "message")
    if not isinstance(kind, str) or not kind:
        raise InvalidActivity('An activity\'s "type" is text such as "message": correct it.')
    text = activity.get("text")
    if text is not None and not isinstance(text, str):
        raise InvalidActivity('An activity\'s "text" is a string: convert it before sending.')
    if kind == "message":
        if not (text and text.strip()) and not activity.get("attachments"):
            raise InvalidActivity(
                "A message needs text or attachments: there is nothing to say in this one."
            )
        if text:
            # The default differs between the specification (plain) and its typespec (markdown),
            # so it is always said (protocol §1.7).
            activity.setdefault("textFormat", "markdown")
    return activity


def _written(activity: Mapping[str, Any]) -> str:
    try:
        written = json.dumps(activity, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        written.encode()  # half a surrogate pair can be written as JSON but not sent
    except (TypeError, ValueError) as error:
        raise InvalidActivity(
            f"The activity cannot be written as JSON ({error}): use plain JSON values."
        ) from error
    return written


def drop_nulls(activity: Mapping[str, Any]) -> dict[str, Any]:
    """The same activity without nulls, which some channels refuse (protocol §10).

    What is opaque to the protocol (a card's content, an event's value, channel data) is passed
    on as it is: a null may mean something there.
    """
    return {
        key: value if key in _OPAQUE else _clean(value)
        for key, value in activity.items()
        if value is not None
    }


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return drop_nulls(value)
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value if item is not None]
    return value
