"""docs/watches.md does what it says: its code runs, and its tables name what there is."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from recado.domain.reference import Member
from recado.domain.watch import WatchState, parse_rule
from recado.domain.watch.wording import NAMES
from recado.testing import FakeConnector, make_sighting, wired

_PAGE = (Path(__file__).parents[2] / "docs" / "watches.md").read_text("utf-8")
Told = Callable[[Any], Awaitable[None]]


async def test_the_code_runs() -> None:
    """From the first block to the last; the price is told as the page says."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL):
        exec(compile(block, "docs/watches.md", "exec"), names)  # noqa: S102 - our own page
    ana = Member(user_id="29:ana", email="ana@example.com")
    async with FakeConnector() as channel, wired(channel) as recado:
        await recado.references.remember(
            make_sighting("a:1", service_url=channel.url, members=(ana,))
        )
        shop: Told = names["shop"]
        more: Told = names["more"]
        await shop(recado)
        await channel.until(1)
        await more(recado)
    said = re.search(r"# (It costs .*)", _PAGE)
    assert said is not None
    assert channel.texts["a:1"] == [said[1]]


def test_every_rule_is_understood() -> None:
    """Those of the table, and those between the lines."""
    table = _PAGE.partition("## Rules")[2].partition("## What it says")[0]
    shown = re.findall(
        r"`((?:drop|rise|below|above|crosses|equals|baja|sube) [^`]*|changes)`", table
    )
    refused = {"drop 120%", "drop 5 from minimum", "drop 0%"}
    shown += ["por debajo de 50", "más de 100", "cruza 50", "cambia", "igual a agotado"]
    assert len(shown) >= 15
    for rule in shown:
        assert rule in table
        if rule not in refused:
            parse_rule(rule)


def test_the_tables_are_complete() -> None:
    """Every place of a text, and every state."""
    assert re.findall(r"^\| `\{(\w+)\}` \|", _PAGE, re.MULTILINE) == list(NAMES)
    states = _PAGE.partition("| state |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", states, re.MULTILINE) == [str(each) for each in WatchState]
