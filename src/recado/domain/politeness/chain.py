"""The chain: what each check says of one delivery, for those who ask why it has not left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: The checks, in the order they are made.
LinkName = Literal["still_true", "consent", "window", "cap", "busy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What one check says of a delivery.

    Attributes:
        name: which check.
        holds: whether it keeps the delivery from leaving now.
        said: a sentence for people: what it found, and whose rule it is.
        since: since when it has held the delivery, or what it found has been so.
        until: until when it will; None if nobody knows.
    """

    name: LinkName
    holds: bool
    said: str
    since: datetime | None = None
    until: datetime | None = None
