"""``recado consent`` and ``recado person``."""

from __future__ import annotations

import json
from pathlib import Path

from recado.testing import make_sighting
from tests.cli.kit import Database, Run

ANA = "user:29:ana"


def test_from_a_refusal_to_an_agreement(run: Run, database: Database) -> None:
    """Shown as it holds, with every word on record."""
    database.remember(make_sighting("a:1"))
    ended = run("consent", "opt-out", ANA, "--how", "e-mail", "--wording", "No more")
    assert ended.code == 0
    assert "opted out" in ended.out
    run("consent", "opt-in", ANA, "--category", "prices", "--by", "clerk")
    told = run("consent", "show", ANA, "--json").json
    assert (told["said"], told["categories"]) == ("out", {"prices": "in"})
    items = run("consent", "history", ANA, "--json").json["items"]
    assert [(each["said"], each["how"]) for each in items] == [
        ("in", "command line"),
        ("out", "e-mail"),
    ]
    assert run("consent", "resume", ANA, "--json").json["said"] == "in"


def test_mute(run: Run, database: Database) -> None:
    """Lengths are understood as people write them; others are refused."""
    database.remember(make_sighting("a:1"))
    assert run("consent", "mute", ANA, "2 hours", "--json").json["muted_until"]
    ended = run("consent", "mute", ANA, "soon")
    assert (ended.code, ended.out) == (2, "")
    assert "2h" in ended.err


def test_a_list_is_imported_once(run: Run, database: Database, tmp_path: Path) -> None:
    """Bad lines are told by their numbers; again, nothing is new."""
    file = tmp_path / "list.csv"
    file.write_text("who,category,at\nana@example.com,,2026-01-05T09:00Z\n,,\nx,,yesterday\n")
    ended = run("consent", "import", str(file))
    assert ended.code == 1
    assert "line 3: it does not say who" in ended.err
    assert "line 4: at='yesterday' is no time in ISO 8601" in ended.err
    told = run("consent", "import", str(file), "--json").json
    assert (told["new"], told["known"], told["refused"]) == (0, 1, 2)
    assert run("consent", "show", "user:ANA@example.com", "--json").json["said"] == "in"


def test_somebody_is_exported_and_erased(run: Run, database: Database) -> None:
    """As JSON; and erased only by who means it."""
    database.remember(make_sighting("a:1"))
    assert "29:ana" in json.dumps(run("person", "export", ANA).json)
    ended = run("person", "erase", ANA)
    assert (ended.code, "--yes" in ended.err) == (2, True)
    assert run("person", "erase", ANA, "--yes", "--json").json["rows"] > 0
    assert run("person", "export", ANA).json["records"] == {}


def test_times_need_a_zone(run: Run, database: Database) -> None:
    """Or nobody knows when it was."""
    ended = run("consent", "opt-in", ANA, "--at", "2026-05-01T09:00")
    assert (ended.code, "zone" in ended.err) == (2, True)
