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
        moved = await self._store.expand(self._clock.now(), _STEP)
        moved += await self._store.promote(self._clock.now(), _STEP)
        moved += await self._store.try_offers(self._clock.now(), _STEP)
        if moved:
            self._on_due()
            return 0
        due = await self._store.next_due()
        if due is None:
            return _LOOK_AGAIN
        left = (due - self._clock.now()).total_seconds()
        return min(_LOOK_AGAIN, left) if left > 0 else _LOOK_AGAIN
