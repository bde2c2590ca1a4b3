"""The README's snippets are run, in its order, against real servers."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import CodeType
from typing import Any

import aiohttp
import pytest
import uvicorn

from recado.app import Recado
from recado.config import Settings
from recado.domain.delivery import State
from recado.testing import FakeConnector
from tests.scene.server import PATIENCE, free_port, running

_ROOT = Path(__file__).parents[2]
_README = (_ROOT / "README.md").read_text("utf-8")
#: What the README calls ``settings``: a bot under local testing.
_SETTINGS = {"CONNECTIONS": {"SERVICE_CONNECTION": {"SETTINGS": {"ANONYMOUS_ALLOWED": True}}}}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", _README, re.DOTALL)


def _commands() -> list[str]:
    return re.findall(r"^\$ (.*)$", "\n".join(_blocks("console")), re.MULTILINE)


async def _run(block: str, names: dict[str, Any]) -> None:
    code: CodeType = compile(block, "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)  # noqa: S307 - our own README
    if inspect.isawaitable(result):
        await result


@asynccontextmanager
async def _served(app: Any) -> AsyncIterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE):
        while not server.started:
            assert not task.done(), "the server of the README did not start"
            await asyncio.sleep(0.02)  # uvicorn sets a flag and no event
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def test_python_snippets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Attached in three lines, the bot answers, is told to speak first, and runs a turn."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECADO_DATABASE_URL", f"sqlite:///{tmp_path / 'readme.db'}")
    attach, notify, turn, moments = _blocks("python")
    names: dict[str, Any] = {"settings": _SETTINGS, "__name__": "readme"}
    await _run(attach, names)
    async with FakeConnector() as channel, _served(names["app"]) as url:
        await _ana_says(url, channel, "hi")
        await _run(notify, names)
        await _run(turn, names)
        async with asyncio.timeout(PATIENCE):
            await channel.until(3)
            await _run(moments, names)
            await channel.until(5)
        assert channel.texts["a:ana"] == [
            "You said hi",
            "Your report is ready.",
            "Tea now costs 4.",
            "There is a new menu.",
            "Tea now costs 7.",
        ]
    assert "1 of 1 delivered" in capsys.readouterr().out


async def _ana_says(url: str, channel: FakeConnector, text: str) -> None:
    activity = {
        "type": "message",
        "id": "1",
        "text": text,
        "channelId": "emulator",
        "serviceUrl": channel.url,
        "conversation": {"id": "a:ana"},
        "from": {"id": "29:ana", "name": "Ana"},
        "recipient": {"id": "bot", "name": "Bot"},
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/api/messages", json=activity) as answer,
    ):
        assert answer.status in (200, 202), await answer.text()


async def test_curl_snippet(tmp_path: Path) -> None:
    """The curl command is accepted by the demo as it stands."""
    (command,) = (line for line in _commands() if line.startswith("curl"))
    words = shlex.split(command)
    (url,) = (word for word in words if word.startswith("http"))
    text = words[words.index("-d") + 1]
    name, _, value = words[words.index("-H") + 1].partition(": ")
    async with running("demo", database=tmp_path / "demo.db") as server:
        there = url.replace("http://127.0.0.1:3978", server.url)
        async with (
            aiohttp.ClientSession() as session,
            session.post(there, data=text, headers={name: value}) as answer,
        ):
            assert answer.status == 202, await answer.text()


def test_make_snippets() -> None:
    """Every make target the README names exists."""
    targets = [line.split()[1] for line in _commands() if line.startswith("make")]
    makefile = (_ROOT / "Makefile").read_text("utf-8")
    assert targets == ["demo", "test"]
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_links() -> None:
    """Every page the README links to is there."""
    for link in re.findall(r"\]\(([^)#:]+)\)", _README):
        assert (_ROOT / link).is_file(), link


async def test_serve_snippet(tmp_path: Path) -> None:
    """A bot in a module is hosted as the README says."""
    arguments, *_ = _recado_commands()
    _write_bot(tmp_path)
    async with (
        FakeConnector() as channel,
        running(*arguments, database=tmp_path / "bot.db") as server,
    ):
        await _ana_says(server.url, channel, "hi")
        assert channel.texts["a:ana"] == ["You said hi"]


async def test_several_machines_snippet(tmp_path: Path, migrated_url: str) -> None:
    """What one process was told is delivered by the other when the first is killed."""
    serve, worker = _recado_commands()[1:]
    (variable,) = (line for line in _commands() if line.startswith("export"))
    assert re.fullmatch(r"export RECADO_DATABASE_URL=postgresql://\S+", variable)
    _write_bot(tmp_path)
    database = tmp_path / "nothing.db"
    async with FakeConnector() as channel, running(*worker, database=database, url=migrated_url):
        async with running(*serve, database=database, url=migrated_url) as server:
            await _ana_says(server.url, channel, "hi")
            assert channel.texts["a:ana"] == ["You said hi"]
            await server.kill()
        recado = Recado(Settings(database_url=migrated_url))
        await recado.open()
        handle = await recado.notify("user:29:ana", "Your report is ready.")
        progress = await handle.wait(PATIENCE)
        await recado.stop()
        assert progress.counts == {State.DELIVERED: 1}
        assert channel.texts["a:ana"] == ["You said hi", "Your report is ready."]


def _recado_commands() -> list[list[str]]:
    """The arguments of every ``recado`` in it."""
    named = [line for line in _commands() if ".venv/bin/recado" in line]
    return [shlex.split(line, comments=True)[1:] for line in named]


def _write_bot(directory: Path) -> None:
    """The README's bot, as a module."""
    bot = _blocks("python")[0].split("# ``settings``")[0] + "\nbot = MyBot()\n"
    (directory / "my_bot.py").write_text(bot, "utf-8")


def test_install_snippet(tmp_path: Path) -> None:
    """What `pip install .` puts into an environment is the whole package, data included."""
    (command,) = (line for line in _commands() if line.startswith("pip install"))
    words = shlex.split(command, comments=True)
    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(tmp_path)]
    subprocess.run([sys.executable, "-m", *words, *offline], cwd=_ROOT, check=True)
    installed = {path.relative_to(tmp_path / "recado") for path in tmp_path.rglob("recado/**/*")}
    source = _ROOT / "src" / "recado"
    for path in source.rglob("*"):
        if path.suffix in {".py", ".sql", ".html", ".js", ".css", ".svg"}:
            assert path.relative_to(source) in installed
