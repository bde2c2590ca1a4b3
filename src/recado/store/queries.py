"""Named SQL statements, read from the files under ``store/sql/``.

A statement that every dialect understands stands in ``sql/common/``, any other in each dialect's
own folder; the files are named after topics. A statement begins at a line ``-- name: <name>`` and
ends at the next one; the comment lines that follow its name say what it is for.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final, NamedTuple

_COMMON: Final = "common"


def load_queries(dialect: str, topic: str) -> dict[str, str]:
    """The statements of one topic.

    Args:
        dialect: ``sqlite`` or ``postgres``.
        topic: the name of its files without ``.sql``.

    Raises:
        ValueError: two statements have the same name.
    """
    queries: dict[str, str] = {}
    for folder in (_COMMON, dialect):
        file = files("recado.store") / "sql" / folder / f"{topic}.sql"
        if not file.is_file():
            continue
        for part in file.read_text("utf-8").split("-- name: ")[1:]:
            name, _, statement = part.partition("\n")
            if name.strip() in queries:
                raise ValueError(f"{topic}.sql names {name.strip()} twice.")
            queries[name.strip()] = statement.strip().removesuffix(";")
    return queries


def load_dialect(dialect: str) -> dict[str, str]:
    """Every statement of a dialect, by ``topic.name``."""
    topics = {
        entry.name.removesuffix(".sql")
        for folder in (_COMMON, dialect)
        for entry in (files("recado.store") / "sql" / folder).iterdir()
        if entry.name.endswith(".sql")
    }
    return {
        f"{topic}.{name}": text
        for topic in sorted(topics)
        for name, text in load_queries(dialect, topic).items()
    }


class Migration(NamedTuple):
    """A step from one version of the schema to the next."""

    #: The version it leads to.
    number: int
    #: Programs of this version and later work with what it leaves behind. A script says so in a
    #: line ``-- oldest: <number>``; without one only those that know it do.
    oldest: int
    script: str


def load_migrations(dialect: str) -> list[Migration]:
    """Numbered migrations, in order: their files are named ``<number>_<title>.sql``."""
    folder = files("recado.store") / "sql" / dialect / "migrations"
    return sorted(
        _migration(entry.name, entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    )


def _migration(name: str, script: str) -> Migration:
    number = int(name.partition("_")[0])
    told = re.search(r"^-- oldest: (\d+)$", script, re.MULTILINE)
    return Migration(number, int(told[1]) if told else number, script)
