"""Reading what clients and bots send: malformed input becomes a refusal that says why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from recado.channel.local.refusal import Refusal
from recado.domain.content import drop_nulls

#: Characters of JSON in one activity (protocol §1.8, Direct Line).
MAX_CHARACTERS = 262_144

#: Fields whose type matters to this channel or to every bot.
_TYPES: Mapping[str, tuple[type, str]] = {
    "text": (str, "a string"),
    "from": (dict, "an object"),
    "recipient": (dict, "an object"),
    "attachments": (list, "a list"),
    "entities": (list, "a list"),
    "membersAdded": (list, "a list"),
}


def parse_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        Refusal: 400 ``BadSyntax``.
    """
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "BadSyntax", f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Refusal(400, "BadSyntax", "The body is not a JSON object.")
    return value


def parse_activity(body: bytes) -> dict[str, Any]:
    """Read an activity: an object with a type, of a size Direct Line takes, without nulls.

    Raises:
        Refusal: 400 ``BadSyntax`` or ``BadArgument``, 413 ``MessageSizeTooBig``.
    """
    return check_activity(parse_object(body))


def check_activity(given: Mapping[str, Any], limit: int = MAX_CHARACTERS) -> dict[str, Any]:
    """The same activity without nulls.

    Args:
        given: an activity.
        limit: characters its JSON may have.

    Raises:
        Refusal: 400 ``BadArgument``, 413 ``MessageSizeTooBig``.
    """
    try:
        activity = drop_nulls(given)
    except RecursionError as error:
        raise bad_argument("The activity is nested too deeply.") from error
    kind = activity.get("type")
    if not isinstance(kind, str) or not kind:
        raise bad_argument('An activity needs a "type", such as "message".')
    for name, (wanted, told) in _TYPES.items():
        if name in activity and not isinstance(activity[name], wanted):
            raise bad_argument(f'An activity\'s "{name}" is {told}.')
    try:
        written = json.dumps(activity, ensure_ascii=False, allow_nan=False)
        written.encode()  # half a surrogate pair is JSON but cannot be sent or stored
    except (ValueError, RecursionError) as error:
        raise bad_argument(f"The activity cannot be written as JSON: {error}.") from error
    if len(written) > limit:
        raise Refusal(
            413,
            "MessageSizeTooBig",
            f"The activity has {len(written):,} characters of JSON; {limit:,} are accepted.",
        )
    return activity


def bad_argument(message: str) -> Refusal:
    """The refusal of a request whose parts are not what they should be."""
    return Refusal(400, "BadArgument", message)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
