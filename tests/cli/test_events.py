"""``recado emit``: what has happened, in words or from a file, committed when it ends."""

from __future__ import annotations

import io
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from recado.app import Recado
from recado.cli.exits import ExitCode
from tests.cli.kit import Database, Run


def newest(database: Database, subject: str) -> Any:
    """What is known of a subject."""
    return database.do(lambda recado: recado.watches.newest(subject))


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("3.20", Decimal("3.20")),
        ("3", 3),
        ("-1", -1),
        ("sold out", "sold out"),
        ('"quoted"', "quoted"),
        ("true", True),
        ('{"price": 3}', {"price": 3}),
        ("007", "007"),
    ],
)
def test_a_value_is_json_or_else_text(run: Run, database: Database, value: str, kept: Any) -> None:
    """Nobody quotes a text twice at a prompt."""
    ended = run("emit", "tea", "--", value)
    assert (ended.code, ended.out) == (0, "1 event taken in.\n")
    assert newest(database, "tea") == kept


def test_the_same_source_and_id_fire_nothing(run: Run, database: Database) -> None:
    """So a script can be run again."""
    words = ("emit", "tea", "3", "--source", "/shop", "--id", "monday")
    assert run(*words).out == "1 event taken in.\n"
    assert run(*words).out == "0 events taken in; 1 known already, which fires nothing.\n"
    assert run("emit", "tea", "4", "--source", "/other", "--id", "monday").code == 0
    assert newest(database, "tea") == 4


async def watch(recado: Recado) -> None:
    """Let Ana watch for tea."""
    await recado.watches.create("user:ana", subject="tea", rule="below 5", text="Tea: {value}")


def test_who_watches_is_told_when_nobody_serves(run: Run, talking: Database) -> None:
    """The message is in the conversation when the command ends, once."""
    talking.do(watch)
    for _ in range(2):
        ended = run("emit", "tea", "3", "--id", "7")
        assert ended.code == 0
    assert talking.said("conv-ana") == ["Tea: 3"]
    assert talking.said("conv-ben") == []


def test_it_says_what_has_not_left(run: Run, talking: Database) -> None:
    """After a while it ends all the same; nothing is lost."""
    talking.do(watch)

    async def nothing(_: Recado) -> None:
        """A start after which nothing leaves."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recado.cli.events.PATIENCE", 0.1)
        patch.setattr(Recado, "start", nothing)
        ended = run("emit", "tea", "3")
    assert (ended.code, ended.out) == (0, "1 event taken in.\n1 watch looks at it.\n")
    assert "recado serve" in ended.err
    assert talking.said("conv-ana") == []
    talking.do(watch)
    run("emit", "tea", "2")
    assert talking.said("conv-ana")[0] == "Tea: 3"


def test_its_json(run: Run, talking: Database) -> None:
    """One document, with the names of the HTTP API."""
    talking.do(watch)
    words = ("emit", "tea", "3", "--id", "7", "--source", "/shop", "--json")
    assert run(*words).json == {
        "accepted": 1,
        "replayed": 0,
        "watching": 1,
        "told": True,
        "events": [
            {"id": "7", "source": "/shop", "subject": "tea", "replayed": False, "watching": 1}
        ],
    }
    talking.do(watch)
    assert run("emit", "tea", "3").out == "1 event taken in.\n1 watch looks at it.\n"
    assert run("emit", "coffee", "3", "--json").json["told"] is None


def test_time_and_type_can_be_said(run: Run, database: Database) -> None:
    """What happened before what is known changes nothing."""
    run("emit", "tea", "4", "--time", "2026-01-02T00:00:00Z", "--type", "price.changed")
    run("emit", "tea", "3", "--time", "2026-01-01T00:00:00Z")
    assert newest(database, "tea") == 4


CLOUD = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "x", "subject": "tea"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([{**CLOUD, "data": 3}, {"subject": "coffee", "value": 4}]),
        json.dumps({**CLOUD, "data": 3}) + '\n\n{"subject": "coffee", "value": 4}\n',
    ],
    ids=["array", "lines"],
)
def test_a_file_has_an_array_or_lines(run: Run, database: Database, home: Path, text: str) -> None:
    """Of CloudEvents, plain events, or both."""
    (home / "events").write_text(text)
    assert run("emit", "--file", "events").out == "2 events taken in.\n"
    assert (newest(database, "tea"), newest(database, "coffee")) == (3, 4)


def test_standard_input_is_a_file(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of a pipe; and however many there are."""
    lines = "".join(
        json.dumps({"subject": "tea", "value": number}) + "\n" for number in range(1234)
    )
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    assert run("emit", "--file", "-").out == "1234 events taken in.\n"
    assert newest(database, "tea") == 1233


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '{"subject": "tea", "value": 3}\n{"subject": "tea"}\n',
            "line 2: The event cannot be used",
        ),
        ('{"subject": "tea", "value": 3}\n{"subject"\n', "line 2 is not JSON"),
        (json.dumps([{**CLOUD, "data": 3}, {"subject": "tea"}]), "at index 1 of the batch"),
        ("[1", "no JSON array of events"),
    ],
)
def test_a_file_is_taken_whole_or_not_at_all(
    run: Run, database: Database, home: Path, text: str, told: str
) -> None:
    """And the error says where the fault is."""
    (home / "events").write_text(text)
    ended = run("emit", "--file", "events")
    assert ended.code == ExitCode.USAGE
    assert told in ended.err
    assert newest(database, "tea") is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("emit",), "Say what happened to what"),
        (("emit", "tea"), "Say what happened to what"),
        (("emit", "tea", "{"), "not the JSON it looks like"),
        (("emit", "tea", "3", "--file", "x"), "not both"),
        (("emit", "tea", "3", "--source", "my shop"), "%20"),
        (("emit", "tea", "3", "--time", "monday"), "RFC 3339"),
        (("emit", "", "3"), "subject is empty"),
        (("emit", "--file", "nowhere"), "cannot be read"),
    ],
)
def test_bad_input_is_told(run: Run, database: Database, words: tuple[str, ...], told: str) -> None:
    """In a sentence, with nothing stored."""
    ended = run(*words)
    assert ended.code == ExitCode.USAGE
    assert told in ended.err
    assert newest(database, "tea") is None
