"""Listings and single records: JSON fields are pinned, plain text is for pipes."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from recado.app import Recado
from recado.channel.local import CHANNEL
from recado.cli.others import own
from recado.domain.job import JobScope
from recado.domain.reference import ConversationKey, Presence
from recado.store.port import Page
from tests.cli.kit import Database, Run, local


async def _start_job(recado: Recado, tenant: str = "", conversation: str = "conv-ana") -> int:
    key = ConversationKey(bot="local", channel=CHANNEL, conversation_id=conversation)
    reference = await recado.store.reference_by_key(key)
    assert reference is not None
    scope = JobScope(bot="local", tenant=tenant)
    job = await recado.job_log.start(reference, scope=scope, user={"id": "ana", "name": "Ana"})
    return job.number


# -- jobs ------------------------------------------------------------------------------------


def test_an_empty_job_log(run: Run, database: Database) -> None:
    """Nothing on stdout for a pipe, an empty list for a program."""
    ended = run("jobs", "list")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "The job log is empty.\n"
    assert run("jobs", "list", "--json").json == {"items": [], "next": None}


def test_jobs_as_json(run: Run, talking: Database) -> None:
    """The fields of a job are those of the HTTP API."""
    talking.do(_start_job)
    listed = run("jobs", "list", "--json").json
    (job,) = listed["items"]
    assert list(job) == [
        "number",
        "tenant",
        "title",
        "conversation_id",
        "reference_id",
        "user",
        "started_at",
        "completed",
        "completed_at",
        "result",
    ]
    assert (job["number"], job["completed"], job["user"]["name"]) == (1, False, "Ana")
    assert job["started_at"].endswith("Z")
    assert listed["next"] is None


def test_jobs_for_a_pipe(run: Run, talking: Database) -> None:
    """Tabs between the columns, one line a job, no colour."""
    talking.do(_start_job)
    title, row = run("jobs", "list").out.splitlines()
    assert title.split("\t")[:3] == ["number", "tenant", "completed"]
    assert row.split("\t")[:3] == ["1", "", "no"]
    assert "\033" not in row


def test_pages_go_on_where_they_ended(run: Run, talking: Database) -> None:
    """``next`` of one page is ``--after`` of the following one."""
    for _ in range(3):
        talking.do(_start_job)
    first = run("jobs", "list", "--limit", "2", "--json").json
    assert [job["number"] for job in first["items"]] == [1, 2]
    second = run("jobs", "list", "--limit", "2", "--after", first["next"], "--json").json
    assert [job["number"] for job in second["items"]] == [3]
    assert second["next"] is None
    assert "--after" in run("jobs", "list", "--limit", "2").err


def test_completing_a_job_tells_its_conversation(run: Run, talking: Database) -> None:
    """Without a serving process the command delivers the message itself."""
    talking.do(_start_job)
    ended = run("jobs", "complete", "1", "--say", "Ready.", "--result", '{"rows": 3}')
    assert ended.code == 0, ended.err
    assert "Job 1 is complete." in ended.out
    assert "Delivered to 1 conversation." in ended.out
    assert talking.said("conv-ana") == ["Ready."]
    (job,) = run("jobs", "list", "--json").json["items"]
    assert (job["completed"], job["result"]) == (True, {"rows": 3})


def test_a_job_is_completed_once(run: Run, talking: Database) -> None:
    """The second time is a conflict, and nothing is said again."""
    talking.do(_start_job)
    assert run("jobs", "complete", "1", "--json").json["number"] == 1
    ended = run("jobs", "complete", "1", "--json")
    assert ended.code == 5
    assert ended.problem["code"] == "job_already_complete"
    assert talking.said("conv-ana") == ["Job 1 is complete."]


def test_a_number_of_several_logs_asks_for_the_tenant(run: Run, talking: Database) -> None:
    """Numbers count per tenant, so one can mean two jobs."""
    talking.do(lambda recado: _start_job(recado, "contoso"))
    assert run("jobs", "complete", "1", "--wait", "0").code == 0
    talking.do(lambda recado: _start_job(recado, "fabrikam"))
    ended = run("jobs", "complete", "1")
    assert ended.code == 2
    assert "one of 'contoso', 'fabrikam'" in ended.err
    assert run("jobs", "complete", "1", "--tenant", "fabrikam", "--wait", "0").code == 0
    listed = run("jobs", "list", "--tenant", "fabrikam", "--json").json["items"]
    assert [(job["tenant"], job["completed"]) for job in listed] == [("fabrikam", True)]


# -- references ------------------------------------------------------------------------------


def test_references_as_json(run: Run, talking: Database) -> None:
    """Who can be spoken to, and how each is reached."""
    items = run("references", "list", "--json").json["items"]
    assert [item["conversation_id"] for item in items] == ["conv-ana", "conv-ben"]
    assert list(items[0]) == [
        "id",
        "bot",
        "channel",
        "conversation_id",
        "name",
        "conversation_type",
        "is_group",
        "tenant_id",
        "service_url",
        "locale",
        "timezone",
        "health",
        "health_reason",
        "health_since",
        "first_seen",
        "last_seen",
        "agent",
        "members",
    ]
    (member,) = items[0]["members"]
    assert list(member) == ["user_id", "name", "aad_object_id", "email", "last_seen"]
    one = run("references", "show", items[0]["id"], "--json").json
    assert one.pop("raw") is not None
    assert one.pop("audit") == []
    assert one == items[0]


def test_a_reference_for_people(run: Run, talking: Database) -> None:
    """Names and values, one pair a line; what is not known is left out."""
    (first, _) = run("references", "list", "--json").json["items"]
    shown = run("references", "show", first["id"]).out
    assert f"id               {first['id']}\n" in shown
    assert "locale" not in shown
    assert "member  Ana, ana" in shown


def test_names_of_strangers_cannot_steer_the_terminal(run: Run, database: Database) -> None:
    """Escape sequences, tabs and line ends in a name are shown as what they are."""
    database.remember(local("conv", "\033[2Jeve\tx\nroot"))
    out = run("references", "list").out
    assert "\033" not in out
    assert len(out.splitlines()) == 2
    assert len(out.splitlines()[1].split("\t")) == 7


def test_whom_to_name_to_say_something(run: Run, database: Database) -> None:
    """The person of a private chat; nobody in a group, where all would read it."""
    group = replace(local("conv-all", "ben"), is_group=True)
    database.remember(local("conv-ana", "ana"), group)
    title, *rows = (line.split("\t") for line in run("references", "list").out.splitlines())
    place = title.index("user")
    assert [row[place] for row in rows] == ["user:ana", ""]
    assert run("send", rows[0][place], "hello").code == 0


@pytest.fixture
def other_bot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a folder are those of another bot."""
    monkeypatch.setenv("MicrosoftAppId", "11111111-1111-1111-1111-111111111111")
    monkeypatch.setenv("MicrosoftAppPassword", "secret-secret-secret")


def test_another_bot_in_the_database_is_named(
    run: Run, talking: Database, request: pytest.FixtureRequest
) -> None:
    """That nothing is known would look as if the database were empty."""
    talking.do(_start_job)
    run("send", "user:ana", "hello")
    request.getfixturevalue("other_bot")
    for line, words in (
        ("references list", "2 conversations belong to bot 'local'"),
        ("deliveries list", "2 conversations belong to bot 'local'"),
        ("jobs list", "1 job belongs to bot 'local'"),
    ):
        ended = run(*line.split())
        assert (ended.code, ended.out) == (0, "")
        assert words in ended.err
        assert run(*line.split(), "--json").json == {"items": [], "next": None}


async def test_pages_hold_this_bots_records_only() -> None:
    """However many others lie between, no record is left out and none comes twice."""
    records = [number for number in range(2500) if number % 100 < 3 or number < 5]

    async def fetch(after: str | None, limit: int) -> Page[int]:
        start = int(after or 0)
        items = list(range(start, min(start + limit, 2500)))
        return Page(items=items, next=str(items[-1] + 1) if items[-1] < 2499 else None)

    found: list[int] = []
    after = None
    while True:
        page = await own(fetch, records.__contains__, after=after, limit=7)
        assert len(page.items) <= 7
        found += page.items
        if page.next is None:
            break
        after = page.next
    assert found == records


# -- tables ----------------------------------------------------------------------------------


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Standard output is a terminal of that width."""

    def of_width(columns: int) -> None:
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")

    return of_width


@pytest.mark.parametrize("columns", [30, 60, 80, 120, 200])
@pytest.mark.parametrize("kind", ["references", "deliveries"])
def test_ids_can_be_copied_from_a_table(
    run: Run,
    database: Database,
    terminal: Callable[[int], None],
    columns: int,
    kind: str,
) -> None:
    """At every width they stand first and whole, one row a line; others shrink or are left out."""
    long = replace(local(f"conv-{'x' * 90}", "ana"), name="A very long name " * 20)
    database.remember(long, local("conv-ben", "ben"))
    run("send", "all", "hello", "--when", "1h", "--wait", "0")
    run("send", "user:ana", "hello", "--when", "1h")
    ids = [each["id"] for each in run(kind, "list", "--json").json["items"]]
    terminal(columns)
    ended = run(kind, "list")
    lines = re.sub(r"\033\[[\d;]*m", "", ended.out).splitlines()
    shown = [line.split()[0] for line in lines if len(line.split()[0]) == 36 and "-" in line]
    assert shown == ids
    if columns >= 60:
        assert max(map(len, lines)) <= columns
    whole = "user:ana" if kind == "references" else "scheduled"
    assert (whole in ended.out) is (columns >= 60 or kind == "deliveries")
    assert ("No room for" in ended.err) is (columns < (200 if kind == "references" else 120))


def test_what_goes_to_whom(run: Run, talking: Database, terminal: Callable[[int], None]) -> None:
    """The name of the conversation or of who is in it, else how its id begins."""
    nobody = replace(local(f"conv-{'x' * 40}", "eve"), members=())
    named = replace(local("conv-team", "ben"), name="The team", is_group=True)
    talking.remember(nobody, named)
    run("send", "all", "hello", "--wait", "0")
    run("send", "user:ana", "hello", "--when", "1h")
    for name in ("conv-" + "x" * 40, "conv-team"):
        run("send", f"conversation:{name}", "hello", "--wait", "0")
    title, *rows = (line.split("\t") for line in run("deliveries", "list").out.splitlines())
    told = [row[title.index("to")] for row in rows]
    assert set(told) >= {"Ana", "The team", f"conv-{'x' * 19}…"}


# -- deliveries ------------------------------------------------------------------------------


def test_deliveries_as_json(run: Run, talking: Database) -> None:
    """The fields of a delivery are the words of the domain."""
    sent = run("send", "user:ana", "hello", "--json").json
    (delivery,) = run("deliveries", "list", "--json").json["items"]
    assert list(delivery) == [
        "id",
        "notification_id",
        "reference_id",
        "bot",
        "state",
        "reason",
        "attempts",
        "accepted_at",
        "due_at",
        "expires_at",
        "settled_at",
        "user",
        "evidence",
    ]
    assert list(delivery["evidence"]) == [
        "status",
        "code",
        "sub_code",
        "message",
        "activity_id",
        "headers",
    ]
    assert delivery["id"] == sent["deliveries"][0]
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)


def test_filters(run: Run, talking: Database) -> None:
    """By state, notification and reference; each alone and together."""
    one = run("send", "user:ana", "now", "--json").json
    later = run("send", "user:ben", "later", "--when", "1h", "--json").json

    def found(*words: str) -> list[str]:
        items = run("deliveries", "list", *words, "--json").json["items"]
        return [item["notification_id"] for item in items]

    assert found() == [later["id"], one["id"]]
    assert found("--state", "scheduled") == [later["id"]]
    assert found("--notification", one["id"]) == [one["id"]]
    ben = run("references", "list", "--json").json["items"][1]["id"]
    assert found("--reference", ben) == [later["id"]]
    assert found("--reference", ben, "--state", "delivered") == []
    assert "There are no such deliveries." in run("deliveries", "list", "--state", "held").err


def test_one_delivery(run: Run, talking: Database) -> None:
    """With content, conversation and every attempt."""
    sent = run("send", "user:ana", "hello\nworld", "--json").json
    (delivery_id,) = sent["deliveries"]
    shown = run("deliveries", "show", delivery_id, "--json").json
    assert list(shown) == [
        "delivery",
        "channel",
        "conversation_id",
        "health",
        "ahead",
        "handler",
        "action",
        "target",
        "pauses",
        "stopped",
        "decided_by",
        "content",
        "attempts",
    ]
    assert shown["content"]["text"] == "hello\nworld"
    (attempt,) = shown["attempts"]
    assert list(attempt) == [
        "number",
        "owner",
        "started_at",
        "ended_at",
        "outcome",
        "reason",
        "evidence",
    ]
    assert attempt["outcome"] == "delivered"
    people = run("deliveries", "show", delivery_id).out
    assert "content       hello world" in people
    assert "attempt\tstarted (UTC)\toutcome" in people


def test_a_long_content_is_cut(run: Run, talking: Database) -> None:
    """People see how it begins, programs all of it."""
    text = "0123456789" * 300
    (delivery_id,) = run("send", "user:ana", text, "--json").json["deliveries"]
    assert run("deliveries", "show", delivery_id, "--json").json["content"]["text"] == text
    line = next(
        line
        for line in run("deliveries", "show", delivery_id).out.splitlines()
        if line.startswith("content")
    )
    assert line.endswith(f"  {text[:200]}… (3,000 characters; --json shows them all)")


def test_explain(run: Run, talking: Database) -> None:
    """Words for people, the same words in a list for programs."""
    sent = run("send", "user:ana", "hello", "--when", "1h", "--json").json
    (delivery_id,) = sent["deliveries"]
    told = run("deliveries", "explain", delivery_id)
    assert told.code == 0
    assert told.out.startswith("It is scheduled: it is due on ")
    assert "No process is delivering from this database" in told.out
    document = run("deliveries", "explain", delivery_id, "--json").json
    assert list(document) == ["delivery", "served", "explanation", "chain"]
    assert document["served"] is False
    words, _, _ = told.out.partition("\n\n")
    assert len(document["explanation"]) == len(words.splitlines())


def test_cancel_and_what_cannot_be_cancelled(run: Run, talking: Database) -> None:
    """What waits is ended; what has ended is a conflict."""
    sent = run("send", "user:ana", "user:ben", "--when", "1h", "--json").json
    (delivery_id,) = sent["deliveries"]
    ended = run("deliveries", "cancel", delivery_id, "--json")
    assert ended.json["items"][0]["state"] == "cancelled"
    again = run("deliveries", "cancel", delivery_id, "--json")
    assert again.code == 5
    assert again.problem["code"] == "transition_refused"
    assert again.problem["detail"].endswith("It is already cancelled; nothing is left to cancel.")


def test_retry_says_when_nobody_delivers(run: Run, database: Database) -> None:
    """A retried delivery is pending, and the reader learns who will send it."""
    database.remember(local("conv-ana", "ana"))
    held = _held(run, database)
    ended = run("deliveries", "retry", held)
    assert ended.code == 0
    assert ended.out == f"Delivery {held} is pending.\n"
    assert "recado serve" in ended.err


def _held(run: Run, database: Database) -> str:
    """A delivery held because its conversation is gone; its id."""
    database.remember(replace(local("conv-ana", "ana"), presence=Presence.LEFT))
    ended = run("send", "user:ana", "hello", "--json")
    assert ended.code == 1
    (delivery,) = ended.json["not_delivered"]
    assert (delivery["state"], delivery["reason"]) == ("held", "unreachable")
    return str(delivery["id"])


# -- migrate ---------------------------------------------------------------------------------


def test_migrate_makes_the_database(run: Run, home: Path) -> None:
    """It says where it is, its version, and whether it was made now."""
    first = run("migrate", "--database-url", "sqlite:///new/recado.db", "--json").json
    assert first["made"] is True
    assert first["database"] == str(home / "new" / "recado.db")
    assert first["schema_version"] >= 1
    again = run("migrate", "--database-url", "sqlite:///new/recado.db")
    assert again.out.endswith(f"has schema version {first['schema_version']}.\n")


def test_migrate_tells_of_a_foreign_database(run: Run, home: Path) -> None:
    """Recado's tables in another program's file may be a mistake."""
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        connection.execute("CREATE TABLE orders (id)")
    url = ("--database-url", "sqlite:///shop.db")
    told = run("migrate", *url).out
    assert "It held 1 table of another program, and Recado's were added beside them." in told
    assert "another program" not in run("migrate", *url).out


def test_a_mistyped_name_makes_no_database(run: Run, home: Path) -> None:
    """An empty list would look like an answer; the demo's database is suggested."""
    ended = run("jobs", "list", "--database-url", "sqlite:///reacdo.db")
    assert ended.code == 6
    assert not (home / "reacdo.db").exists()
    demo = home / "data" / "recado" / "demo.db"
    demo.parent.mkdir(parents=True)
    demo.write_bytes(b"")
    told = run("jobs", "list", "--database-url", "sqlite:///reacdo.db").err
    assert f"--database-url sqlite:///{demo}" in told


@pytest.mark.parametrize("place", ["before", "after"])
def test_shared_options_stand_anywhere(run: Run, talking: Database, place: str) -> None:
    """Before the command or after it, they mean the same."""
    shared = ("--json", "--database-url", talking.url)
    words = ("references", "list")
    line = (*shared, *words) if place == "before" else (*words, *shared)
    assert len(run(*line).json["items"]) == 2
