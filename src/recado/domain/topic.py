"""Topics: named audiences that people subscribe to."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from recado.errors import InvalidInput

#: One word, so that people can write it after "subscribe".
_NAME: Final = re.compile(r"[\w][\w.-]{0,63}")


def folded(name: str) -> str:
    """A name as names are compared: without case, and with accents written in one way."""
    return unicodedata.normalize("NFC", name).casefold()


def topic_name(given: object) -> str:
    """A topic's name as it is kept: in small letters.

    Raises:
        InvalidInput: it is no name.
    """
    name = folded(given) if isinstance(given, str) else ""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{given!r} cannot name a topic: write one word of up to 64 letters, digits, dots, "
            "hyphens and underscores, as in `releases`."
        )
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A named audience.

    Attributes:
        name: what it is called, the same for programs and people; compared without case.
        title: what it is about, for people.
        created_at: when it was made.
        subscribed: how many conversations subscribe to it; None where that was not counted.
    """

    name: str
    created_at: datetime
    title: str | None = None
    subscribed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Somebody's wish to be told what is published to a topic.

    Attributes:
        reference_id: the private chat or the group that subscribes.
        since: when it did.
    """

    reference_id: str
    since: datetime
