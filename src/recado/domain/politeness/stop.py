"""What becomes of a delivery that may not leave now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recado.domain.delivery import HeldReason


@dataclass(frozen=True, slots=True)
class Hold:
    """It waits outside its lane.

    Attributes:
        reason: for what.
        until: when it is looked at again by itself; None if something else lets it go on.
    """

    reason: HeldReason
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Suppress:
    """It is not said.

    Attributes:
        reason: why not.
    """

    reason: str


Stop = Hold | Suppress
