"""The local channel's history in SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from recado.store.queries import load_queries
from recado.store.sqlite import rows

_SQL = load_queries("sqlite", "local")


def start(db: sqlite3.Connection, conversation: str, user: Mapping[str, Any] | None) -> bool:
    known = rows.maybe_dumps(user)
    new = db.execute(_SQL["start"], (conversation, known)).rowcount > 0
    if not new and known is not None:
        db.execute(_SQL["meet"], (known, conversation))
    return new


def user(db: sqlite3.Connection, conversation: str) -> tuple[bool, Mapping[str, Any] | None]:
    row = db.execute(_SQL["user"], (conversation,)).fetchone()
    return (False, None) if row is None else (True, rows.maybe_loads(row["user"]))


def append(
    db: sqlite3.Connection, conversation: str, activity: Mapping[str, Any], key: str | None
) -> tuple[int, bool]:
    if key is not None:
        row = db.execute(_SQL["by_key"], (conversation, key)).fetchone()
        if row is not None:
            return row["position"], False
    (position,) = db.execute(
        _SQL["append"],
        {"conversation": conversation, "activity": rows.dumps(activity), "key": key},
    ).fetchone()
    return position, True


def replace(
    db: sqlite3.Connection,
    conversation: str,
    position: int,
    activity: Mapping[str, Any] | None,
) -> bool:
    written = rows.maybe_dumps(activity)
    return db.execute(_SQL["replace"], (written, conversation, position)).rowcount > 0


def history(
    db: sqlite3.Connection, conversation: str, after: int, limit: int
) -> list[tuple[int, Mapping[str, Any]]]:
    found = db.execute(_SQL["history"], (conversation, after, limit))
    return [(row["position"], json.loads(row["activity"])) for row in found]
