"""The watcher: has watches look at what has happened, and ends those whose time is up."""

from __future__ import annotations

from typing import Final

from recado.clock import Clock
from recado.engine.service import Service
from recado.store.port import Store
from recado.telemetry import Telemetry, WatchesFired

#: Watches that look in one step at most.
STEP: Final = 250
#: And at least, however slow the database is.
_SMALLEST: Final = 25
#: Seconds: a step that took longer is followed by a smaller one, so that none holds the writer for
#: long (promise 1: 50 ms), and one that took less than a third of that by a larger one.
_LONG: Final = 0.025
#: At most this long between looks, for what other processes accepted.
_LOOK_AGAIN: Final = 0.5
#: How often it looks for watches whose time is up, in looks that found nothing.
_EXPIRE_EVERY: Final = 20


class Stride:
    """How many watches look in one step: what the database did of late says.

    Args:
        most: at most so many.

    Attributes:
        size: so many now.
    """

    def __init__(self, most: int = STEP) -> None:
        self._most = most
        self.size = most

    def took(self, seconds: float) -> None:
        """The last step took so long."""
        if seconds > _LONG:
            self.size = max(min(_SMALLEST, self._most), self.size // 2)
        elif seconds < _LONG / 3:
            self.size = min(self._most, self.size * 2)


class Watcher(Service):
    """Has watches look at events.

    Args:
        store: where both are.
        clock: the time.
        telemetry: told of what has fired.
        step: watches that look in one step at most.
    """

    def __init__(
        self, store: Store, clock: Clock, telemetry: Telemetry, *, step: int = STEP
    ) -> None:
        super().__init__(clock, telemetry)
        self._store = store
        self._step = step
        self._stride = Stride(step)
        #: Where the last step ended, so that subjects take turns.
        self._after = 0
        self._idle = 0

    async def run_once(self) -> float | None:
        begun = self._clock.now()
        if not await self._store.events_pending():
            return await self._rest()
        done = await self._store.evaluate(begun, self._after, self._stride.size)
        took = (self._clock.now() - begun).total_seconds()
        self._stride.took(took)
        self._after = done.after
        for each in done.events:
            if each.fired:
                self._telemetry.emit(
                    WatchesFired(
                        subject=each.subject,
                        event_id=each.event_id,
                        source=each.source,
                        fired=each.fired,
                    )
                )
        if not done.events:
            return _LOOK_AGAIN  # another process is at it
        # The writer is left to others for half as long, so that an event many watch does not keep
        # an urgent message waiting.
        return max(0.0, took / 2) if done.full else 0.0

    async def _rest(self) -> float:
        if self._idle % _EXPIRE_EVERY == 0:
            ended = await self._store.expire_watches(self._clock.now(), self._step)
            if ended == self._step:
                return 0.0
        self._idle += 1
        return _LOOK_AGAIN
