"""What a clock on a wall shows; which instant that is says :mod:`recado.domain.zones`."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def wall_of(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks in *zone* show at an instant, without a zone."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)
