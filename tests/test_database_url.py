"""Database URLs: what each form names, what is shown of it, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from recado.database_url import PostgresAddress, SqliteFile, read_database_url


def address(url: str, password: str | None = None) -> PostgresAddress:
    """Where a URL of PostgreSQL leads."""
    found = read_database_url(url, password)
    assert isinstance(found, PostgresAddress)
    return found


# -- SQLite ----------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [":memory:", "sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_database_can_be_in_memory(url: str) -> None:
    """All the usual ways to write it."""
    found = read_database_url(url)
    assert found == SqliteFile(None)
    assert found.shown == ":memory:"


def test_files_are_named_as_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three slashes are relative, four absolute, and ~ is the home directory."""
    monkeypatch.chdir(tmp_path)
    assert read_database_url("sqlite:///a/b.db") == SqliteFile(tmp_path / "a" / "b.db")
    assert read_database_url("sqlite:////a/b.db") == SqliteFile(Path("/a/b.db"))
    assert read_database_url("sqlite:///~/b.db") == SqliteFile(Path.home() / "b.db")
    assert read_database_url("sqlite:////a/b.db").shown == "/a/b.db"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "postgresql://user@host/database"),
        ("mysql://db/recado", "sqlite:///relative/path"),
        ("recado.db", "sqlite:///relative/path"),
        ("sqlite:recado.db", "sqlite:///relative/path"),
        ("sqlite://host/recado.db", "sqlite:///relative/path"),
        ("sqlite:///recado.db?mode=ro", "no options"),
        ("sqlite:///recado\0.db", "no options"),
        ("postgresql:/db/recado", "postgresql://user@host/database"),
    ],
)
def test_what_names_no_database(url: str, told: str) -> None:
    """With the forms that do."""
    with pytest.raises(ValueError, match=told):
        read_database_url(url)


# -- PostgreSQL ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "dsn", "shown"),
    [
        ("postgresql://ana@db/x", "postgresql://ana@db/x", "postgresql://ana@db/x"),
        ("postgres://ana@db/x", "postgresql://ana@db/x", "postgresql://ana@db/x"),
        ("postgresql+asyncpg://ana@db/x", "postgresql://ana@db/x", "postgresql://ana@db/x"),
        ("postgresql://db/x", "postgresql://db/x", "postgresql://db/x"),
        ("postgresql:///x", "postgresql:///x", "postgresql:///x"),
        ("postgresql://ana@[::1]:5/x", "postgresql://ana@[::1]:5/x", "postgresql://ana@[::1]:5/x"),
        ("postgresql://a@[::1]/x", "postgresql://a@[::1]/x", "postgresql://a@[::1]/x"),
        ("postgresql://a@b:1,c:2/x", "postgresql://a@b:1,c:2/x", "postgresql://a@b:1,c:2/x"),
        ("postgresql://ana:pw@db/x", "postgresql://ana:pw@db/x", "postgresql://ana@db/x"),
        ("postgresql://a:p%40w@db/x", "postgresql://a:p%40w@db/x", "postgresql://a@db/x"),
        ("postgresql://a:p@w@db/x", "postgresql://a:p%40w@db/x", "postgresql://a@db/x"),
        ("postgresql://a:@db/x", "postgresql://a:@db/x", "postgresql://a@db/x"),
        ("postgresql://a%40b@db/x", "postgresql://a%40b@db/x", "postgresql://a%40b@db/x"),
        (
            "postgresql://a@/x?host=/run/pg&password=pw",
            "postgresql://a@/x?host=%2Frun%2Fpg&password=pw",
            "postgresql://a@/x",
        ),
        (
            "postgresql://a@db/x?sslmode=require&pooler=false",
            "postgresql://a@db/x?sslmode=require",
            "postgresql://a@db/x",
        ),
    ],
)
def test_a_server(url: str, dsn: str, shown: str) -> None:
    """What asyncpg is given, and what people are: neither password nor options."""
    found = address(url)
    assert (found.dsn, found.shown, found.pooler) == (dsn, shown, False)
    assert "pw" not in repr(found)


def test_a_password_from_elsewhere_is_put_into_its_place() -> None:
    """Whatever it consists of; one in the URL comes first."""
    assert address("postgresql://a@db/x", "p:/@ #%w").dsn == (
        "postgresql://a:p%3A%2F%40%20%23%25w@db/x"
    )
    assert address("postgresql://a:mine@db/x", "other").dsn == "postgresql://a:mine@db/x"


@pytest.mark.parametrize(
    ("url", "pooler"),
    [
        ("postgresql://a@db/x?pooler=true", True),
        ("postgresql://a@db/x?pooler=1&sslmode=require", True),
        ("postgresql://a@db/x?pooler=no", False),
        ("postgresql://a@db:6432/x", True),
        ("postgresql://a@one:5432,two:6432/x", True),
        ("postgresql://a@db:6432/x?pooler=false", False),
        ("postgresql://a@ep-x-pooler.eu.example.com/x", True),
        ("postgresql://pooler@db/x", False),
    ],
)
def test_poolers_are_known(url: str, pooler: bool) -> None:  # noqa: FBT001 - a column of the table
    """By what the URL says or, without that, by their ports and names."""
    found = address(url)
    assert found.pooler is pooler
    assert "pooler=" not in found.dsn


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://a:secret@db", "names no database"),
        ("postgresql://a:secret@db/", "names no database"),
        ("postgresql://:secret@db/x", "no user"),
        ("postgresql://a@[::1/x", "no URL"),
        ("postgresql://a:secret@db:port/x", "%2F"),
        ("postgresql://a:secret@db:70000/x", "%2F"),
        ("postgresql://a:12/secret@db/x", "%2F"),
        ("postgresql://a:secret/more@db/x", "%2F"),
        ("postgresql://a:12#secret@db/x", "names no database"),
        ("postgresql://a@db/x#secret", "%23"),
        ("postgresql://a@db/x/secret", "%2F"),
        ("postgresql://a:12?secret@db/x", "no URL"),
        ("postgresql://a@db/x?secret", "no URL"),
    ],
)
def test_what_is_no_server(url: str, told: str) -> None:
    """Said without any part of it, because it may be part of the password."""
    with pytest.raises(ValueError, match=told) as caught:
        read_database_url(url)
    assert "secret" not in str(caught.value)
