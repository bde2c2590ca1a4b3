"""Jobs: long-running work a user started in a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class JobScope:
    """Where job numbers are counted: one log per bot and tenant."""

    bot: str
    tenant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job in the log."""

    scope: JobScope
    number: int
    #: The conversation it was started in, where its completion is said.
    reference_id: str
    conversation_id: str
    #: The ChannelAccount of the person who started it, whoever speaks next in that conversation.
    user: Mapping[str, Any] | None
    started_at: datetime
    completed_at: datetime | None = None
    title: str | None = None
    result: Any = None

    @property
    def completed(self) -> bool:
        return self.completed_at is not None

    @property
    def short_conversation_id(self) -> str:
        """The conversation id up to the first ``|``, as the job log shows it."""
        return self.conversation_id.partition("|")[0]
