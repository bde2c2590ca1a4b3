"""The use cases around schedules: something to say at times that a rule tells."""

from recado.schedules.schedules import Schedules, Upcoming

__all__ = ["Schedules", "Upcoming"]
