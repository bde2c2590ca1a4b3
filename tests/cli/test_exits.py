"""Exit codes are stable, and every error is one sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from recado.cli import main
from recado.cli.exits import MEANINGS, ExitCode, exit_code
from recado.errors import (
    ChannelError,
    ConfigurationError,
    Conflict,
    InvalidInput,
    NotFound,
    RecadoError,
    StoreError,
)
from tests.cli.kit import Database, Run


def test_the_codes_are_those_that_are_documented() -> None:
    """Scripts compare with these numbers."""
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "CONFIGURATION": 3,
        "NOT_FOUND": 4,
        "CONFLICT": 5,
        "DATABASE": 6,
        "INTERRUPTED": 130,
    }
    assert set(MEANINGS) == set(ExitCode)


def _families(kind: type[RecadoError] = RecadoError) -> Iterator[type[RecadoError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _families(each)


@pytest.mark.parametrize("kind", list(_families()))
def test_every_error_of_the_tree_has_its_code(kind: type[RecadoError]) -> None:
    """A new error gets the code of its family; only channel errors are plain failures."""
    expected = {
        ConfigurationError: ExitCode.CONFIGURATION,
        InvalidInput: ExitCode.USAGE,
        NotFound: ExitCode.NOT_FOUND,
        Conflict: ExitCode.CONFLICT,
        StoreError: ExitCode.DATABASE,
        ChannelError: ExitCode.FAILED,
    }
    (family,) = [each for each in expected if issubclass(kind, each)]
    assert exit_code(kind.__new__(kind)) is expected[family]


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("nonsense", 2, "No such command 'nonsense'"),
        ("jobs list --limit 0", 2, "'--limit'"),
        ("jobs list --limit many", 2, "'--limit'"),
        ("jobs list --after zz", 2, "zz"),
        ("jobs complete", 2, "Missing"),
        ("jobs complete seven", 2, "'N'"),
        ("jobs complete 0", 2, "'N'"),
        ("jobs complete 99999999999999999999", 2, "'N'"),
        ("jobs complete 7", 4, "The log does not contain a job 7."),
        ("jobs complete 7 --result {", 2, "--result is not JSON"),
        ("deliveries list --state lost", 2, "'--state'"),
        ("deliveries list --notification nope", 4, "no notification nope"),
        ("deliveries list --reference nope", 4, "no reference nope"),
        ("deliveries list --after zz", 2, "'zz' is no page"),
        ("deliveries show nope", 4, "no delivery nope"),
        ("deliveries explain nope", 4, "no delivery nope"),
        ("deliveries retry nope", 4, "no delivery nope"),
        ("deliveries cancel nope", 4, "no delivery nope"),
        ("references show nope", 4, "no reference nope"),
        ("send", 2, "Say whom it is for"),
        ("send user:ana", 2, "nothing to say"),
        ("send ana hello", 2, "'ana' is not an audience"),
        ("send user:nobody hello", 4, "Nobody is known as 'nobody'"),
        ("send conversation:nowhere hello", 4, "No conversation 'nowhere'"),
        ("send user:ana hello --when soon", 2, "--when 'soon' is no time"),
        ("send user:ana hello --when 99999d", 2, "too far away"),
        ("send user:ana hello --when 999999999999999d", 2, "too far away"),
        ("send user:ana hello --expires 2020-01-01T00:00Z", 2, "expire before it is due"),
        ("send user:ana hello --priority high", 2, "'--priority'"),
        ("send user:ana hello --wait -1", 2, "'--wait'"),
        ("send user:ana --activity none.json", 2, "none.json cannot be read"),
        ("send user:ana hello --activity none.json", 2, "not both"),
        ("send --to all --to user:ana hello", 2, "give it alone"),
        ("send user:ana one two", 2, "unexpected extra argument"),
        ("jobs list --database-url mysql://db/recado", 3, "sqlite:///relative/path"),
        ("jobs list --database-url postgresql://db", 3, "names no database"),
        ("jobs list --database-url sqlite://", 3, "in memory"),
        ("jobs list --database-url sqlite:///missing.db", 6, "no database"),
        ("jobs list --env-file none.env", 3, "no file none.env"),
        ("serve --app my.bot", 3, ".bot files are not read"),
        ("serve --app somewhere", 3, "module:attribute"),
        ("serve --app not_there_at_all:agent", 3, "not_there_at_all"),
        ("serve --host 0.0.0.0", 3, "other machines can reach the server"),
        ("serve --host nowhere.invalid", 3, "nowhere.invalid"),
        ("serve --port 65536", 2, "'--port'"),
        ("serve --lease-secnds 60", 2, "did you mean --lease-seconds?"),
        ("serve --lease-seconds", 2, "needs a value"),
        ("serve --lease-seconds 1", 3, "RECADO_LEASE_SECONDS"),
        ("serve --quickly", 2, "No such option, --quickly"),
        ("serve my_bot:agent", 2, "a word too many"),
        ("serve --api-keys 0123456789abcdef", 2, "RECADO_API_KEYS_FILE"),
        ("jobs list --lease-seconds 60", 2, "No such option"),
        ("demo --host 0.0.0.0", 3, "loopback only"),
        ("doctor --timeout never", 2, "'--timeout'"),
    ],
)
def test_bad_input_gets_one_sentence(
    talking: Database, run: Run, line: str, code: int, words: str
) -> None:
    """The right code, one line that says what is wrong, nothing on stdout, no traceback."""
    ended = run(*line.split())
    assert ended.code == code
    assert words in ended.err
    assert ended.err.startswith("Error: ")
    assert ended.err.count("\n") == 1
    assert ended.err.rstrip().endswith((".", "?"))
    assert ended.out == ""


def test_the_bot_file_of_old_is_refused_by_name(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``botFilePath`` of the samples gets a sentence on what replaced it."""
    monkeypatch.setenv("botFilePath", "BotConfiguration.bot")
    ended = run("demo")
    assert ended.code == 3
    assert "MicrosoftAppId" in ended.err


def test_an_unknown_setting_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error in the environment is not ignored."""
    monkeypatch.setenv("RECADO_DATABSE_URL", "sqlite:///x.db")
    ended = run("jobs", "list")
    assert ended.code == 3
    assert "did you mean RECADO_DATABASE_URL" in ended.err


@pytest.mark.parametrize("verb", ["jobs list", "references list", "migrate", "doctor"])
def test_a_newer_database_is_left_alone(run: Run, database: Database, verb: str) -> None:
    """What a newer Recado wrote is refused with both versions."""
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("INSERT INTO recado_schema (version) VALUES (999)")
    ended = run(*verb.split())
    assert ended.code == (1 if verb == "doctor" else 6)
    assert "schema version 999" in ended.out + ended.err


def test_a_file_that_is_no_database(run: Run, home: Path) -> None:
    """Somebody's text file is not a traceback, and is not touched."""
    (home / "notes.txt").write_text("not a database, but long enough to have a header" * 30)
    ended = run("jobs", "list", "--database-url", "sqlite:///notes.txt")
    assert ended.code == 6
    assert "is not a usable SQLite database" in ended.err
    assert (home / "notes.txt").read_text().startswith("not a database")


def test_a_directory_that_cannot_be_made(run: Run, home: Path) -> None:
    """A file stands where a directory is needed."""
    (home / "file").write_text("")
    ended = run("migrate", "--database-url", "sqlite:///file/recado.db")
    assert ended.code == 6
    assert "cannot be opened" in ended.err


def test_a_locked_database(run: Run, talking: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program holds it: one sentence instead of waiting for ever."""
    with closing(sqlite3.connect(talking.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        ended = run("send", "user:ana", "hello")
    assert ended.code == 6
    assert "is locked by another program" in ended.err


def test_errors_as_json_have_one_shape(run: Run, database: Database) -> None:
    """A program reads problems from stderr, whatever went wrong."""
    lines = ("jobs complete 7", "nonsense", "send ana hello", "jobs list --env-file none.env")
    for line in lines:
        ended = run("--json", *line.split())
        assert ended.out == ""
        problem = ended.problem
        assert list(problem) == ["type", "title", "detail", "code", "exit_code"]
        assert problem["type"] == f"urn:recado:problem:{problem['code']}"
        assert problem["exit_code"] == ended.code
    assert run("jobs", "complete", "7", "--json").problem["code"] == "unknown_job"


def test_an_unexpected_error_is_one_sentence_too(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of ours does not show people a traceback."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr("recado.cli.output.Output.listing", broken)
    ended = run("jobs", "list")
    assert ended.code == 1
    assert "did not expect (ZeroDivisionError: nobody thought of this)" in ended.err
    assert ended.err.count("\n") == 1


def test_debug_shows_where_an_error_comes_from(
    database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flag and the variable do the same, and the sentence stays."""
    for words, variable in ((["--debug"], ""), ([], "1")):
        monkeypatch.setenv("RECADO_DEBUG", variable)
        assert main(["jobs", "complete", "7", *words]) == 4
        told = capsys.readouterr().err
        assert "Traceback" in told
        assert "UnknownJob" in told
        assert told.endswith("Error: The log does not contain a job 7.\n")
