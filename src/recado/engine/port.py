"""What the engine needs from the bot to run turn deliveries."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from recado.domain.policy import Answer
from recado.store.port import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnded:
    """How a proactive turn ended. With neither an answer nor an error it went well.

    Attributes:
        answer: what the channel answered to the send that failed, when that ended the turn.
        error: what the turn's code raised, for the record.
        activity_id: id of the last activity the turn sent, if it sent any.
    """

    answer: Answer | None = None
    error: str | None = None
    activity_id: str | None = None


class Turns(Protocol):
    """Runs the code of turn deliveries."""

    def names(self) -> Collection[str]:
        """Names of the handlers registered in this process."""

    async def run(self, claim: Claim, lasts: Callable[[], bool]) -> TurnEnded:
        """Run the handler of *claim* as a turn in its conversation.

        It does not raise for what the turn's code or the channel did. Sends recorded for the
        delivery are answered from the record instead of being sent again.

        Args:
            claim: the delivery.
            lasts: whether it is still this process's; nothing is sent any more when it is not.
        """
