"""The storage port over any database that runs the verbs, cut as the port is."""

from __future__ import annotations

from recado.store.over_sql.store import SqlStore

__all__ = ["SqlStore"]
