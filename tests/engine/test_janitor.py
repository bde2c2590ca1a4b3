"""The janitor: what it asks the store to forget, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from recado.domain.reference import Health
from recado.engine.janitor import Janitor, JanitorSettings
from recado.store.port import Forgotten, Old
from recado.store.sqlite import SqliteStore
from recado.telemetry import Telemetry
from recado.testing import HandClock
from tests.store.kit import Desk

DAY: Final = timedelta(days=1)
SETTINGS: Final = JanitorSettings(
    longest_window=timedelta(hours=1), history=90 * DAY, audit=365 * DAY
)


class Watched(SqliteStore):
    """A store that writes down what it was asked to forget."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(None, clock)
        self.asked: list[tuple[Old, datetime, str]] = []
        self.months: list[datetime] = []
        self.busy = False

    async def make_months(self, now: datetime) -> None:
        self.months.append(now)

    async def forget(
        self, what: Old, before: datetime, *, after: str = "", limit: int = 500
    ) -> Forgotten | None:
        self.asked.append((what, before, after))
        if self.busy:
            return None
        return await super().forget(what, before, after=after, limit=min(limit, 2))


@pytest.fixture
async def store() -> AsyncIterator[Watched]:
    """An open store in memory, whose day is today's."""
    store = Watched(HandClock(datetime.now(UTC)))
    await store.open()
    yield store
    await store.close()


def janitor_of(store: SqliteStore) -> Janitor:
    """A janitor that has not begun."""
    return Janitor(store, store.clock, Telemetry(), settings=SETTINGS)


async def a_round(janitor: Janitor) -> float | None:
    """Let it do what there is to do at one time; how long it sleeps then."""
    while (pause := await janitor.run_once()) == 0:
        pass
    return pause


async def test_a_round_forgets_everything_old(store: Watched) -> None:
    """In steps, until nothing is left; then it sleeps."""
    desk = Desk(store, store.clock)  # type: ignore[arg-type]  # it is wound by hand
    ana = await desk.meet()
    made = [await desk.say(f"{number}", ana) for number in range(5)]
    for _ in made:
        await desk.send()
    janitor = janitor_of(store)
    await a_round(janitor)
    assert sorted(await desk.ids()) == sorted(made)
    desk.later(100 * 24 * 3600)
    lately = await desk.say("lately", ana)
    assert await a_round(janitor) == 300
    assert await desk.ids() == [lately]


async def test_each_kind_has_its_time(store: Watched) -> None:
    """In the order in which one needs the other; a round is for one time, however long it takes."""
    began = store.clock.now()
    await a_round(janitor_of(store))
    assert store.asked == [
        (what, began - (365 * DAY if what is Old.AUDIT else 90 * DAY), "") for what in Old
    ]
    assert store.months == [began]


async def test_a_round_is_due_every_hour(store: Watched) -> None:
    """What is counted by the second is cleared more often."""
    desk = Desk(store, store.clock)  # type: ignore[arg-type]  # as above
    janitor = janitor_of(store)
    for minutes in (0, 5, 50, 10):
        desk.later(60 * minutes)
        await a_round(janitor)
    assert len(store.months) == 2


async def test_where_another_is_at_it_the_round_ends(store: Watched) -> None:
    """And the next one begins at the beginning."""
    desk = Desk(store, store.clock)  # type: ignore[arg-type]  # as above
    ana = await desk.meet()
    await desk.make_unreachable(ana, Health.BLOCKED)
    store.busy = True
    janitor = janitor_of(store)
    assert await a_round(janitor) == 300
    assert [what for what, _, _ in store.asked] == [Old.MONTHS]
    store.busy = False
    desk.later(3600)
    await a_round(janitor)
    assert [what for what, _, _ in store.asked] == [Old.MONTHS, *Old]
