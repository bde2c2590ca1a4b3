"""The timekeeper: lets in what is due, ends what has outlived its use, expands broadcasts."""

from __future__ import annotations

from collections.abc import Callable

from recado.clock import Clock
from recado.engine.service import Service
from recado.store.port import Store
from recado.telemetry import Telemetry

#: Rows per step, so that no step holds the writer for long (promise 1: 50 ms).
_STEP = 500
#: At most this long between looks, for what other processes accepted.
_LOOK_AGAIN = 0.5


class Timekeeper(Service):
    """Moves deliveries into their lanes when their time has come."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        telemetry: Telemetry,
        *,
        on_due: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(clock, telemetry)
        self._store = store
        self._on_due = on_due

    async def run_once(self) -> float | None:
        begun = self._clock.now()
        moved = await self._store.expand(begun, _STEP)
        moved += await self._store.promote(self._clock.now(), _STEP)
        moved += await self._store.try_offers(self._clock.now(), _STEP)
        if moved:
            self._on_due()
            # The writer is left to others for half as long, so that a broadcast to a million does
            # not keep an urgent message waiting.
            return max(0.0, (self._clock.now() - begun).total_seconds() / 2)
        due = await self._store.next_due()
        if due is None:
            return _LOOK_AGAIN
        left = (due - self._clock.now()).total_seconds()
        return min(_LOOK_AGAIN, left) if left > 0 else _LOOK_AGAIN
