from __future__ import annotations

from collections.abc import Callable

import pytest
from microsoft_agents.hosting.core import MemoryStorage, Storage

from recado.bot.storage import RecadoStorage
from recado.channel.hosts import HostRules
from recado.store.port import Store
from tests.bot.conftest import bench
from tests.store.conftest import backend, clock, opened, store

__all__ = ["backend", "bench", "clock", "opened", "store"]

#: Makes a storage over the test's database, with the arguments of ``recado.storage``.
MakeStorage = Callable[..., RecadoStorage]


@pytest.fixture
def make_storage(store: Store) -> MakeStorage:
    """Makes storages that share one database, as processes do."""

    def make(bot: str = "local", **given: object) -> RecadoStorage:
        rules = HostRules(allow_loopback=True)
        return RecadoStorage(store, bot=bot, check_service_url=rules.check, **given)  # type: ignore[arg-type]

    return make


@pytest.fixture(params=["recado", "strict", "the SDK's own"])
def storage(request: pytest.FixtureRequest, make_storage: MakeStorage) -> Storage:
    """Ours, and the one the SDK's bots have otherwise."""
    if request.param == "the SDK's own":
        return MemoryStorage()
    return make_storage(strict=request.param == "strict")
