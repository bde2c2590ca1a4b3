"""docs/reminders.md does what it says: its code runs, and what its tables say is understood."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from recado import Recado, Settings
from recado.domain.reminding import Ask, command_of
from recado.domain.words import moment_of
from recado.errors import AmbiguousMoment
from recado.testing import FakeConnector, HandClock
from tests.bot.kit import Echo, Request, make_adapter, message

_PAGE = (Path(__file__).parents[2] / "docs" / "reminders.md").read_text("utf-8")
_NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
_MADRID = ZoneInfo("Europe/Madrid")


def _rows(title: str) -> list[list[list[str]]]:
    """The forms in each cell of each row of the first table below a title."""
    table = _PAGE.partition(f"## {title}")[2].partition("\n## ")[0]
    return [
        [re.findall("`(.*?)`", cell) for cell in row.split("|")[1:-1]]
        for row in re.findall(r"^\| `.*$", table, re.MULTILINE)
    ]


async def test_the_code_runs_and_the_dialogue_is_true() -> None:
    """Every block; and what the page shows is what is answered."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL):
        exec(compile(block, "docs/reminders.md", "exec"), names)  # noqa: S102 - our own page
    asked, *answer = re.findall(r"^> (.+)$", _PAGE, re.MULTILINE)
    adapter, agent = make_adapter(), Echo()
    settings = Settings(database_url="sqlite:///:memory:")
    async with FakeConnector() as channel:
        recado = Recado(settings, clock=HandClock(_NOW))
        recado.attach(adapter, agent)
        names["attach"](recado)
        async with recado:
            said = message(asked, serviceUrl=channel.url, localTimezone="Europe/Madrid")
            await adapter.process_request(Request(said), agent)
            await channel.until(1)
    assert channel.texts["a:ana"] == ["\n\n".join(answer)]


def test_the_commands_are_understood() -> None:
    """Every form in the table, the same in both languages."""
    rows = _rows("What people say")
    assert len(rows) == 8
    for english, spanish, _ in rows:
        commands = [command_of(form) for form in (*english, *spanish)]
        (kind,) = {type(command) for command in commands}
        assert kind is not type(None)
        meant = [moment_of(each.rest, _NOW, _MADRID) for each in commands if isinstance(each, Ask)]
        assert len({(each.at, each.cron) for each in meant}) <= 1


def test_the_moments_are_understood() -> None:
    """Every form in the table."""
    rows = _rows("When")
    assert len(rows) == 8
    for said, _ in rows:
        for form in said:
            assert moment_of(form, _NOW, _MADRID).left == ""


@pytest.mark.parametrize("said", ["at 5", "at 9", "next friday", "on 3/4"])
def test_what_can_be_either_is_refused(said: str) -> None:
    """As the page says of each."""
    assert said.removeprefix("on ") in _PAGE
    with pytest.raises(AmbiguousMoment):
        moment_of(said, _NOW, _MADRID)
