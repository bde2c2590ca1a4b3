"""The database's clock: what machines with wrong clocks agree on."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from recado.database_url import PostgresAddress
from recado.store.postgres import PostgresStore
from recado.store.postgres.clock import DatabaseClock
from tests.store.kit import postgres_address

HOUR = timedelta(hours=1)


def server(ahead: timedelta) -> Callable[[], Awaitable[int]]:
    """A server whose clock differs from this machine's."""

    async def ask() -> int:
        now = datetime.now(UTC) + ahead
        return int(now.timestamp() * 1_000_000)

    return ask


async def test_it_tells_the_servers_time() -> None:
    """Not this machine's."""
    clock = DatabaseClock(server(3 * HOUR))
    await clock.look()
    assert abs(clock.now() - datetime.now(UTC) - 3 * HOUR) < timedelta(seconds=1)


async def test_before_it_has_looked_it_tells_this_machines() -> None:
    """There is no better one."""
    clock = DatabaseClock(server(3 * HOUR))
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


async def test_a_jump_of_this_machines_clock_is_not_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between two looks, time is counted by what cannot jump."""
    clock = DatabaseClock(server(timedelta(0)))
    await clock.look()
    before = clock.now()
    jumped = time.time
    monkeypatch.setattr(time, "time", lambda: jumped() + 7200)
    assert timedelta(0) <= clock.now() - before < timedelta(seconds=1)


async def test_small_differences_are_the_networks() -> None:
    """The time does not go back by a millisecond every half a minute."""
    ahead = timedelta(0)

    async def ask() -> int:
        return int((datetime.now(UTC) + ahead).timestamp() * 1_000_000)

    clock = DatabaseClock(ask)
    await clock.look()
    first = clock.now()
    ahead = timedelta(milliseconds=-4)
    await clock.look()
    assert clock.now() >= first
    ahead = timedelta(minutes=-1)
    await clock.look()
    assert clock.now() < first, "a difference that is one is taken over"


async def test_a_store_without_a_clock_has_the_servers(migrated_url: str) -> None:
    """Everything in the process goes by it."""
    address: PostgresAddress = postgres_address(migrated_url)
    store = PostgresStore(address)
    await store.open()
    assert isinstance(store.clock, DatabaseClock)
    assert abs(store.clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    await store.close()
