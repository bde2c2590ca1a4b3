"""The janitor: clears away what nobody will ask for again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from recado.clock import Clock
from recado.engine.service import Service
from recado.store.port import Old, Store
from recado.telemetry import Telemetry

#: How often it looks round.
_ROUND: Final = timedelta(minutes=5)
#: How often it looks for what is old, of which there is more after days than after minutes.
_OLD_ROUND: Final = timedelta(hours=1)
#: Counts of requests per step, so that no step holds the writer for long (promise 1: 50 ms).
_STEP: Final = 1_000
#: As many rows of what is old, whose indexes are larger.
_OLD_STEP: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class JanitorSettings:
    """How long things are kept.

    Attributes:
        longest_window: how far back the windows of the channels reach.
        history: what has ended, since then.
        audit: what has become of references.
    """

    longest_window: timedelta
    history: timedelta
    audit: timedelta


class Janitor(Service):
    """Forgets requests that no window counts any more, pauses that are over, and what is old.

    Args:
        store: where they are.
        clock: the time.
        telemetry: told of errors.
        settings: how long things are kept.
    """

    def __init__(
        self, store: Store, clock: Clock, telemetry: Telemetry, *, settings: JanitorSettings
    ) -> None:
        super().__init__(clock, telemetry)
        self._store = store
        self._settings = settings
        #: What of this round is still to be looked through, where that goes on, and up to when
        #: what is looked through has ended.
        self._left: deque[Old] = deque()
        self._after = ""
        self._began: datetime | None = None

    async def run_once(self) -> float | None:
        now = self._clock.now()
        before = now - self._settings.longest_window
        dropped = await self._store.forget_pace(stamps_before=before, now=now, limit=_STEP)
        if not self._left and (self._began is None or now >= self._began + _OLD_ROUND):
            await self._store.make_months(now)
            self._left.extend(Old)
            self._began = now
        if self._left:
            await self._forget(self._left[0], self._began or now)
        if self._left or dropped == _STEP:
            # The writer is left to others for as long, so that nobody notices.
            return max(0.0, (self._clock.now() - now).total_seconds())
        return _ROUND.total_seconds()

    async def _forget(self, what: Old, began: datetime) -> None:
        """One step of this round."""
        kept = self._settings.audit if what is Old.AUDIT else self._settings.history
        step = await self._store.forget(what, began - kept, after=self._after, limit=_OLD_STEP)
        if step is None:
            self._left.clear()  # another process is at it
        elif step.after is None:
            self._left.popleft()
        self._after = "" if step is None or step.after is None else step.after
