"""Rules: how polite a process is, as its settings say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Final

from recado.domain.politeness.counting import Cap

#: How long openings are spread, where nothing else is said.
SPREAD: Final = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What holds for everybody who has said nothing else. Without settings nothing does.

    Attributes:
        zone: the zone of those of whom none is known.
        quiet: quiet hours as they are written; None for none.
        windows: weekly windows by category, as they are written; that of ``""`` is of all
            categories that have none.
        spread: over how long the openings of conversations are spread.
        caps: how much a recipient is sent at most, by category; ``""`` for all of it together,
            ``*`` for each category that has no cap of its own.
        interval: how long after a message to a recipient the next one may leave.
        personal: whether anybody may have hours of their own.
    """

    zone: str = "UTC"
    quiet: str | None = None
    windows: Mapping[str, str] = field(default_factory=dict)
    spread: timedelta = SPREAD
    caps: Mapping[str, Cap] = field(default_factory=dict)
    interval: timedelta | None = None
    personal: bool = True

    @cached_property
    def hours(self) -> bool:
        """Whether there may be times at which nothing is said."""
        return self.personal or self.quiet is not None or bool(self.windows)

    @cached_property
    def for_nobody(self) -> Rules:
        """The same where nobody has hours of their own."""
        return replace(self, personal=False)

    @cached_property
    def counts(self) -> bool:
        """Whether it is counted how much recipients are sent."""
        return bool(self.caps) or self.interval is not None


#: Nothing is held back.
NO_RULES: Final = Rules()
