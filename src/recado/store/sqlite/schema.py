"""The schema of a SQLite file: brought up to date when it is opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from recado.errors import StoreTooNew
from recado.store.queries import load_migrations


def migrate(db: sqlite3.Connection) -> int:
    """Apply the migrations this database has not seen, in order.

    It runs in the caller's transaction, so an upgrade happens whole or not at all, and once
    when several processes start together.

    Returns:
        The schema version reached.

    Raises:
        StoreTooNew: a newer program has upgraded this database further.
    """
    db.execute("CREATE TABLE IF NOT EXISTS recado_schema (version INTEGER NOT NULL) STRICT")
    found = version(db)
    migrations = load_migrations("sqlite")
    known = migrations[-1][0]
    if found > known:
        raise StoreTooNew(found=found, known=known)
    for number, script in migrations:
        if number > found:
            for statement in _statements(script):
                db.execute(statement)
            db.execute("INSERT INTO recado_schema (version) VALUES (?)", (number,))
    return known


def version(db: sqlite3.Connection) -> int:
    """The schema version, 0 for an empty database."""
    (found,) = db.execute("SELECT coalesce(max(version), 0) FROM recado_schema").fetchone()
    return int(found)


def _statements(script: str) -> Iterator[str]:
    """Split a script where SQLite itself sees a statement end (trigger bodies hold semicolons)."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(pending):
            yield pending
            pending = ""
