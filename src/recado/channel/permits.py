"""What the pacer answers: leave to make a request, or when to ask again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from recado.domain.pace import Operation
from recado.domain.scope import Scope

if TYPE_CHECKING:
    from recado.channel.pace_state import KeyState, Route


class Permit:
    """Leave to make one request. It goes back to the pacer once, whatever comes of it.

    Attributes:
        at: when the request may begin; it may begin later.
        scope: bot, channel and tenant.
        key: the pace key.
        operation: what the request does.
        group: whether the conversation is a group.
        route: what the scope counts; None when nothing was limited.
        state: what the pace key counts, if anything.
    """

    __slots__ = ("at", "group", "key", "operation", "route", "scope", "state")

    def __init__(  # noqa: PLR0913, PLR0917 - made for every request: keywords cost time
        self,
        at: datetime,
        scope: Scope,
        key: str,
        operation: Operation,
        group: bool,  # noqa: FBT001 - as above
        route: Route | None,
        state: KeyState | None,
    ) -> None:
        self.at = at
        self.scope = scope
        self.key = key
        self.operation = operation
        self.group = group
        self.route = route
        self.state = state


@dataclass(frozen=True, slots=True)
class Later:
    """No permit now.

    Attributes:
        until: when to ask again.
        whole: whether it is the scope that is full or paused, and not the pace key alone.
    """

    until: datetime
    whole: bool
