from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from recado.store.port import Store
from recado.testing import HandClock
from tests.store.kit import BACKENDS, Backend, Desk


@pytest.fixture
def clock() -> HandClock:
    """The time."""
    return HandClock()


@pytest.fixture(params=list(BACKENDS.values()), ids=list(BACKENDS))
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each of the databases in turn."""
    chosen: Backend = request.param
    return chosen


@pytest.fixture
async def opened(
    backend: Backend, request: pytest.FixtureRequest, clock: HandClock
) -> AsyncIterator[Callable[[], Awaitable[Store]]]:
    """Opens stores over the test's database, each like another process."""
    place = request.getfixturevalue(backend.place)
    async with AsyncExitStack() as stack:

        async def open_store() -> Store:
            store = backend.make(place, clock)
            await store.open()
            stack.push_async_callback(store.close)
            return store

        yield open_store


@pytest.fixture
async def store(opened: Callable[[], Awaitable[Store]]) -> Store:
    """An open store over an empty database."""
    return await opened()


@pytest.fixture
async def desk(store: Store, clock: HandClock) -> Desk:
    """A desk at the store."""
    return Desk(store, clock)


@pytest.fixture
async def successor(
    desk: Desk, backend: Backend, opened: Callable[[], Awaitable[Store]], clock: HandClock
) -> Desk:
    """A desk in another process, over the same database."""
    if not backend.durable:
        pytest.skip("this store lives and dies with its process")
    return Desk(await opened(), clock, owner="successor")
