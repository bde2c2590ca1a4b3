"""A DBOS workflow with one step on SQLite, its default."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers._dbos import DbosSender


class Peer(DbosSender):
    """DBOS on a file."""

    title = "DBOS (SQLite)"

    def database(self) -> str:
        return f"sqlite:///{Path(self.load.directory).resolve() / 'dbos.db'}"
