"""An office: schedules and their scheduler over a real store and a hand-wound clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from recado.domain.schedule import Firing, Schedule
from recado.engine.scheduler import Scheduler
from recado.outbox import Outbox
from recado.recipients import Recipients
from recado.references import References
from recado.schedules import Schedules
from recado.store.port import Store
from recado.telemetry import Telemetry
from recado.testing import HandClock
from tests.store.kit import Desk

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Office(Desk):
    """What makes and fires schedules in one process."""

    def __init__(self, store: Store, clock: HandClock, owner: str = "me") -> None:
        super().__init__(store, clock, owner)
        self.telemetry = Telemetry()
        self.references = References(store, self.telemetry)
        self.outbox = Outbox(store, self.references, clock, self.telemetry, bot="local")
        self.changes = 0
        self.schedules = Schedules(
            store,
            self.outbox,
            self.references,
            Recipients(store, self.references, clock, bot="local", rules=self.rules),
            clock,
            bot="local",
            zone="UTC",
            on_change=self._on_change,
        )
        self.scheduler = Scheduler(self.schedules, clock, self.telemetry)

    def _on_change(self) -> None:
        self.changes += 1

    async def create(self, text: str = "tick", to: str = "user:29:ana", **when: Any) -> Schedule:
        """A schedule for Ana that says *text* every hour, or as *when* says."""
        if not when.keys() & {"at", "after", "every", "cron", "rrule"}:
            when["every"] = HOUR
        return await self.schedules.create(to, text, **when)

    async def step(self) -> None:
        """Fire until nothing is due."""
        while True:
            following = await self.schedules.next_due()
            if following is None or following > self.now:
                return
            await self.scheduler.run_once()

    async def wind(self, length: timedelta) -> list[str]:
        """Wind the clock, and fire what that brings; what is said then."""
        self.clock.advance(length.total_seconds())
        await self.step()
        return await self.drain()

    async def history(self, schedule: Schedule) -> list[Firing]:
        """What became of its occurrences, the first first."""
        return list(reversed(await self.schedules.firings(schedule.id, 1000)))
