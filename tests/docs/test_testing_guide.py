"""docs/testing.md does what it says: its code is a suite of its own, its commands are run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from recado.testing import faults
from tests.cli.process import started
from tests.scene.server import running

_DOCS = Path(__file__).parents[2] / "docs"
_GUIDE = (_DOCS / "testing.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", _GUIDE, re.DOTALL)


_COMMANDS = re.findall(r"^\$ (.*)$", "\n".join(_blocks("console")), re.MULTILINE)


def test_the_code_runs(tmp_path: Path) -> None:
    """As the test suite of a reader: every test on the page passes."""
    conftest, *tests = _blocks("python")
    (tmp_path / "conftest.py").write_text(conftest, "utf-8")
    (settings,) = _blocks("toml")
    (tmp_path / "pyproject.toml").write_text(settings, "utf-8")
    (tmp_path / "test_guide.py").write_text("\n\n".join(tests), "utf-8")
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    ended = subprocess.run(
        [*line, "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    wanted = sum(len(re.findall(r"^(?:async )?def test_", each, re.MULTILINE)) for each in tests)
    assert re.search(rf"\b{wanted} passed\b", ended.stdout), ended.stdout + ended.stderr


@pytest.mark.parametrize("command", _COMMANDS)
async def test_the_commands_run(command: str, tmp_path: Path) -> None:
    """Each listens, and sums up when it is told to stop."""
    program, *words = shlex.split(command)
    assert program == "recado"
    if "--bot" not in words:
        _run(words)
        return
    async with running("demo", database=tmp_path / "demo.db") as bot:
        _run([bot.url if word.startswith("http") else word for word in words])


def _run(words: list[str]) -> None:
    with started(*words, "--port", "0") as channel:
        channel.lines_until("Ctrl-C stops it.")
        code, out, _ = channel.interrupt()
    assert code == 0
    assert "Requests" in out


def test_every_fault_named_exists() -> None:
    """In the table, and nowhere else by another name."""
    (table,) = re.findall(r"\| fault \|.*?\n\n", _GUIDE, re.DOTALL)
    first = "\n".join(row.split("|")[1] for row in table.splitlines()[2:-1])
    for name in re.findall(r"\b([A-Z][A-Z_]+|[a-z_]+(?=\())", first):
        assert hasattr(faults, name), name


def test_every_link_leads_somewhere() -> None:
    """To a page that is there."""
    for link in re.findall(r"\]\(([^)#:]+)\)", _GUIDE):
        assert (_DOCS / link).is_file(), link
