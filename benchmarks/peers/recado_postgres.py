"""Recado's broadcast on PostgreSQL."""

from __future__ import annotations

from benchmarks.peers import recado_broadcast
from benchmarks.peers._postgres import new_database


class Peer(recado_broadcast.Peer):
    """One notification to everyone known."""

    title = "Recado broadcast (PG)"
    packages = ("recado", "pyreqwest", "asyncpg")

    def database_url(self) -> str:
        return new_database(self.load)
