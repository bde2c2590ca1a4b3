"""Export and import on the command line, also as real processes that are killed."""

from __future__ import annotations

import json
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.kit import Database, Run
from tests.cli.process import started

NEW = "sqlite:///new.db"


def copied(database: Database, many: int) -> None:
    """Make *many* references out of one: a capture of each would take too long."""
    with closing(sqlite3.connect(database.path)) as db, db:
        names = [row[1] for row in db.execute("PRAGMA table_info(recado_reference)")]
        values = {
            "number": "c.n + (SELECT max(number) FROM recado_reference)",
            "id": "printf('%08x-0000-7000-8000-000000000000', c.n)",
            "conversation_id": "printf('conv-%06d', c.n)",
        }
        db.execute(
            "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) "  # noqa: S608 - our own
            f"INSERT INTO recado_reference ({', '.join(names)}) "
            f"SELECT {', '.join(values.get(name, 'r.' + name) for name in names)} "
            "FROM c, (SELECT * FROM recado_reference ORDER BY number LIMIT 1) AS r",
            (many,),
        )


def contents(path: Path) -> list[Any]:
    """All references and members."""
    with closing(sqlite3.connect(path)) as db:
        return [
            db.execute("SELECT * FROM recado_reference ORDER BY number").fetchall(),
            db.execute("SELECT * FROM recado_member ORDER BY reference, user_id").fetchall(),
        ]


def test_from_one_database_to_another(run: Run, talking: Database, home: Path) -> None:
    """What is there is there afterwards, and the command says how much it was."""
    exported = run("export", "all.jsonl", "--json").json
    assert exported["file"] == "all.jsonl"
    assert exported["records"]["reference"] == 2
    assert stat.S_IMODE((home / "all.jsonl").stat().st_mode) == 0o600
    imported = run("import", "all.jsonl", "--database-url", NEW, "--json").json
    assert imported == exported
    assert contents(home / "new.db") == contents(talking.path)
    there = run("references", "list", "--json", "--database-url", NEW).json
    assert there == run("references", "list", "--json").json


def test_for_people_it_is_one_sentence(run: Run, talking: Database) -> None:
    """With the figures they look for."""
    words = ("records, among them 2 references, 0 notifications and 0 deliveries.",)
    assert all(each in run("export", "all.jsonl").out for each in words)
    ended = run("import", "all.jsonl", "--database-url", NEW)
    assert ended.code == 0
    assert all(each in ended.out for each in words)


def test_what_is_delivered_meanwhile_is_said(run: Run, talking: Database) -> None:
    """Whoever moves while a process delivers would have things said twice."""
    with started("serve", "--json", "--port", "0", "--database-url", talking.url) as server:
        server.ready()
        ended = run("export", "all.jsonl")
        assert ended.code == 0
        assert "what it sends from now on is not in the file" in ended.err
        refused = run("import", "all.jsonl")
        assert refused.code == 6
        assert "A process delivers from this database" in refused.err


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("export all.jsonl", 2, "all.jsonl is there already"),
        ("export .", 2, "is a directory"),
        ("export no/where.jsonl", 2, "cannot be written"),
        ("export x.jsonl --database-url sqlite:///none.db", 6, "no database"),
        ("export", 2, "Missing"),
        ("import none.jsonl", 2, "none.jsonl cannot be read"),
        ("import recado.db", 2, "no export of Recado's"),
        ("import cut.jsonl --database-url sqlite:///new.db", 2, "cut.jsonl was cut short"),
        ("import all.jsonl", 5, "There is something in this database already"),
        ("import all.jsonl --database-url sqlite://", 3, "in memory"),
    ],
)
def test_what_cannot_be_done_is_told(
    run: Run, talking: Database, home: Path, *, line: str, code: int, words: str
) -> None:
    """In one sentence, and nothing was done."""
    assert run("export", "all.jsonl").code == 0
    whole = (home / "all.jsonl").read_bytes()
    (home / "cut.jsonl").write_bytes(whole[:-10])
    before = sorted(home.iterdir())
    ended = run(*line.split())
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err
    assert sorted(home.iterdir()) == before
    assert (home / "all.jsonl").read_bytes() == whole


def test_a_file_is_replaced_when_asked(run: Run, talking: Database, home: Path) -> None:
    """And only then."""
    (home / "all.jsonl").write_text("something else")
    assert run("export", "all.jsonl", "--force").code == 0
    assert run("import", "all.jsonl", "--database-url", NEW).code == 0


def test_through_a_pipe(talking: Database, home: Path) -> None:
    """From one process into the next, with nothing but the records in between."""
    recado = [sys.executable, "-m", "recado"]
    with subprocess.Popen(
        [*recado, "export", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as exporting:
        ended = subprocess.run(
            [*recado, "import", "-", "--database-url", NEW],
            stdin=exporting.stdout,
            capture_output=True,
            check=False,
        )
        assert exporting.stderr is not None
        assert b"Exported" in exporting.stderr.read()
    assert ended.returncode == 0, ended.stderr
    assert contents(home / "new.db") == contents(talking.path)


def _sqlite_done(home: Path) -> Callable[[], int]:
    def done() -> int:
        if not (home / "new.db").exists():
            return 0
        try:
            with closing(sqlite3.connect(home / "new.db")) as db:
                return int(db.execute("SELECT sum(done) FROM recado_import").fetchone()[0] or 0)
        except sqlite3.OperationalError:
            return 0

    return done


def _postgres_done(url: str) -> Callable[[], int]:
    def done() -> int:
        try:
            with psycopg.connect(url) as db:
                found = db.execute("SELECT sum(done) FROM recado_import").fetchone()
                return int(found[0] or 0) if found else 0
        except psycopg.errors.UndefinedTable:
            return 0

    return done


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_killed_half_way_it_goes_on(
    run: Run, talking: Database, home: Path, request: pytest.FixtureRequest, store: str
) -> None:
    """With SIGKILL, twice; meanwhile nobody works with half of it, and in the end all is there."""
    copied(talking, 25_000)
    assert run("export", "all.jsonl").code == 0
    url = NEW if store == "sqlite" else request.getfixturevalue("postgres_url")
    done = _sqlite_done(home) if store == "sqlite" else _postgres_done(url)
    command = ("import", "all.jsonl", "--database-url", url)
    reached = 0
    for _ in range(2):
        with started(*command) as importing:
            while done() <= reached:
                assert importing.running, importing.end()
            importing.signal(signal.SIGKILL)
            assert importing.end()[0] == -signal.SIGKILL
        assert reached < done() < 25_000
        reached = done()
    for words in ("references list", "send user:ana hello", "export x.jsonl", "serve --port 0"):
        ended = run(*words.split(), "--database-url", url)
        assert (ended.code, ended.out) == (6, ""), words
        assert "An import into the database" in ended.err
    assert run(*command).code == 0
    assert run("export", "again.jsonl", "--database-url", url).code == 0
    before, after = ((home / name).read_bytes() for name in ("all.jsonl", "again.jsonl"))
    assert after.split(b"\n")[1:-2] == before.split(b"\n")[1:-2]


def test_a_killed_export_leaves_no_file(run: Run, talking: Database, home: Path) -> None:
    """What it left is no export, and the next one takes its place."""
    copied(talking, 25_000)
    with started("export", "all.jsonl") as exporting:
        while not (home / "all.jsonl.part").exists():
            assert exporting.running, exporting.end()
        exporting.signal(signal.SIGKILL)
        exporting.end()
    assert not (home / "all.jsonl").exists()
    (home / "all.jsonl.part").rename(home / "half.jsonl")
    ended = run("import", "half.jsonl", "--database-url", NEW)
    assert ended.code == 2
    assert json.loads(run("export", "all.jsonl", "--json").out)["records"]["reference"] == 25_002
