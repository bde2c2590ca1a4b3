"""A DBOS workflow with one step on PostgreSQL."""

from __future__ import annotations

from benchmarks.peers._dbos import DbosSender
from benchmarks.peers._postgres import new_database


class Peer(DbosSender):
    """DBOS on a server."""

    title = "DBOS (PG)"

    def database(self) -> str:
        return new_database(self.load).replace("postgresql://", "postgresql+psycopg://")
