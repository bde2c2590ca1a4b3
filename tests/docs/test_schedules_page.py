"""docs/schedules.md does what it says: its code runs, and its tables name what there is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from recado.domain.schedule import FiringKind, Misfire, ScheduleState
from recado.schedules import Schedules
from recado.testing import FakeConnector, wired

_PAGE = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text("utf-8")


async def test_the_code_runs() -> None:
    """From the first block to the last."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL):
        exec(compile(block, "docs/schedules.md", "exec"), names)  # noqa: S102 - our own page
    async with FakeConnector() as channel, wired(channel) as recado:
        ana = await channel.meet(recado, "ana")
        await names["plan"](recado, f"conversation:{ana.id}")
        await names["change"](recado)
        await channel.until(1)
        assert channel.texts[ana.id] == ["Stand-up!"]
        page = await recado.schedules.page()
        assert sorted(str(each.state) for each in page.items) == ["active"] * 4 + ["cancelled"]


def test_the_tables_are_complete() -> None:
    """Every argument is in one; so is every word."""
    told = set(re.findall(r"^\| `(\w+)` \|", _PAGE, re.MULTILINE))
    arguments = {
        name
        for name, each in inspect.signature(Schedules.create).parameters.items()
        if each.kind is each.KEYWORD_ONLY
    }
    assert told == arguments - {"zone", "start", "until"}
    for word in (*Misfire, *ScheduleState, *FiringKind):
        assert f"`{word}`" in _PAGE
