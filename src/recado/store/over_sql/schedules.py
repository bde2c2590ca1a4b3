"""The storage port over SQL: schedules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from recado.domain.schedule import Firing, Occurrence, Schedule, Timing
from recado.store.over_sql.transactions import Transactions
from recado.store.port.schedules import Fire, Said, ScheduleFilter
from recado.store.port.values import Page
from recado.store.verbs import occurrences, schedules
from recado.store.verbs.rows import maybe_instant, micros


class SqlSchedules(Transactions):
    """Implements :class:`recado.store.port.schedules.ScheduleStore`."""

    async def create_schedule(self, schedule: Schedule, lanes: Sequence[int]) -> Schedule:
        return await self._write(lambda db: schedules.create(db, schedule, lanes))

    async def schedule(self, bot: str, name: str) -> Schedule | None:
        return await self._read(lambda db: schedules.one(db, bot, name))

    async def schedules(
        self, bot: str, wanted: ScheduleFilter, *, after: str | None = None, limit: int = 100
    ) -> Page[Schedule]:
        return await self._read(lambda db: schedules.page(db, bot, wanted, after, limit))

    async def upcoming_schedules(
        self, bot: str, wanted: ScheduleFilter, limit: int
    ) -> Sequence[Schedule]:
        return await self._read(lambda db: schedules.upcoming(db, bot, wanted, limit))

    async def firings(self, schedule_id: str, limit: int) -> Sequence[Firing]:
        return await self._read(lambda db: schedules.firings(db, schedule_id, limit))

    async def firing_of(self, notification_id: str) -> Firing | None:
        return await self._read(lambda db: schedules.firing_of(db, notification_id))

    async def due_schedules(self, bot: str, now: datetime, limit: int) -> Sequence[Schedule]:
        return await self._read(lambda db: schedules.due(db, bot, micros(now), limit))

    async def next_schedule(self, bot: str) -> datetime | None:
        return maybe_instant(await self._read(lambda db: schedules.next_due(db, bot)))

    async def fire_schedules(self, fires: Sequence[Fire], now: datetime) -> Sequence[Firing]:
        return await self._working(lambda db: occurrences.fire(db, fires, micros(now)))

    async def run_schedule(self, schedule: Schedule, said: Said, now: datetime) -> Firing:
        return await self._working(lambda db: occurrences.run(db, schedule, said, micros(now)))

    async def pause_schedule(self, schedule: Schedule) -> Schedule | None:
        return await self._write(lambda db: schedules.pause(db, schedule))

    async def retime_schedule(
        self, schedule: Schedule, timing: Timing, due: Occurrence, reached: datetime
    ) -> Schedule | None:
        return await self._write(
            lambda db: schedules.retime(db, schedule, timing, due, micros(reached))
        )

    async def cancel_schedule(self, schedule: Schedule, now: datetime) -> Schedule | None:
        return await self._write(lambda db: schedules.cancel(db, schedule, micros(now)))
