"""docs/quiet-hours.md does what it says: its code runs, and its table names what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from recado.bot.ready.quiet_hours import understood
from recado.config import Settings
from recado.domain.politeness.chain import LinkName
from recado.domain.politeness.profile import RECOMMENDED
from recado.testing import FakeConnector, wired

_DOCS = Path(__file__).parents[2] / "docs"
_PAGE = (_DOCS / "quiet-hours.md").read_text("utf-8")


async def test_the_code_runs() -> None:
    """From the first block to the last."""
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL):
        exec(compile(block, "docs/quiet-hours.md", "exec"), names)  # noqa: S102 - our own page
    settings, polite = names["settings"], names["polite"]
    assert isinstance(settings, Settings)
    assert settings.rules().for_nobody.hours
    assert settings.rules().counts
    assert callable(polite)
    async with FakeConnector() as channel, wired(channel) as recado:
        await polite(recado)
        let_people_say_it = names["let_people_say_it"]
        assert callable(let_people_say_it)
        let_people_say_it(recado)
        found = await recado.recipients.get("user:ana@example.com")
    assert found.windows == {"prices": "mon-fri 12:00-13:00"}


def test_what_people_say_is_understood() -> None:
    """Each of the examples, in both languages."""
    table = _PAGE.partition("| a person says |")[2].partition("## ")[0]
    said = [each for row in table.splitlines() for each in re.findall(r"`([^`]+)`", row)]
    assert [understood(each.split()) for each in said] == [
        *("22:00-08:00", "22:00-08:00", "off", "no", "default", "habituales", "", ""),
    ]


def test_the_links_are_those_there_are_in_their_order() -> None:
    """The table names every one."""
    table = _PAGE.partition("| link |")[2]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == get_args(LinkName)


def test_the_recommended_profile_is_as_it_is_described() -> None:
    """In docs/configuration.md."""
    page = (_DOCS / "configuration.md").read_text("utf-8")
    assert "quiet from 21:00 to 08:00" in page
    assert RECOMMENDED.quiet == "21:00-08:00"
    assert "at most 10 messages a day to a recipient and 3 of each category" in page
    assert {name: str(cap) for name, cap in RECOMMENDED.caps.items()} == {
        "": "10/day",
        "*": "3/day",
    }
    assert "60 seconds between two of them" in page
    assert RECOMMENDED.interval is not None
    assert RECOMMENDED.interval.total_seconds() == 60
