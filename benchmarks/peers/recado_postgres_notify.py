"""Recado's ``notify`` on PostgreSQL: each call committed before it returns."""

from __future__ import annotations

from benchmarks.peers import recado_notify
from benchmarks.peers._postgres import new_database


class Peer(recado_notify.Peer):
    """One notification to one conversation at a time."""

    title = "Recado notify (PG)"
    packages = ("recado", "pyreqwest", "asyncpg")

    def database_url(self) -> str:
        return new_database(self.load)
