"""People answer while notifications arrive: thousands of interleavings, on both stores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from recado.store.port import Store
from recado.testing import HandClock
from tests.moments.race import Race
from tests.store.kit import BACKENDS, Backend

#: Conversations that race at once, each an interleaving of its own, and how often.
TOGETHER = 50
SEEDS = range(20)
STEPS = 8


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """The databases that processes share."""
    return BACKENDS[request.param]


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_dialog_is_untouched_and_nobody_is_interrupted(
    opened: Callable[[], Awaitable[Store]], backend: Backend, clock: HandClock, seed: int
) -> None:
    """Two processes take turns and accept; what is polite leaves when it may, by its deadline.

    The state of every dialog is what it is when nobody interrupts, every question is answered
    once, and what was accepted earlier has left earlier.
    """
    stores = [await opened(), await opened()]
    # One process delivers from a SQLite file, any number from PostgreSQL.
    delivering = 1 if backend is BACKENDS["sqlite"] else 2
    race = Race(stores, clock, seed, delivering=delivering)
    await race.run(TOGETHER, STEPS)  # it looks at everything said above, after each step
    talks = race.talks.values()
    assert not any(talk.waits for talk in talks)
    assert sum(len(talk.left) for talk in talks) > TOGETHER
    assert any(talk.answers for talk in talks)
    for desk in race.desks:
        await desk.bridge.finish()
