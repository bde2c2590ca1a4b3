"""The use cases around recipients: their zone, and when they want to be told things."""

from recado.recipients.recipients import Recipients, Who

__all__ = ["Recipients", "Who"]
