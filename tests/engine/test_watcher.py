"""The watcher: what has happened is looked at, and what has come true is delivered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from recado.domain.watch import WatchState
from recado.engine.watcher import STEP, Stride, Watcher
from recado.errors import StoreUnavailable
from recado.references import References
from recado.store.port import Evaluated
from recado.telemetry import EventAccepted, ServiceFailed, WatchesFired
from recado.testing import make_sighting
from recado.watches import Watches
from tests.engine.kit import Bench


@pytest.fixture
async def watches(bench: Bench) -> Watches:
    """The watches of a bench whose watcher runs."""
    await bench.store.capture([make_sighting(f"a:{number}") for number in range(30)])
    watcher = Watcher(bench.store, bench.clock, bench.telemetry, step=10)
    made = Watches(
        bench.store,
        References(bench.store, bench.telemetry),
        bench.clock,
        bench.telemetry,
        bot="local",
        on_event=watcher.wake,
    )
    await bench.start()
    bench._services.append(watcher)  # noqa: SLF001 - it stops with the others
    watcher.start()
    await bench.quiet()
    return made


async def test_what_comes_true_is_said(bench: Bench, watches: Watches) -> None:
    """As soon as it is told, without the clock going on; and telemetry is told of both."""
    await watches.create("conversation:a:1", subject="price", rule="drop 20%", text="{value}!")
    await watches.emit("price", 100)
    await watches.emit("price", 80, id="e2", source="shop")
    await bench.quiet()
    assert bench.texts_sent == ["80!"]
    accepted = bench.told(EventAccepted)
    assert [(each.subject, each.watching, each.replayed) for each in accepted] == [
        ("price", 1, False),
        ("price", 1, False),
    ]
    (fired,) = bench.told(WatchesFired)
    assert (fired.event_id, fired.source, fired.fired) == ("e2", "shop", 1)


async def test_all_that_watch_are_told(bench: Bench, watches: Watches) -> None:
    """In steps, each in their own conversation."""
    for number in range(30):
        await watches.create(f"conversation:a:{number}", subject="price", rule="below 50")
    await watches.emit("price", 49)
    await bench.quiet()
    assert len(bench.texts_sent) == 30
    assert sum(each.fired for each in bench.told(WatchesFired)) == 30


async def test_what_another_process_took_in_is_seen(bench: Bench, watches: Watches) -> None:
    """Within half a second, by looking; and so is what was left before a restart."""
    await watches.create("conversation:a:1", subject="price", rule="above 1")
    other = Watches(
        bench.store,
        References(bench.store, bench.telemetry),
        bench.clock,
        bench.telemetry,
        bot="local",
    )
    bench.store.on_work(bench.dispatcher.wake)  # nobody tells the watcher
    await other.emit("price", 2)
    await bench.quiet()
    assert bench.texts_sent == []
    await bench.wind(0.5)
    assert bench.texts_sent == ["price: 2 (before: unknown)"]


async def test_time_that_is_up_is_noticed(bench: Bench, watches: Watches) -> None:
    """Without an event."""
    watch = await watches.create(
        "conversation:a:1", subject="price", rule="above 1", expires=timedelta(minutes=1)
    )
    for _ in range(30):
        await bench.wind(5)
    assert (await watches.get(watch.id)).state is WatchState.EXPIRED


async def test_trouble_ends(
    bench: Bench, watches: Watches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away for a moment: it is told, and all is looked at after that."""
    await watches.create("conversation:a:1", subject="price", rule="above 1")
    evaluate = bench.store.evaluate
    away = 2

    async def sometimes(*asked: Any) -> Evaluated:
        nonlocal away
        away -= 1
        if away >= 0:
            raise StoreUnavailable("It is away.")
        return await evaluate(*asked)

    monkeypatch.setattr(bench.store, "evaluate", sometimes)
    await watches.emit("price", 2)
    await bench.quiet()
    await bench.wind(1)
    await bench.wind(1)
    assert [each.service for each in bench.told(ServiceFailed)] == ["Watcher", "Watcher"]
    assert len(bench.texts_sent) == 1


def test_steps_are_as_long_as_the_database_allows() -> None:
    """Shorter when one took long, however slow it is; and longer again when it is fast."""
    stride = Stride()
    sizes = []
    for seconds in (0.001, 0.03, 0.03, 0.02, 0.03, 0.5, 0.5, 0.5, 0.001, 0.001):
        stride.took(seconds)
        sizes.append(stride.size)
    assert sizes == [STEP, 125, 62, 62, 31, 25, 25, 25, 50, 100]
    for _ in range(5):
        stride.took(0.0)
    assert stride.size == STEP
    small = Stride(10)
    small.took(1)
    assert small.size == 10
