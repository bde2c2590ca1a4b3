"""What the senders on PostgreSQL have in common: each run has a database of its own."""

from __future__ import annotations

from pathlib import PurePath

import psycopg
from psycopg import sql

from benchmarks.load import Load


def new_database(load: Load) -> str:
    """Make a database for this run; its URL."""
    name = PurePath(load.directory).name.replace("-", "_").lower()
    with psycopg.connect(load.postgres, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return load.postgres.replace("/postgres?", f"/{name}?")
