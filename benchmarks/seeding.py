"""A database with as many references as wanted.

The first one is captured as Recado captures it. The others are copied from it by SQL with ids of
their own, because a million captures take minutes and what is measured is what comes after them.
A test holds a copy against a captured one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.load import Load, conversation_id, user_id
from benchmarks.peers._recado import RecadoSender


async def seed(load: Load, count: int) -> Path:
    """Make the database of a run, with references to conversations 0 to *count* - 1.

    Args:
        load: where the channel listens, and the directory the database is made in.
        count: how many.

    Returns:
        The file.
    """
    sender = RecadoSender(load)
    await sender.recado.open()
    await sender.learn(range(1))
    await sender.recado.stop()
    with closing(sqlite3.connect(sender.database)) as db, db:
        for table, number in (("recado_reference", "number"), ("recado_member", "reference")):
            _multiply(db, table, number, count)
        db.execute("ANALYZE")
    with closing(sqlite3.connect(sender.database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return sender.database


def _multiply(db: sqlite3.Connection, table: str, number: str, count: int) -> None:
    """Copy the only row of *table* until there is one for each conversation."""
    columns = [(row[1], row[2]) for row in db.execute(f"PRAGMA table_info({table})")]
    values = [_value(name, kind, number) for name, kind in columns]
    names = ", ".join(name for name, _ in columns)
    db.execute(
        "WITH RECURSIVE counted (n) AS "  # noqa: S608 - names and expressions of our own
        "(SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < :count) "
        f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM counted, {table}",
        {
            "count": count,
            "conversation": conversation_id(0),
            "conversations": conversation_id(0)[:-7],
            "user": user_id(0),
            "users": user_id(0)[:-7],
        },
    )


def _value(name: str, kind: str, number: str) -> str:
    """What a column of the copy for conversation *n* is."""
    if name == number:
        return f"{name} + n"
    if name == "id":
        return "substr(id, 1, length(id) - 8) || printf('%08x', n)"
    if kind != "TEXT":
        return name
    replaced = f"replace({name}, :conversation, :conversations || printf('%07d', n))"
    return f"replace({replaced}, :user, :users || printf('%07d', n))"
