"""``demo`` and ``serve`` as real processes: start, answer, Ctrl-C, busy ports, a second process."""

from __future__ import annotations

import os
import pty
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from recado.cli import running
from recado.config import Settings
from recado.domain.reference import Presence
from tests.cli.kit import Database, Run, local
from tests.cli.process import PATIENCE, started

_BOT = """
from microsoft_agents.hosting.core import ActivityHandler

def bot(recado):
    return ActivityHandler()

agent = ActivityHandler()
number = 7
"""


def test_demo_answers_until_ctrl_c(home: Path) -> None:
    """It is ready when it says so, its page and notify page answer, and Ctrl-C is no failure."""
    with started("demo", "--port", "0", "--json") as demo:
        told = demo.ready()
        assert list(told) == ["url", "database_url", "bot", "pid", "served_elsewhere"]
        assert told["served_elsewhere"] is False
        assert told["database_url"] == f"sqlite:///{home}/data/recado/demo.db"
        for path in ("/readyz", "/", "/api/notify", "/docs"):
            assert httpx.get(f"{told['url']}{path}").status_code == 200, path
        assert demo.interrupt() == (0, "", "")


def test_demo_tells_what_to_try(home: Path) -> None:
    """The steps of the documents, with the address and the process to kill."""
    with started("demo", "--port", "0") as demo:
        text = "\n".join(demo.lines_until("Ctrl-C stops it."))
        for words in ("open http://127.0.0.1:", "`run`", "`show`", "`done 1`", "/api/notify"):
            assert words in text
        assert "kill -9 " in text
        assert f"--database-url sqlite:///{home}/data/recado/demo.db" in text
        code, out, err = demo.interrupt()
        assert (code, err) == (0, "")
        assert out == "Stopped. Started again, it goes on from here.\n"


def test_a_bot_of_ones_own_is_on_the_chat_page(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In demo mode; neither the page nor the terminal speaks of jobs that it does not have."""
    (home / "some_bot.py").write_text(_BOT)
    monkeypatch.setenv("RECADO_DEMO", "1")
    with started("serve", "--app", "some_bot:bot", "--port", "0") as server:
        lines = server.lines_until("Ctrl-C stops it.")
        page = httpx.get(lines[0].removeprefix("Recado is ready: open ")).text
        assert server.interrupt()[0] == 0
    assert 'data-person="ana"' in page
    assert "  1. Anything in either window: the bot some_bot:bot answers." in lines
    assert not any("`run`" in line or "`done 1`" in line for line in lines)
    assert "<kbd>run</kbd>" not in page


def test_the_page_of_the_demos_own_bot_says_what_to_type(home: Path) -> None:
    """Jobs are what that bot has."""
    with started("demo", "--port", "0", "--json") as demo:
        assert "<kbd>run</kbd>" in httpx.get(demo.ready()["url"]).text


def test_a_service_manager_stops_it_in_good_order(database: Database) -> None:
    """SIGTERM ends it with 0, and whatever waits for it has its answer."""
    with started("serve", "--port", "0", "--json") as sidecar:
        sidecar.ready()
        sidecar.signal(signal.SIGTERM)
        assert sidecar.end()[0] == 0


def test_a_busy_port_is_one_sentence(home: Path) -> None:
    """What is wrong and what to do, and no database is left behind."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        with started("demo", "--port", port) as demo:
            code, out, err = demo.end()
    assert (code, out) == (3, "")
    assert err == (
        f"Error: Port {port} is in use by another program (or another `recado`): stop that one, "
        "or choose another port with --port.\n"
    )
    assert not (home / "data").exists()


def test_a_second_process_takes_over(talking: Database) -> None:
    """It answers requests meanwhile, and delivers when the first is gone."""
    with started("serve", "--port", "0", "--json") as first:
        assert first.ready()["served_elsewhere"] is False
        with started("serve", "--port", "0", "--json") as second:
            told = second.ready()
            assert told["served_elsewhere"] is True
            first.kill()
            answer = httpx.post(
                f"{told['url']}/api/notify",
                json={"to": "user:ana", "text": "still here", "wait": 20},
                timeout=PATIENCE,
            )
            assert answer.json()["progress"]["counts"] == {"delivered": 1}
            assert second.interrupt()[0] == 0
    assert talking.said("conv-ana") == ["still here"]


@pytest.mark.parametrize("attribute", ["agent", "bot"])
def test_serve_hosts_a_bot(database: Database, home: Path, attribute: str) -> None:
    """A module beside the command, its attribute a bot or a function that makes one."""
    (home / "some_bot.py").write_text(_BOT)
    with started("serve", "--app", f"some_bot:{attribute}", "--port", "0", "--json") as server:
        url = server.ready()["url"]
        activity = {
            "type": "message",
            "id": "1",
            "text": "hi",
            "channelId": "emulator",
            "serviceUrl": "http://localhost:1/",
            "conversation": {"id": "c-1"},
            "from": {"id": "ana"},
            "recipient": {"id": "bot"},
        }
        answer = httpx.post(f"{url}/api/messages", json=activity, timeout=PATIENCE)
        assert answer.status_code in (200, 202)
        assert server.interrupt()[0] == 0


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ("missing", "some_bot has no missing: did you mean some_bot:agent?"),
        ("number", "some_bot:number is no bot"),
    ],
)
def test_what_is_no_bot_is_refused(run: Run, home: Path, attribute: str, words: str) -> None:
    """Before anything listens."""
    (home / "some_bot.py").write_text(_BOT)
    ended = run("serve", "--app", f"some_bot:{attribute}", "--port", "0")
    assert ended.code == 3
    assert words in ended.err


@pytest.mark.parametrize(
    ("name", "code", "words", "line"),
    [
        ("raising", 'x = 1\n\nraise ValueError("boom")', "ValueError: boom", 3),
        ("silent", "assert False", "AssertionError", 1),
        ("leaving", "import sys\nsys.exit(3)", "SystemExit: 3", 2),
        ("lacking", "x = 1\nimport not_there", "ModuleNotFoundError: No module named", 2),
        ("mistyped", "def agent(:", "SyntaxError: invalid syntax", 1),
    ],
)
def test_a_bot_that_cannot_be_imported(
    run: Run, home: Path, *, name: str, code: str, words: str, line: int
) -> None:
    """The fault is the bot's: what it is, and where."""
    (home / f"{name}_bot.py").write_text(code)
    ended = run("serve", "--app", f"{name}_bot:agent", "--port", "0")
    assert ended.code == 3
    assert ended.err.startswith(f"Error: {name}_bot cannot be imported: {words}")
    assert ended.err.endswith(f"({home}/{name}_bot.py, line {line}).\n")


def _read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect as to a file that may be read only, also when the tests are run as root."""
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def reading(path: Any, *words: Any, **options: Any) -> sqlite3.Connection:
        if options.pop("uri", False):
            return connect(path, *words, uri=True, **options)
        return connect(f"{Path(path).as_uri()}?mode=ro", *words, uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", reading)


@pytest.mark.parametrize("line", ["demo", "serve", "migrate"])
def test_a_database_that_is_read_only(
    run: Run, talking: Database, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Said at once, and before the port, which is in use as well."""
    _read_only(monkeypatch)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        if line != "migrate":
            monkeypatch.setenv("RECADO_PORT", str(other.getsockname()[1]))
        ended = run(line)
    assert (ended.code, ended.out) == (6, "")
    assert "is read-only: make the file and its directory writable" in ended.err


def test_a_place_no_database_can_be_made_in(run: Run, home: Path) -> None:
    """Is a fault of the database, before anything listens."""
    (home / "file").write_text("")
    ended = run("serve", "--database-url", "sqlite:///file/recado.db", "--port", "0")
    assert ended.code == 6
    assert "cannot be made" in ended.err


def test_a_newer_database_stops_the_server(database: Database) -> None:
    """The database's error ends the start in one sentence; nothing is served."""
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("INSERT INTO recado_schema (version) VALUES (999)")
    with started("serve", "--port", "0") as server:
        code, out, err = server.end()
    assert (code, out) == (6, "")
    assert err.startswith("Error: This database has schema version 999")
    assert err.count("\n") == 1


# -- settings --------------------------------------------------------------------------------


@pytest.fixture
def settings_of(run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The settings a command line would serve with."""
    seen: list[Settings] = []
    monkeypatch.setattr(running, "_run", lambda _, settings: seen.append(settings))

    def settings(*words: str) -> Settings:
        ended = run(*words)
        assert ended.code == 0, ended.err
        return seen[-1]

    return settings


@pytest.mark.parametrize(
    ("line", "environ", "port"),
    [
        ("demo", {}, 3978),
        ("serve", {}, 3979),
        ("serve --app bot:agent", {}, 3978),
        ("serve", {"RECADO_APP": "bot:agent"}, 3978),
        ("serve --port 5000", {"PORT": "6000"}, 5000),
        ("serve", {"PORT": "6000"}, 6000),
        ("serve", {"RECADO_PORT": "3978"}, 3978),
        ("demo", {"PORT": "6000"}, 6000),
    ],
)
def test_the_port(
    settings_of: Any,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    environ: dict[str, str],
    port: int,
) -> None:
    """A sidecar stands beside a bot; what was said anywhere wins over both defaults."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert settings_of(*line.split()).port == port


def test_the_demo_keeps_to_itself(
    settings_of: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own database, and no credentials even if some are set; a named database wins."""
    monkeypatch.setenv("MicrosoftAppId", "11111111-1111-1111-1111-111111111111")
    monkeypatch.setenv("MicrosoftAppPassword", "secret-secret-secret")
    demo = settings_of("demo")
    assert demo.demo is True
    assert demo.credentials is None
    assert demo.database.shown == str(home / "data" / "recado" / "demo.db")
    named = settings_of("demo", "--database-url", "sqlite:///x.db")
    assert named.database.shown == str(home / "x.db")
    monkeypatch.setenv("RECADO_DATABASE_URL", "sqlite:///y.db")
    assert settings_of("demo").database.shown == str(home / "y.db")
    assert settings_of("serve").credentials is not None


def test_flags_of_serve(settings_of: Any) -> None:
    """Each has the name of its setting."""
    words = "serve --host ::1 --public-url http://localhost:8080 --log-level error --log-json"
    settings = settings_of(*words.split())
    assert settings.host == "::1"
    assert settings.public_url == "http://localhost:8080"
    assert (settings.log_level, settings.log_json) == ("error", True)


def test_every_setting_is_a_flag(settings_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that ``--help`` does not list; a flag wins over its variable."""
    monkeypatch.setenv("RECADO_LEASE_SECONDS", "45")
    settings = settings_of("serve", "--lease-seconds", "60", "--connections=32", "--port", "1")
    assert (settings.lease_seconds, settings.connections, settings.port) == (60, 32, 1)
    assert settings_of("demo", "--settle-batch", "8").settle_batch == 8
    assert settings_of("serve").lease_seconds == 45


# -- interruptions ---------------------------------------------------------------------------


def test_an_interrupted_send_ends_with_130(talking: Database) -> None:
    """Ctrl-C while it waits; what was accepted stays in the outbox."""
    talking.remember(replace(local("conv-ana", "ana"), presence=Presence.LEFT))
    with started("send", "user:ana", "hello", "--wait", "600") as sending:
        until = time.monotonic() + PATIENCE
        while talking.do(lambda recado: recado.store.backlog()).waiting == {}:
            assert time.monotonic() < until
        code, _, err = sending.interrupt()
    assert (code, err) == (130, "Interrupted.\n")
    assert sum(talking.do(lambda recado: recado.store.backlog()).waiting.values()) == 1


def test_a_reader_that_leaves_early_is_no_error(talking: Database) -> None:
    """``recado … | head -0``: no traceback, no "Exception ignored"."""
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [sys.executable, "-m", "recado", "references", "list"],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        timeout=PATIENCE,
    )
    os.close(write)
    assert ended.returncode == 1
    assert ended.stderr == b""


def test_a_terminal_gets_a_table(talking: Database) -> None:
    """Lines are drawn and states coloured for people."""
    screen, terminal = pty.openpty()
    ended = subprocess.run(
        [sys.executable, "-m", "recado", "references", "list"],
        stdout=terminal,
        stderr=terminal,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "200"},
        check=False,
        timeout=PATIENCE,
    )
    os.close(terminal)
    shown = os.read(screen, 65_536).decode()
    os.close(screen)
    assert ended.returncode == 0
    assert "─" in shown
    assert "conv-ana" in shown
    assert "\033[" in shown
