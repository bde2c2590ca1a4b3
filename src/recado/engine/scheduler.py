"""The scheduler: says what schedules tell when its time has come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from recado.clock import Clock
from recado.domain.schedule import Firing
from recado.engine.service import Service
from recado.schedules import Schedules
from recado.telemetry import ScheduleFired, Telemetry

#: Schedules per step, so that no step holds the writer for long (promise 1: 50 ms).
_STEP: Final = 50
#: At most this long between looks, for what other processes have scheduled: what is due is said
#: within 250 ms.
_LOOK_AGAIN: Final = 0.2
#: The same while other processes are at everything that is due.
_TAKEN: Final = 0.05


class Scheduler(Service):
    """Fires schedules that are due, each occurrence once, whichever processes do the same.

    Args:
        schedules: what there is to say.
        clock: the time.
        telemetry: told of errors.
        on_due: told when something was accepted.
    """

    def __init__(
        self,
        schedules: Schedules,
        clock: Clock,
        telemetry: Telemetry,
        *,
        on_due: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(clock, telemetry)
        self._schedules = schedules
        self._on_due = on_due

    async def run_once(self) -> float | None:
        following = await self._schedules.next_due()
        begun = self._clock.now()
        if following is None:
            return _LOOK_AGAIN
        if following > begun:
            return min(_LOOK_AGAIN, (following - begun).total_seconds())
        due, fired = await self._schedules.fire_due(_STEP)
        if not due:
            return _TAKEN
        if fired:
            self._on_due()
            self._tell_of(fired)
        # After a large step the writer is left to others for half as long.
        took = (self._clock.now() - begun).total_seconds() if due >= _STEP else 0.0
        return max(0.0, took / 2)

    def _tell_of(self, fired: Sequence[Firing]) -> None:
        now = self._clock.now()
        for each in fired:
            self._telemetry.emit(
                ScheduleFired(
                    schedule_id=each.schedule_id,
                    kind=str(each.kind),
                    notification_id=each.notification_id,
                    detail=each.detail,
                    late=(now - each.occurrence).total_seconds(),
                )
            )
