"""docs/moving.md does what it says: its commands run, and what it tells of the file is there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from recado.app import Recado
from recado.cli import main
from recado.config import Settings
from recado.moving.lines import FORMAT
from recado.testing import make_notification, make_sighting

_PAGE = (Path(__file__).parents[2] / "docs" / "moving.md").read_text("utf-8")
_SERVER = "postgresql://owner@db.example.com/recado"


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a database of two conversations, who were both told something."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECADO_DATABASE_URL", f"sqlite:///{tmp_path / 'recado.db'}")
    recado = Recado(Settings(database_url=f"sqlite:///{tmp_path / 'recado.db'}"))
    await recado.open()
    for name in ("a:ana", "a:ben"):
        await recado.references.remember(make_sighting(name))
    accepted = make_notification(accepted_at=recado.clock.now())
    await recado.store.accept(accepted, (await recado.store.references()).items)
    await recado.stop()
    return tmp_path


def test_the_commands_run(
    here: Path, postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In their order, and say what stands below them."""
    (block,) = re.findall(r"```console\n(.*?)```", _PAGE, re.DOTALL)
    steps = re.findall(r"^\$ recado (.*)\n((?:[^$].*\n)*)", block, re.MULTILINE)
    assert len(steps) == 2
    for line, told in steps:
        words = [word.replace(_SERVER, postgres_url) for word in shlex.split(line)]
        assert main(words) == 0
        assert capsys.readouterr().out == told
    for each in (here / "recado.jsonl").read_text("utf-8").splitlines():
        json.loads(each)


def test_the_table_of_the_first_line_is_complete(here: Path) -> None:
    """Every member of it is explained, and no other."""
    assert main(["export", "x.jsonl"]) == 0
    first = json.loads((here / "x.jsonl").read_text("utf-8").splitlines()[0])
    table = _PAGE.partition("## The file")[2].partition("\n\nEach further")[0]
    explained = [
        name
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    ]
    assert explained == list(first)
    assert first["recado_export"] == FORMAT
