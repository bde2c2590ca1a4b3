"""Faults: what the code of turns raised, and who gets to hear of it."""

from __future__ import annotations

import logging
from typing import Any

from microsoft_agents.hosting.core import AgentApplication, TurnContext

from recado.bot.lock import Hold
from recado.bot.run import current_run
from recado.outbox import CurrentTurn, current_turn
from recado.telemetry import Telemetry, TurnFailed

_log = logging.getLogger("recado.bot")


class BotTurn(CurrentTurn):
    """A turn of the bot.

    Attributes:
        hold: its stay in its conversation.
        fault: what its code raised, even if an error handler took care of it.
        heard: whether the bot was given what a person wrote.
        dialog: whether what was run within it has left a dialog that waits for an answer; None if
            that is not known.
    """

    __slots__ = ("dialog", "fault", "heard", "hold")

    def __init__(self, turn_id: str, channel: str, conversation_id: str, hold: Hold) -> None:
        super().__init__(turn_id, channel, conversation_id)
        self.hold = hold
        self.fault: Exception | None = None
        self.heard = False
        self.dialog: bool | None = None


def report(telemetry: Telemetry, conversation_id: str, fault: Exception) -> None:
    """Tell telemetry and log that an ordinary turn raised; once, however often it is caught."""
    turn = current_turn()
    if isinstance(turn, BotTurn):
        if turn.fault is fault:
            return
        turn.fault = fault
    tell(telemetry, conversation_id, fault, proactive=False)


def tell(telemetry: Telemetry, conversation_id: str, fault: Exception, *, proactive: bool) -> None:
    """Tell telemetry and log that a turn raised."""
    _log.error("A turn in %r failed.", conversation_id, exc_info=fault)
    telemetry.emit(
        TurnFailed(conversation_id=conversation_id, proactive=proactive, error=described(fault))
    )


def described(fault: BaseException) -> str:
    """One line about an exception, for the record."""
    return f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__


def guard(app: AgentApplication[Any], telemetry: Telemetry) -> None:
    """Keep the application's error handlers out of proactive turns.

    They exist to apologise to a person who asked; in a proactive turn nobody did, and the error
    belongs to the delivery's record. The application calls its handlers in order and re-raises
    only if it has none, so a handler of ours stays first in its (private) list, however many the
    bot adds later, and does as the application would without it.
    """
    handlers = app._turn_error_handlers  # noqa: SLF001 - there is no other way to be first

    async def recado_guard(context: TurnContext, fault: Exception) -> None:
        if current_run() is not None:
            raise fault
        report(telemetry, context.activity.conversation.id, fault)
        if len(handlers) == 1:
            raise fault

    handlers.insert(0, recado_guard)
