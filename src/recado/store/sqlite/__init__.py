"""The SQLite adapter."""

from recado.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
