from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from recado.store.port import Store
from recado.testing import HandClock
from tests.schedules.kit import Office
from tests.store.kit import BACKENDS, Backend

MakeOffice = Callable[..., Awaitable[Office]]


@pytest.fixture
def clock() -> HandClock:
    """The time."""
    return HandClock()


@pytest.fixture(params=["sqlite", "postgres"])
async def make_office(
    request: pytest.FixtureRequest, clock: HandClock
) -> AsyncIterator[MakeOffice]:
    """Makes offices over one database and one clock, each like another process."""
    backend: Backend = BACKENDS[request.param]
    place = request.getfixturevalue(backend.place)
    async with AsyncExitStack() as stack:

        async def make(wrap: Callable[[Store], Store] = lambda store: store) -> Office:
            store = backend.make(place, clock)
            await store.open()
            stack.push_async_callback(store.close)
            return Office(wrap(store), clock)

        yield make


@pytest.fixture
async def office(make_office: MakeOffice) -> Office:
    """An office to which Ana is known."""
    made = await make_office()
    await made.meet("a:1", timezone="Europe/Madrid")
    return made
