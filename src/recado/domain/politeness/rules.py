"""Rules: how polite a process is, as its settings say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for everybody who has said nothing else. Without settings nothing does."""


#: Nothing is held back.
NO_RULES: Final = Rules()
