"""The statements: each is written once for every dialect, asks for the same, and is used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import recado.store
from recado.store.queries import load_dialect, load_queries

#: What only one of the databases needs, by topic.
ONLY_POSTGRES = {
    "session",  # to hold conversations, where SQLite has one writer at a time anyway
    "months",  # to keep history by months, which SQLite keeps in one table
    "turns",  # to keep turns apart, for which a SQLite file has another one beside it
    "processes",  # to know who delivers, for which a SQLite file has a lock beside it
}
#: What is no parameter although it looks like one: strings and comments.
SILENT = re.compile(r"'(?:[^']|'')*'|--[^\n]*")


SQLITE = load_dialect("sqlite")
POSTGRES = {
    name: text
    for name, text in load_dialect("postgres").items()
    if name.partition(".")[0] not in ONLY_POSTGRES
}


def names_in(statement: str) -> set[str]:
    """Parameters that are given by name; a cast ``::text`` is none."""
    return set(re.findall(r"(?<![:\w]):([a-z_]\w*)", SILENT.sub("", statement)))


def places_in(statement: str) -> int:
    """How many parameters are given by position."""
    return SILENT.sub("", statement).count("?")


def test_every_statement_is_written_in_both_dialects() -> None:
    """What can be done with one database can be done with the other."""
    assert SQLITE.keys() == POSTGRES.keys()


@pytest.mark.parametrize("name", sorted(SQLITE.keys() & POSTGRES.keys()))
def test_a_statement_takes_the_same_parameters_in_both_dialects(name: str) -> None:
    """So that one verb can give them."""
    assert names_in(SQLITE[name]) == names_in(POSTGRES[name])
    assert places_in(SQLITE[name]) == places_in(POSTGRES[name])


@pytest.mark.parametrize("statements", [SQLITE, POSTGRES], ids=["sqlite", "postgres"])
def test_parameters_come_by_name_or_by_position(statements: dict[str, str]) -> None:
    """Never both in one statement, and a position has no number of its own."""
    for name, text in statements.items():
        assert not (names_in(text) and places_in(text)), name
        assert not re.search(r"\?\d|\$\d", SILENT.sub("", text)), name


def test_what_both_dialects_understand_is_written_once() -> None:
    """A statement that is the same in both stands in the folder they share."""
    folder = Path(recado.store.__file__).parent / "sql" / "common"
    shared = {
        f"{file.stem}.{name}"
        for file in folder.glob("*.sql")
        for name in re.findall(r"^-- name: (\w+)$", file.read_text("utf-8"), re.MULTILINE)
    }
    alike = {name for name in SQLITE if words_of(SQLITE[name]) == words_of(POSTGRES.get(name, ""))}
    assert alike == shared


def words_of(statement: str) -> list[str]:
    """A statement without its comments and without how its lines are broken."""
    return re.sub(r"--[^\n]*", "", statement).split()


def test_every_statement_is_used() -> None:
    """What stands in a .sql file is what runs."""
    used: set[str] = set()
    for module in Path(recado.store.__file__).parent.rglob("*.py"):
        source = module.read_text("utf-8")
        topics = re.findall(r'= statements\("(\w+)"', source)
        names = re.findall(r'(?:_SQL|= statements\(.*\))\["(\w+)"\]', source)
        assert len(topics) == bool(names), module
        used |= {f"{topic}.{name}" for topic in topics for name in names}
    assert used == {*load_dialect("sqlite"), *load_dialect("postgres")}


def test_two_statements_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second would silently replace the first."""

    class Twice:
        def __truediv__(self, _: str) -> Twice:
            return self

        def is_file(self) -> bool:
            return True

        def read_text(self, _: str) -> str:
            return "-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n"

    monkeypatch.setattr("recado.store.queries.files", lambda _: Twice())
    with pytest.raises(ValueError, match="names one twice"):
        load_queries("sqlite", "any")
