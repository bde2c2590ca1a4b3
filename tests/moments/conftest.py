from __future__ import annotations

from tests.bot.conftest import bench
from tests.store.conftest import backend, clock, opened, store

__all__ = ["backend", "bench", "clock", "opened", "store"]
