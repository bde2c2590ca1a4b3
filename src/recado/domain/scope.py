"""What channels count: whose requests, and when they were answered."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from recado.domain.pace import Operation


class Scope(NamedTuple):
    """Whose budget a request comes out of; a tuple, because it is hashed for every request."""

    bot: str
    #: The base channel.
    channel: str
    #: Empty when no activity has told it.
    tenant: str


class Stamp(NamedTuple):
    """Requests a channel has counted."""

    scope: Scope
    #: The pace key; ``""`` for what the whole scope has made.
    key: str
    operation: Operation
    #: When they were answered.
    at: datetime
    many: int = 1
