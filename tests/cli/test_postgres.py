"""The command line on a PostgreSQL server: the same commands, and what is wrong in a sentence."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from benchmarks import postgres
from recado.store.postgres import database as postgres_database
from recado.store.postgres.clock import DatabaseClock
from tests.cli.kit import Database, Run
from tests.cli.process import started

#: Everything that may stand in a password and means something else in a URL.
_PASSWORD = "p@ss:w/or#d?%41 +"


def _tables(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [name for (name,) in found]


def _execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.fixture
def empty(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, which every command of the test uses."""
    monkeypatch.setenv("RECADO_DATABASE_URL", postgres_url)
    return postgres_url


@pytest.fixture(scope="session")
def guarded(postgres_server: postgres.Server) -> Iterator[str]:
    """A user who needs a password."""
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE guarded LOGIN PASSWORD '{_PASSWORD}'".encode())
        told = connection.execute("SHOW hba_file").fetchone()
        assert told is not None
        rules = Path(told[0])
        before = rules.read_text("utf-8")
        rules.write_text(f"local all guarded scram-sha-256\n{before}", "utf-8")
        connection.execute("SELECT pg_reload_conf()")
    yield "guarded"
    rules.write_text(before, "utf-8")
    _execute(postgres_server.url, "DROP ROLE guarded")


def _as(url: str, user: str) -> str:
    """The same database, as another user."""
    return urlsplit(url)._replace(netloc=f"{user}@").geturl()


# -- the same commands -----------------------------------------------------------------------


def test_migrate_makes_the_tables_once(run: Run, empty: str) -> None:
    """And says in which database, without its options."""
    shown = empty.partition("?")[0]
    first, again = run("migrate", "--json"), run("migrate", "--json")
    assert first.json | {"schema_version": 0} == {
        "database": shown,
        "schema_version": 0,
        "made": True,
    }
    assert again.json == first.json | {"made": False}
    assert run("migrate").out.startswith(f"The database {shown} has schema version ")


def test_send_and_look(run: Run, shared: Database) -> None:
    """With no process serving, the command delivers itself."""
    sent = run("send", "user:ana", "hello")
    assert sent.code == 0, sent.err
    assert sent.out.startswith("Delivered to 1 conversation.")
    assert shared.said("conv-ana") == ["hello"]
    assert run("send", "all", "everybody").code == 0
    assert shared.said("conv-ben") == ["everybody"]
    (first, *_) = run("deliveries", "list", "--json").json["items"]
    assert first["state"] == "delivered"
    assert run("deliveries", "explain", first["id"]).code == 0
    assert len(run("references", "list", "--json").json["items"]) == 2


def test_pausing_and_steering(run: Run, shared: Database) -> None:
    """People steer from any machine."""
    assert run("pause", "--reason", "maintenance").code == 0
    sent = run("send", "user:ana", "hello", "--wait", "0", "--json").json
    assert run("pauses", "--json").json["items"][0]["reason"] == "maintenance"
    cancelled = run("cancel", "--notification", sent["id"], "--json").json
    assert cancelled["cancelled"] == 1
    assert run("resume").code == 0
    assert shared.said("conv-ana") == []


@pytest.mark.parametrize(
    "line",
    [
        "deliveries list",
        "references list",
        "jobs list",
        "pauses",
        "send user:ana hello",
        "deliveries show 01",
    ],
)
def test_a_database_without_tables_gets_none_by_looking(run: Run, empty: str, line: str) -> None:
    """It may be the wrong one; the sentence says what makes them."""
    ended = run(*line.split())
    assert (ended.code, ended.out) == (6, "")
    assert ended.err == (
        f"Error: The database {empty.partition('?')[0]} has no tables of Recado's yet: run "
        "`recado migrate` or start `recado serve` to make them, or name another database with "
        "RECADO_DATABASE_URL.\n"
    )
    assert _tables(empty) == []


def test_serve_makes_them_and_shows_no_password(empty: str, guarded: str) -> None:
    """The demo works there too."""
    _execute(empty, f"GRANT ALL ON SCHEMA public TO {guarded}")
    url = _as(empty, f"{guarded}:{quote(_PASSWORD, safe='')}")
    with started("demo", "--port", "0", "--database-url", url) as demo:
        told = "\n".join(demo.lines_until("Ctrl-C stops it."))
        assert "open http://127.0.0.1:" in told
        code, out, err = demo.interrupt()
    assert (code, err) == (0, "")
    for text in (told, out):
        assert _PASSWORD not in text
        assert quote(_PASSWORD, safe="") not in text
    assert "recado_reference" in _tables(empty)


def test_two_servers_share_the_work(run: Run, shared: Database) -> None:
    """Neither waits for the other's end."""
    with started("serve", "--port", "0", "--json") as first:
        told = first.ready()
        assert told["served_elsewhere"] is False
        assert told["database_url"] == shared.url.partition("?")[0]
        with started("serve", "--port", "0") as second:
            lines = second.lines_until(
                "Other processes deliver from this database as well, and share the work with this "
                "one."
            )
            assert "as a sidecar" in lines[0]
            sent = run("send", "user:ana", "hello", "--wait", "20", "--json")
            assert sent.json["served"] is True
            assert sent.json["progress"]["counts"] == {"delivered": 1}
            assert second.interrupt()[0] == 0
        assert first.interrupt()[0] == 0


# -- doctor ----------------------------------------------------------------------------------


def _checks(run: Run, code: int = 0) -> dict[str, tuple[str, str]]:
    ended = run("doctor", "--json")
    assert ended.code == code, ended.out
    return {check["name"]: (check["status"], check["detail"]) for check in ended.json["checks"]}


@pytest.fixture
def any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else listens where doctor looks."""
    monkeypatch.setenv("RECADO_PORT", "0")


@pytest.mark.usefixtures("any_port")
class TestDoctor:
    def test_all_is_well(self, run: Run, shared: Database) -> None:
        """Every check by its name, in order."""
        checks = _checks(run)
        assert {name: status for name, (status, _) in checks.items()} == {
            "runtime": "ok",
            "settings": "ok",
            "exposure": "ok",
            "credentials": "skipped",
            "token": "skipped",
            "server": "ok",
            "commits": "ok",
            "wakeups": "ok",
            "privacy": "ok",
            "database": "ok",
            "skew": "ok",
            "service": "note",
            "port": "ok",
            "clock": "ok",
            "references": "ok",
            "backlog": "ok",
        }
        assert checks["server"][1].startswith("PostgreSQL ")
        assert checks["database"][1].startswith(f"{shared.url.partition('?')[0]} can be written")

    def test_it_changes_nothing(self, run: Run, empty: str) -> None:
        """A database without tables is told of, and gets none."""
        status, detail = _checks(run)["database"]
        assert status == "note"
        assert "recado migrate" in detail
        assert _tables(empty) == []

    def test_a_server_that_is_not_there(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Is what the database lacks."""
        monkeypatch.setenv("RECADO_DATABASE_URL", f"postgresql://ana@/x?host={tmp_path}")
        checks = _checks(run, 1)
        assert checks["database"][0] == "failed"
        assert "check that the server runs" in checks["database"][1]

    def test_commits_that_return_early(self, run: Run, shared: Database) -> None:
        """Nothing is lost by that, and it is worth knowing."""
        name = urlsplit(shared.url).path[1:]
        _execute(shared.url, f"ALTER DATABASE {name} SET synchronous_commit = off")
        status, detail = _checks(run)["commits"]
        assert status == "note"
        assert "synchronous_commit is off" in detail

    def test_few_connections_left(self, run: Run, shared: Database) -> None:
        """Of whatever is scarcest: the server's, the database's or the user's."""
        name = urlsplit(shared.url).path[1:]
        _execute(shared.url, f"ALTER DATABASE {name} CONNECTION LIMIT 8")
        status, detail = _checks(run)["server"]
        assert status == "note"
        assert "8 connections left, and a process takes up to 11" in detail

    def test_a_user_who_may_not_make_tables(
        self, run: Run, shared: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Everything works until the next version."""
        with _lesser(shared.url) as user:
            _execute(
                shared.url,
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}",
                f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}",
            )
            monkeypatch.setenv("RECADO_DATABASE_URL", _as(shared.url, user))
            checks = _checks(run)
            assert checks["rights"][0] == "note"
            assert checks["database"][0] == "ok"
            assert run("send", "user:ana", "hello").code == 0

    def test_a_pooler_that_is_told_of(
        self, run: Run, shared: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is rung then, and nothing is amiss."""
        monkeypatch.setenv("RECADO_DATABASE_URL", f"{shared.url}&pooler=true")
        status, detail = _checks(run)["wakeups"]
        assert status == "ok"
        assert "once a second" in detail

    def test_clocks_apart(
        self, run: Run, shared: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The server's is gone by, so this machine's is the one to be set."""
        look = DatabaseClock.look

        async def look_ahead(self: DatabaseClock) -> None:
            ask = self._ask

            async def asked() -> int:
                return await ask() + 90_000_000

            self._ask = asked
            await look(self)

        monkeypatch.setattr(DatabaseClock, "look", look_ahead)
        status, detail = _checks(run)["skew"]
        assert status == "note"
        assert "behind the server's" in detail


# -- what is wrong, in a sentence ------------------------------------------------------------


class _lesser:  # noqa: N801 - it is used as a function
    """A user without any right in a database, for the length of a block."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._name = f"lesser_{urlsplit(url).path[1:]}"

    def __enter__(self) -> str:
        _execute(self._url, f"CREATE ROLE {self._name} LOGIN")
        return self._name

    def __exit__(self, *_: object) -> None:
        _execute(self._url, f"DROP OWNED BY {self._name}", f"DROP ROLE {self._name}")


def _refused(run: Run, url: str, line: str = "deliveries list") -> str:
    """The one sentence a command ends with that cannot use its database."""
    ended = run(*line.split(), "--database-url", url)
    assert (ended.code, ended.out) == (6, "")
    assert ended.err.count("\n") == 1
    return ended.err.removeprefix("Error: ").rstrip("\n")


def test_an_unknown_database(run: Run, postgres_url: str) -> None:
    """It is not made: that is its administrator's."""
    url = urlsplit(postgres_url)._replace(path="/nowhere").geturl()
    told = _refused(run, url)
    assert told == (
        "There is no database postgresql://recado@/nowhere on its server: make it with createdb, "
        "or correct RECADO_DATABASE_URL."
    )


def test_an_unknown_user(run: Run, postgres_url: str) -> None:
    """As the server puts it."""
    told = _refused(run, _as(postgres_url, "nobody-here"))
    assert 'role "nobody-here" does not exist' in told
    assert "check the user in RECADO_DATABASE_URL" in told


@pytest.mark.parametrize("line", ["deliveries list", "migrate", "serve --port 0", "worker"])
def test_a_wrong_password(run: Run, postgres_url: str, guarded: str, line: str) -> None:
    """Neither it nor the right one is told."""
    told = _refused(run, _as(postgres_url, f"{guarded}:mistaken"), line)
    assert 'password authentication failed for user "guarded"' in told
    assert "RECADO_DATABASE_PASSWORD_FILE" in told
    assert "mistaken" not in told


def test_a_password_in_a_file(
    run: Run, empty: str, guarded: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it consists of."""
    (home / "password").write_text(f"{_PASSWORD}\n")
    monkeypatch.setenv("RECADO_DATABASE_PASSWORD_FILE", str(home / "password"))
    _execute(empty, f"GRANT ALL ON SCHEMA public TO {guarded}")
    ended = run("migrate", "--database-url", _as(empty, guarded))
    assert ended.code == 0, ended.err
    assert run("doctor", "--port", "0").code == 2  # no flags of settings here


def test_a_password_is_no_flag(run: Run) -> None:
    """Every user of the machine could read it."""
    ended = run("serve", "--database-password", "pw")
    assert ended.code == 2
    assert "RECADO_DATABASE_PASSWORD_FILE" in ended.err


@pytest.mark.parametrize("line", ["migrate", "serve --port 0", "worker", "demo --port 0"])
def test_a_user_who_may_not_make_tables(run: Run, empty: str, line: str) -> None:
    """Nothing is half done."""
    with _lesser(empty) as user:
        told = _refused(run, _as(empty, user), line)
    assert "permission denied for schema public" in told
    assert "GRANT it, or run `recado migrate` as a user who has it" in told
    assert _tables(empty) == []


def test_a_user_who_may_not_read_the_tables(run: Run, shared: Database) -> None:
    """The same sentence, with what the server says is missing."""
    with _lesser(shared.url) as user:
        told = _refused(run, _as(shared.url, user))
    assert "permission denied for table recado_schema" in told


@pytest.mark.parametrize("line", ["deliveries list", "migrate", "serve --port 0", "worker"])
def test_a_server_that_is_not_running(run: Run, tmp_path: Path, line: str) -> None:
    """Neither behind a socket's name nor behind a port."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        for url in (f"postgresql://ana@/x?host={tmp_path}", f"postgresql://ana@127.0.0.1:{port}/x"):
            told = _refused(run, url, line)
            assert told.startswith(f"The database {url.partition('?')[0]} cannot be reached (")
            assert told.endswith(" in RECADO_DATABASE_URL are right.")


@pytest.mark.parametrize("line", ["deliveries list", "migrate", "serve --port 0", "worker"])
def test_a_database_newer_than_the_program(run: Run, shared: Database, line: str) -> None:
    """It is left alone, and nothing listens."""
    _execute(shared.url, "INSERT INTO recado_schema (version, oldest) VALUES (999, 998)")
    told = _refused(run, shared.url, line)
    assert told.startswith("This database has schema version 999 and this program knows ")
    assert "install the newer Recado" in told


def test_a_newer_database_that_says_it_is_understood(run: Run, shared: Database) -> None:
    """An older program goes on beside a newer one."""
    _execute(shared.url, "INSERT INTO recado_schema (version, oldest) VALUES (999, 1)")
    assert run("send", "user:ana", "hello").code == 0
    assert run("migrate", "--json").json["schema_version"] == 999


@pytest.mark.parametrize("line", ["deliveries list", "migrate", "serve --port 0", "doctor"])
def test_a_server_that_is_too_old(
    run: Run, empty: str, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Said by its version."""
    monkeypatch.setattr(postgres_database, "_OLDEST", 99)
    ended = run(*line.split())
    assert ended.code == (1 if line == "doctor" else 3)
    assert "Recado needs PostgreSQL 99 or later" in ended.out + ended.err
    assert _tables(empty) == []


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("sslmode=perhaps", "RECADO_DATABASE_URL cannot be used: `sslmode` parameter must be"),
        ("colour=blue", 'unrecognized configuration parameter "colour"'),
    ],
)
def test_options_that_cannot_be_used(run: Run, postgres_url: str, option: str, told: str) -> None:
    """A setting is at fault, not the database."""
    ended = run("deliveries", "list", "--database-url", f"{postgres_url}&{option}")
    assert ended.code == 3
    assert told in ended.err


def test_a_database_that_is_read_only(run: Run, shared: Database) -> None:
    """As a replica is, which a failover may have left the URL pointing at."""
    name = urlsplit(shared.url).path[1:]
    _execute(shared.url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    for line in ("send user:ana hello", "migrate", "serve --port 0", "worker"):
        assert "is read-only, perhaps a replica" in _refused(run, shared.url, line)


def test_problems_are_json_too(run: Run, empty: str) -> None:
    """With the word to program against."""
    ended = run("deliveries", "list", "--json")
    assert json.loads(ended.err)["code"] == "store_empty"
