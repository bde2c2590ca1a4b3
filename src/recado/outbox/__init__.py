"""The outbox: the use cases around notifications, shared by bot, web and CLI."""

from recado.outbox.composing import Options
from recado.outbox.enqueuing import Enqueuing
from recado.outbox.handle import Handle
from recado.outbox.outbox import Outbox
from recado.outbox.turn import CurrentTurn, current_turn, in_turn

__all__ = ["CurrentTurn", "Enqueuing", "Handle", "Options", "Outbox", "current_turn", "in_turn"]
