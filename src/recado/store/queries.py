"""Named SQL statements, read from the files under ``store/sql/<dialect>/``.

A statement begins at a line ``-- name: <name>`` and ends at the next one; the comment lines
that follow its name say what it is for.
"""

from __future__ import annotations

from importlib.resources import files


def load_queries(dialect: str, topic: str) -> dict[str, str]:
    """The statements of one file.

    Args:
        dialect: ``sqlite`` or ``postgres``.
        topic: the file's name without ``.sql``.

    Raises:
        ValueError: two statements have the same name.
    """
    text = (files("recado.store") / "sql" / dialect / f"{topic}.sql").read_text("utf-8")
    queries: dict[str, str] = {}
    for part in text.split("-- name: ")[1:]:
        name, _, statement = part.partition("\n")
        if name.strip() in queries:
            raise ValueError(f"{topic}.sql names {name.strip()} twice.")
        queries[name.strip()] = statement.strip().removesuffix(";")
    return queries


def load_migrations(dialect: str) -> list[tuple[int, str]]:
    """Numbered migrations, in order: their files are named ``<number>_<title>.sql``."""
    folder = files("recado.store") / "sql" / dialect / "migrations"
    found = [
        (int(entry.name.partition("_")[0]), entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    ]
    return sorted(found)
