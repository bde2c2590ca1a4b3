"""``recado send``: commits first, delivers itself when nobody else does, and tells what became."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recado.app import Recado
from recado.cli.sending import moment_of
from recado.config import Settings
from recado.errors import InvalidInput
from recado.testing import make_sighting
from tests.cli.kit import Database, Ended, Run


def test_it_delivers_itself_when_nobody_serves(run: Run, talking: Database) -> None:
    """The message is in the conversation when the command ends."""
    ended = run("send", "user:ana", "hello")
    assert ended.code == 0
    assert ended.out.startswith("Delivered to 1 conversation.\nNotification: ")
    assert talking.said("conv-ana") == ["hello"]
    assert talking.said("conv-ben") == []


def test_its_json(run: Run, talking: Database) -> None:
    """One document, with the names of the HTTP API."""
    sent = run("send", "user:ana", "hello", "--json").json
    assert list(sent) == [
        "id",
        "deliveries",
        "replayed",
        "served",
        "due_at",
        "progress",
        "not_delivered",
    ]
    assert list(sent["progress"]) == [
        "id",
        "accepted_at",
        "expanded",
        "settled",
        "total",
        "out",
        "counts",
    ]
    assert sent["progress"]["counts"] == {"delivered": 1}
    assert (sent["served"], sent["replayed"], sent["not_delivered"]) == (False, False, [])


@pytest.mark.parametrize(
    "words",
    [("all", "hello"), ("--to", "all", "hello"), ("user:ana", "hello", "--to", "user:ben")],
)
def test_to_everyone_and_to_several(run: Run, talking: Database, words: tuple[str, ...]) -> None:
    """The first word or ``--to``, which can be given several times."""
    ended = run("send", *words)
    assert "Delivered to 2 conversations." in ended.out
    assert talking.said("conv-ana") == talking.said("conv-ben") == ["hello"]


def test_to_everyone_when_nobody_is_known(run: Run, database: Database) -> None:
    """It is no failure, but it is said."""
    ended = run("send", "all", "hello")
    assert ended.code == 0
    assert "nobody to tell" in ended.out


def _while_served(database: Database, work: Callable[[], Ended]) -> Ended:
    """Run *work* while another Recado delivers from the database, as a process would."""

    async def scene() -> Ended:
        async with Recado(Settings(database_url=database.url)) as recado:
            # Whoever has delivered is serving.
            await recado.notify("user:ben", "ready", wait=True)
            return await asyncio.to_thread(work)

    return asyncio.run(scene())


def test_it_leaves_delivery_to_the_process_that_serves(run: Run, talking: Database) -> None:
    """It is queued, and the command says who delivers."""
    ended = _while_served(talking, lambda: run("send", "user:ana", "hello"))
    assert ended.code == 0
    assert "Accepted, 1 delivery. The process that serves this database delivers." in ended.out


def test_waiting_for_the_process_that_serves(run: Run, talking: Database) -> None:
    """``--wait`` waits until the other process has delivered."""
    ended = _while_served(
        talking, lambda: run("send", "user:ana", "hello", "--wait", "20", "--json")
    )
    assert ended.code == 0
    assert ended.json["served"] is True
    assert ended.json["progress"]["counts"] == {"delivered": 1}


def test_wait_zero_only_queues(run: Run, talking: Database) -> None:
    """Nothing leaves, and the reader learns what makes it leave."""
    ended = run("send", "user:ana", "hello", "--wait", "0")
    assert ended.code == 0
    assert "it leaves when you start `recado serve`" in ended.out
    assert talking.said("conv-ana") == []


def test_what_is_due_later_is_queued(run: Run, talking: Database) -> None:
    """Nobody waits an hour; the instant is told."""
    ended = run("send", "user:ana", "hello", "--when", "1h", "--json")
    due = datetime.fromisoformat(ended.json["due_at"])
    assert timedelta(minutes=59) < due - datetime.now(UTC) <= timedelta(hours=1)
    assert ended.json["progress"] is None
    assert "due at" in run("send", "user:ana", "again", "--when", "1h").out


def test_an_idempotency_key_sends_once(run: Run, talking: Database) -> None:
    """The same request again is what was accepted then; another one is a conflict."""
    words = ("send", "user:ana", "hello", "--idempotency-key", "k-1")
    first, second = run(*words, "--json").json, run(*words, "--json").json
    assert (second["id"], second["replayed"]) == (first["id"], True)
    assert "accepted before" in run(*words).out
    assert talking.said("conv-ana") == ["hello"]
    other = run("send", "user:ana", "else", "--idempotency-key", "k-1", "--json")
    assert other.code == 5
    assert other.problem["code"] == "idempotency_conflict"


def test_what_was_accepted_before_is_due_when_it_was(run: Run, talking: Database) -> None:
    """The time of the repeated request means nothing."""
    words = ("send", "user:ana", "hello", "--idempotency-key", "k-1", "--json", "--when")
    first, second = run(*words, "1h").json, run(*words, "3h").json
    assert second["replayed"] is True
    assert second["due_at"] == first["due_at"]


def test_what_is_due_in_a_moment_is_waited_for(run: Run, talking: Database) -> None:
    """Nobody serves, so nobody else would send it."""
    ended = run("send", "user:ana", "hello", "--when", "1s")
    assert (ended.code, ended.out.splitlines()[0]) == (0, "Delivered to 1 conversation.")
    assert talking.said("conv-ana") == ["hello"]


def test_a_broadcast_that_is_due_later_has_not_failed(run: Run, talking: Database) -> None:
    """Sent again with its key it is accepted, not delivered to none of two."""
    words = ("send", "all", "hello", "--when", "1h", "--idempotency-key", "k-1")
    for _ in range(2):
        ended = run(*words)
        assert ended.code == 0
        assert ended.out.startswith("Accepted, due at ")


def test_a_collapse_key_supersedes(run: Run, talking: Database) -> None:
    """Only the newest of what has not left yet is sent."""
    for text in ("50 %", "60 %"):
        run("send", "user:ana", text, "--collapse-key", "build", "--wait", "0")
    run("send", "user:ana", "70 %", "--collapse-key", "build")
    assert talking.said("conv-ana") == ["70 %"]


def test_urgent_goes_first(run: Run, talking: Database) -> None:
    """Within a lane only urgent ones overtake."""
    run("send", "user:ana", "one", "--wait", "0")
    run("send", "user:ana", "two", "--wait", "0", "--priority", "urgent")
    run("send", "user:ana", "three", "--wait", "20")
    assert talking.said("conv-ana") == ["two", "one", "three"]


def test_an_activity_from_a_file(run: Run, talking: Database, home: Path) -> None:
    """Any activity of the protocol, not only text."""
    (home / "card.json").write_text(json.dumps({"type": "message", "text": "from a file"}))
    assert run("send", "user:ana", "--activity", "card.json").code == 0
    assert run("send", "--to", "user:ben", "--activity", "card.json").code == 0
    assert talking.said("conv-ana") == talking.said("conv-ben") == ["from a file"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "holds no activity"),
        (b"\xff\xfe", "is not UTF-8"),
        (b'{"text": 3}', '"text" is a string'),
        (b"{}", "needs text or attachments"),
    ],
)
def test_a_file_that_is_no_activity(
    run: Run, talking: Database, home: Path, content: bytes, words: str
) -> None:
    """Each fault has its sentence, and nothing is accepted."""
    (home / "bad.json").write_bytes(content)
    ended = run("send", "user:ana", "--activity", "bad.json")
    assert ended.code == 2
    assert words in ended.err
    assert run("deliveries", "list", "--json").json["items"] == []


def test_text_from_standard_input(
    run: Run, talking: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``-`` reads it, so that commands can be piped in."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"pip\xc3\xa9d in\n")))
    run("send", "user:ana", "-")
    assert talking.said("conv-ana") == ["pip\xe9d in\n"]


def test_a_dry_run_shows_who_would_get_it(run: Run, talking: Database) -> None:
    """Recipients are resolved and the content is checked; nothing is accepted."""
    ended = run("send", "all", "hello", "--dry-run", "--json").json
    assert (ended["dry_run"], ended["total"], ended["next"]) == (True, 2, None)
    assert [item["conversation_id"] for item in ended["items"]] == ["conv-ana", "conv-ben"]
    assert ended["reach"] == [
        {"channel": "directline", "tenant": None, "reachable": 2, "unreachable": 0}
    ]
    assert (ended["unreachable"], ended["duplicates"], ended["seconds"]) == (0, 0, 0)
    people = run("send", "user:ben", "--dry-run")
    assert "Ben" in people.out
    assert "1 on directline.\n1 would get it.\nNothing was sent." in people.err
    assert run("send", "user:ben", " ", "--dry-run").code == 2
    assert run("send", "user:nobody", "hello", "--dry-run").code == 4
    assert run("deliveries", "list", "--json").json["items"] == []
    assert talking.said("conv-ana") == []


def test_what_does_not_arrive_fails(run: Run, database: Database) -> None:
    """A conversation nobody can reach from here: 1, the state, and where to read more."""
    database.remember(
        make_sighting("a:1", service_url="https://evil.example/", at=datetime.now(UTC))
    )
    ended = run("send", "user:29:ana", "hello")
    assert ended.code == 1
    assert "Delivered to 0 of 1 conversations." in ended.out
    assert "a token must not be sent to" in ended.out
    assert "recado deliveries explain" in ended.out


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("90s", timedelta(seconds=90)),
        ("10m", timedelta(minutes=10)),
        ("10min", timedelta(minutes=10)),
        ("2h30m", timedelta(hours=2, minutes=30)),
        ("1.5h", timedelta(minutes=90)),
        ("1w2d", timedelta(days=9)),
        ("0s", timedelta()),
    ],
)
def test_delays(text: str, delay: timedelta) -> None:
    """As people write them."""
    assert moment_of(text, "--when") == delay


def test_instants() -> None:
    """With a zone it is that instant; without one it is this machine's clock."""
    assert moment_of("2026-12-24T18:00:00+01:00", "--when") == datetime(
        2026, 12, 24, 17, tzinfo=UTC
    )
    naive = moment_of("2026-12-24T18:00", "--when")
    assert isinstance(naive, datetime)
    assert naive == datetime(2026, 12, 24, 18).astimezone()
    assert moment_of(None, "--when") is None


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "5", "-5m", "5 parsecs", "2026-13-01", "1h later"]
)
def test_what_is_no_time(text: str) -> None:
    """Is refused with both forms as examples."""
    with pytest.raises(InvalidInput, match="2h30m"):
        moment_of(text, "--expires")
