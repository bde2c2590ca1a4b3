"""docs/events.md does what it says: code runs, requests are answered, commands are understood."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest
from microsoft_agents.activity import Activity

from recado import Recado, Settings
from recado.app import create_server
from recado.bot.words import said_to_bot
from recado.cli import main
from recado.domain.cloudevents import plain_event
from recado.domain.reference import Member
from recado.domain.watching import Begin, End, Listing, Unclear, command_of
from recado.testing import FakeConnector, make_sighting, wired

_PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The blocks of code in a language."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", _PAGE, re.DOTALL)
    return found


def request_of(command: str) -> tuple[str, dict[str, str], str]:
    """What a curl command sends."""
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    url, headers, body = "", {}, ""
    for word in words:
        match word:
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words)
            case "--json":
                body, headers["Content-Type"] = next(words), "application/json"
            case _:
                url = word
    return url, headers, body


async def test_the_code_runs() -> None:
    """From the first block to the last; whoever watches is told."""
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(compile(block, "docs/events.md", "exec"), names)  # noqa: S102 - our own page
    async with FakeConnector() as channel, wired(channel) as recado:
        names["attach"](recado)
        names["observe"](recado)
        ana = Member(user_id="29:ana", email="ana@example.com")
        await recado.references.remember(
            make_sighting("a:ana", service_url=channel.url, members=(ana,))
        )
        await names["shop"](recado)
        await channel.until(1)
        assert channel.texts["a:ana"] == ["Tea is 3.2 now."]


async def test_the_requests_are_answered(tmp_path: Path) -> None:
    """Each curl command is accepted, and the answer has the members that the page shows."""
    recado = Recado(Settings(database_url=f"sqlite:///{tmp_path / 'recado.db'}"))
    server = create_server(recado)
    shown = next(each for each in map(json.loads, blocks("json")) if "accepted" in each)
    transport = httpx.ASGITransport(server, client=("127.0.0.1", 1))
    sent = [request_of(each) for each in blocks("sh") if each.startswith("curl")]
    await recado.open()
    async with httpx.AsyncClient(transport=transport) as client:
        for url, headers, body in sent:
            answer = await client.post(url, headers=headers, content=body)
            assert answer.status_code == 202, answer.text
            told = answer.json()
            assert (told["replayed"], told["accepted"]) == (0, len(told["events"]))
            assert list(told) == list(shown)
            assert list(told["events"][0]) == list(shown["events"][0])
    assert len(sent) == 4
    assert await recado.watches.newest("coffee") == 9
    await recado.stop()


def test_the_commands_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of the block, in a folder with such a file."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'recado.db'}"
    monkeypatch.setenv("RECADO_DATABASE_URL", url)
    assert main(["migrate"]) == 0
    Path("events.ndjson").write_text('{"subject": "cocoa", "value": 2}\n')
    (lines,) = (each.splitlines() for each in blocks("sh") if each.startswith("recado"))
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0

    async def newest(subject: str) -> Any:
        recado = Recado(Settings(database_url=url))
        await recado.open()
        try:
            return await recado.watches.newest(subject)
        finally:
            await recado.stop()

    assert asyncio.run(newest("tea")) == "sold out"
    assert asyncio.run(newest("cocoa")) == 2


def test_what_is_said_in_chat_is_understood() -> None:
    """Every form in the table, and a row's two languages mean the same."""
    table = _PAGE.partition("## In chat")[2].partition("The bot repeats")[0]
    rows = re.findall(r"^\| `.*$", table, re.MULTILINE)
    assert len(rows) == 6
    for row in rows:
        english, spanish = (
            [command_of(form) for form in re.findall("`(.*?)`", cell)]
            for cell in row.split("|")[1:3]
        )
        assert len(english) == len(spanish)
        for one, other in zip(english, spanish, strict=True):
            assert type(one) is type(other)
            assert isinstance(one, Begin | Listing | End)
            assert not isinstance(one, Unclear)
            if isinstance(one, Begin) and isinstance(other, Begin):
                assert type(one.rule) is type(other.rule)


def test_the_activity_is_one() -> None:
    """And its value is an event."""
    (told,) = (each for each in map(json.loads, blocks("json")) if each.get("type") == "event")
    activity = Activity.model_validate(told)
    assert said_to_bot(activity) == ""
    assert plain_event(activity.value, source="/", event_id="1").subject == "sensor/7"
