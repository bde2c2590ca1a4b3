"""The chain: everything that may keep one delivery from leaving, for those who ask why it has not.

The checks of politeness say what they find when they are asked; :mod:`recado.domain.chaining`
adds what stands before and behind them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: In the order in which they are told: what comes first has to let go before the rest matters.
LinkName = Literal[
    "due",
    "paused",
    "reach",
    "handler",
    "still_true",
    "consent",
    "window",
    "cap",
    "busy",
    "lane",
    "pace",
    "backoff",
    "breaker",
]


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
