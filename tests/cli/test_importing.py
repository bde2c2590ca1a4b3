"""``recado references import``: counts, reasons, and an exit code a script can rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.kit import Database, Run

URL = "https://smba.trafficmanager.net/emea/"


def reference(number: int, **changes: Any) -> dict[str, Any]:
    """A reference of a private chat on Teams."""
    told: dict[str, Any] = {
        "user": {"id": f"29:{number}", "name": f"Person {number}"},
        "conversation": {"id": f"a:{number}"},
        "channelId": "msteams",
        "serviceUrl": URL,
    }
    return told | changes


@pytest.fixture
def file(home: Path, database: Database) -> Path:
    """The file of a notification bot, with one bad entry."""
    entries = {f"_t_a:{number}": reference(number) for number in (1, 2)}
    entries["_t_a:3"] = reference(3, serviceUrl="http://evil.example")
    path = home / ".notification.localstore.json"
    path.write_text(json.dumps(entries, indent=2))
    return path


def good(file: Path) -> None:
    """Leave the bad entry out."""
    entries = json.loads(file.read_text())
    del entries["_t_a:3"]
    file.write_text(json.dumps(entries))


def test_counts_for_people(run: Run, file: Path) -> None:
    """Each bad entry with line, key and reason on stderr; the exit code tells."""
    ended = run("references", "import", str(file))
    assert ended.code == 1
    assert ended.out.split() == ["new", "2", "known", "already", "0", "refused", "1"]
    assert ended.err.startswith("line 24, _t_a:3: The service URL 'http://evil.example' is not enc")
    listed = run("references", "list").out
    assert "user:29:1" in listed
    assert "1970" not in listed


def test_twice(run: Run, file: Path) -> None:
    """Changes nothing, and is no error."""
    good(file)
    assert run("references", "import", str(file)).code == 0
    before = run("references", "list", "--json").out
    ended = run("references", "import", str(file))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.split() == ["new", "0", "known", "already", "2", "refused", "0"]
    assert run("references", "list", "--json").out == before


def test_as_json(run: Run, file: Path) -> None:
    """Everything in one document."""
    ended = run("references", "import", str(file), "--format", "teamsfx", "--json")
    assert (ended.code, ended.err) == (1, "")
    document = ended.json
    refusals = document.pop("refusals")
    assert document == {
        "file": str(file),
        "format": "teamsfx",
        "dry_run": False,
        "new": 2,
        "known": 0,
        "passed_over": 0,
        "refused": 1,
        "trouble": None,
    }
    assert [(each["line"], each["key"]) for each in refusals] == [(24, "_t_a:3")]


def test_a_rehearsal_stores_nothing(run: Run, file: Path) -> None:
    """And says what would be new."""
    ended = run("references", "import", str(file), "--dry-run")
    assert ended.code == 1
    assert ended.out.startswith("would be new   2\n")
    assert run("references", "list", "--json").json["items"] == []


def test_a_file_that_is_cut_short(run: Run, file: Path) -> None:
    """One sentence, with what was imported so far, and the counts."""
    text = file.read_text()
    file.write_text(text[: text.index("_t_a:2")])
    ended = run("references", "import", str(file))
    assert ended.code == 2
    assert ended.out.startswith("new            1\n")
    assert ended.err == (
        "Error: The file is cut short: it ends in the middle of line 13. 1 new conversation was "
        "imported before that: get the whole file and import it again.\n"
    )
    again = run("references", "import", str(file), "--json")
    assert again.json["known"] == 1
    assert again.problem["detail"].endswith(
        "Nothing new was imported before that: get the whole file and import it again."
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("missing.json",), "missing.json cannot be imported: No such file or directory."),
        ((".",), ". cannot be imported: Is a directory."),
        ((), "Missing argument 'FILE'"),
        (("x", "--format", "csv"), "'csv' is not one of"),
    ],
)
def test_what_cannot_be_imported(
    run: Run, database: Database, words: tuple[str, ...], told: str
) -> None:
    """Is a mistake on the command line."""
    ended = run("references", "import", *words)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err


def test_conversations_of_another_bot(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Are refused before anybody wonders why nothing arrives."""
    owner = "11111111-2222-3333-4444-555555555555"
    file.write_text(json.dumps([reference(1, bot={"id": f"28:{owner}"})]))
    ended = run("references", "import", str(file))
    assert ended.code == 1
    assert f"it belongs to bot {owner}, and this bot has no id: set MicrosoftAppId" in ended.err
