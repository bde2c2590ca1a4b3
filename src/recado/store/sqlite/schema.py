"""The schema of a SQLite file: brought up to date when it is opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from recado.errors import StoreEmpty, StoreTooNew
from recado.store.queries import load_migrations

_OURS: Final = "SELECT 1 FROM sqlite_schema WHERE name = 'recado_schema'"


def migrate(db: sqlite3.Connection, *, make: bool = True, where: str = "") -> None:
    """Apply the migrations this database has not seen, in order.

    It runs in the caller's transaction, so an upgrade happens whole or not at all, and once
    when several processes start together.

    Args:
        db: the database.
        make: whether one with nothing of ours in it is made one of ours.
        where: how people are told which database it is.

    Raises:
        StoreEmpty: nothing of ours is in it, and that is not to be changed.
        StoreTooNew: a newer program has upgraded this database to what this one cannot work with.
    """
    if not make and not db.execute(_OURS).fetchone():
        raise StoreEmpty(where)
    db.execute("CREATE TABLE IF NOT EXISTS recado_schema (version INTEGER NOT NULL) STRICT")
    (found,) = db.execute("SELECT coalesce(max(version), 0) FROM recado_schema").fetchone()
    migrations = load_migrations("sqlite")
    known = migrations[-1].number
    if found > known and _oldest(db, found) > known:
        raise StoreTooNew(found=found, known=known)
    for each in migrations:
        if each.number > found:
            for statement in _statements(each.script):
                db.execute(statement)
            db.execute("INSERT INTO recado_schema (version) VALUES (?)", (each.number,))
            if each.oldest < each.number:
                latest = (each.oldest, each.number)
                db.execute("UPDATE recado_schema SET oldest = ? WHERE version = ?", latest)


def _oldest(db: sqlite3.Connection, version: int) -> int:
    """The oldest program that works with a database of a version this one does not know."""
    columns = {row[1] for row in db.execute("PRAGMA table_info(recado_schema)")}
    if "oldest" not in columns:
        return version
    wanted = "SELECT coalesce(oldest, version) FROM recado_schema WHERE version = ?"
    (oldest,) = db.execute(wanted, (version,)).fetchone()
    return int(oldest)


def _statements(script: str) -> Iterator[str]:
    """Split a script where SQLite itself sees a statement end (trigger bodies hold semicolons)."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(pending):
            yield pending
            pending = ""
