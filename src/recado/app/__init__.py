"""The composition root: builds store, channel, engine and bot, starts and stops them in order."""

from __future__ import annotations

from recado.app.loading import load_agent
from recado.app.recado import Recado
from recado.app.server import create_server, create_worker

__all__ = ["Recado", "create_server", "create_worker", "load_agent"]
