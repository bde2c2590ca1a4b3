"""``worker`` as a real process: it delivers on both databases, and turns go where they can run."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from recado.app import Recado
from recado.domain.notification import Progress
from tests.cli.kit import Database, Run
from tests.cli.process import PATIENCE, started

_BOT = """
from microsoft_agents.hosting.core import ActivityHandler

def agent(recado):
    @recado.handler("report")
    async def report(context, value):
        await context.send_activity(f"Report {value}")
    return ActivityHandler()
"""


@pytest.fixture(params=["talking", "shared"], ids=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest) -> Database:
    """Each of the databases in turn, with Ana and Ben."""
    made: Database = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def bot(home: Path) -> str:
    """A bot with a handler, beside the command."""
    (home / "some_bot.py").write_text(_BOT)
    return "some_bot:agent"


def notify(place: Database, *words: str, wait: float = PATIENCE, **options: Any) -> Progress:
    """Accept something in this process, which delivers nothing, and wait for it."""

    async def work(recado: Recado) -> Progress:
        handle = await recado.notify(*words, **options)
        return await handle.wait(wait)

    return place.do(work)


def test_it_delivers(run: Run, place: Database) -> None:
    """What others accept, until SIGTERM ends it in good order."""
    with started("worker", "--json") as worker:
        told = worker.ready()
        assert list(told) == ["url", "database_url", "bot", "pid", "served_elsewhere"]
        assert told["url"] is None
        sent = run("send", "user:ana", "hello", "--wait", "20", "--json")
        assert sent.json["served"] is True
        assert sent.json["progress"]["counts"] == {"delivered": 1}
        worker.signal(signal.SIGTERM)
        assert worker.end() == (0, "", "")
    assert place.said("conv-ana") == ["hello"]


def test_it_tells_what_it_does(place: Database, bot: str) -> None:
    """Where it delivers from, and whose turns it runs."""
    with started("worker") as worker:
        first, turns, *_ = worker.lines_until("Ctrl-C stops it.")
        assert first.startswith("Recado is ready: delivering from the database ")
        assert turns.startswith("Without --app turns are ")
        assert worker.interrupt() == (0, "", "")
    with started("worker", "--app", bot) as worker:
        assert f"Turns run in the bot {bot}." in worker.lines_until("Ctrl-C stops it.")
        assert worker.interrupt()[0] == 0


def test_it_runs_turns_with_a_bot(place: Database, bot: str) -> None:
    """As the process that serves would."""
    with started("worker", "--app", bot, "--json") as worker:
        worker.ready()
        progress = notify(place, "user:ana", handler="report", value=7)
        assert progress.counts == {"delivered": 1}
        assert worker.interrupt()[0] == 0
    assert place.said("conv-ana") == ["Report 7"]


def test_it_leaves_turns_to_who_has_the_bot(shared: Database, bot: str) -> None:
    """None of them is held, however many of those without are about."""
    with (
        started("worker", "--json") as plain,
        started("worker", "--json") as other,
        started("worker", "--app", bot, "--json") as able,
    ):
        for each in (plain, other, able):
            each.ready()
        for number in range(8):
            progress = notify(shared, "user:ana", handler="report", value=number)
            assert progress.counts == {"delivered": 1}
        for each in (plain, other, able):
            assert each.interrupt()[0] == 0
    assert shared.said("conv-ana") == [f"Report {number}" for number in range(8)]


def test_a_turn_nobody_can_run_waits_for_the_bot(place: Database, bot: str) -> None:
    """What stands behind it does not, and it runs once the bot is there."""
    with started("worker", "--json") as plain:
        plain.ready()
        assert notify(place, "user:ana", handler="report", value=1, wait=0).out == 0
        assert notify(place, "user:ana", "behind").counts == {"delivered": 1}
        assert plain.interrupt()[0] == 0
    with started("worker", "--app", bot, "--json") as able:
        able.ready()
        assert notify(place, "user:ana", "last").counts == {"delivered": 1}
        assert notify(place, "user:ben", handler="report", value=2).counts == {"delivered": 1}
        assert able.interrupt()[0] == 0
    assert sorted(place.said("conv-ana")) == ["Report 1", "behind", "last"]


def test_it_takes_over_from_a_server(run: Run, place: Database) -> None:
    """At once on PostgreSQL; from a file when the other has ended."""
    with started("serve", "--port", "0", "--json") as server:
        server.ready()
        with started("worker", "--json") as worker:
            assert worker.ready()["served_elsewhere"] is True
            server.kill()
            sent = run("send", "user:ana", "still here", "--wait", "20", "--json")
            assert sent.json["progress"]["counts"] == {"delivered": 1}
            assert worker.interrupt()[0] == 0


def test_probes_only_when_asked_for(place: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Health and metrics, and nothing else; a port from the environment is the server's."""
    monkeypatch.setenv("RECADO_PORT", "0")
    monkeypatch.setenv("PORT", "0")
    with started("worker", "--json") as worker:
        assert worker.ready()["url"] is None
        assert worker.interrupt()[0] == 0
    with started("worker", "--port", "0", "--json") as worker:
        url = worker.ready()["url"]
        assert httpx.get(f"{url}/healthz").json() == {"status": "alive"}
        assert httpx.get(f"{url}/readyz").json()["status"] == "ready"
        assert "recado_backlog" in httpx.get(f"{url}/metrics").text
        for path in ("/", "/api/notify", "/api/messages", "/docs", "/openapi.json"):
            assert httpx.get(f"{url}{path}").status_code == 404, path
        worker.signal(signal.SIGTERM)
        assert worker.end() == (0, "", "")


def test_other_machines_may_ask_for_its_health(
    place: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An orchestrator needs no key for that; metrics want one."""
    monkeypatch.setenv("RECADO_API_KEYS", "0123456789abcdef-key")
    with started("worker", "--host", "0.0.0.0", "--port", "0", "--json") as worker:
        url = worker.ready()["url"]
        assert httpx.get(f"{url}/readyz", headers={"host": "10.0.0.1"}).status_code == 200
        assert httpx.get(f"{url}/metrics").status_code == 401
        key = {"authorization": "Bearer 0123456789abcdef-key"}
        assert httpx.get(f"{url}/metrics", headers=key).status_code == 200
        assert worker.interrupt()[0] == 0


def test_a_busy_port(run: Run, talking: Database) -> None:
    """One sentence, and nothing was begun."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ended = run("worker", "--port", str(other.getsockname()[1]))
    assert (ended.code, ended.out) == (3, "")
    assert "is in use by another program" in ended.err


def test_a_database_in_memory_is_refused(run: Run) -> None:
    """Nobody else could put anything into it."""
    ended = run("worker", "--database-url", "sqlite://")
    assert ended.code == 3
    assert "ends with this command" in ended.err


def test_what_is_no_bot_is_refused(run: Run, talking: Database) -> None:
    """As with serve."""
    ended = run("worker", "--app", "no_such_bot:agent")
    assert ended.code == 3
    assert "cannot be found" in ended.err
