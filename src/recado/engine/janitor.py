"""The janitor: clears away what nobody will ask for again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from recado.clock import Clock
from recado.engine.service import Service
from recado.store.port import Store
from recado.telemetry import Telemetry

#: How often it looks round.
_ROUND: Final = timedelta(minutes=5)
#: Rows per step, so that no step holds the writer for long (promise 1: 50 ms).
_STEP: Final = 1_000


class Janitor(Service):
    """Forgets requests that no window counts any more, and pauses that are over.

    Args:
        store: where they are.
        clock: the time.
        telemetry: told of errors.
        longest_window: how far back the windows of the channels reach.
    """

    def __init__(
        self, store: Store, clock: Clock, telemetry: Telemetry, *, longest_window: timedelta
    ) -> None:
        super().__init__(clock, telemetry)
        self._store = store
        self._longest_window = longest_window

    async def run_once(self) -> float | None:
        now = self._clock.now()
        before = now - self._longest_window
        dropped = await self._store.forget_pace(stamps_before=before, now=now, limit=_STEP)
        return 0 if dropped == _STEP else _ROUND.total_seconds()
