"""docs/topics.md does what it says: its code runs, and its commands are understood."""

from __future__ import annotations

import re
from pathlib import Path

from recado.bot.ready.subscriptions import understood
from recado.domain.reference import Member
from recado.domain.text import without_accents
from recado.testing import FakeConnector, make_sighting, wired

_PAGE = (Path(__file__).parents[2] / "docs" / "topics.md").read_text("utf-8")


async def test_the_code_runs() -> None:
    """From the first block to the last; whoever subscribed is told."""
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL):
        exec(compile(block, "docs/topics.md", "exec"), names)  # noqa: S102 - our own page
    announce, attach = names["announce"], names["attach"]
    assert callable(announce)
    assert callable(attach)
    async with FakeConnector() as channel, wired(channel) as recado:
        attach(recado)
        ana = Member(user_id="29:ana", email="ana@example.com")
        sighting = make_sighting("a:ana", service_url=channel.url, members=(ana,))
        await recado.references.remember(sighting)
        await announce(recado)
        assert list(channel.texts.values()) == [["Version 2 is out."]]


def test_the_commands_are_understood() -> None:
    """Every form in the table."""
    table = _PAGE.partition("## In chat")[2].partition("Only a whole")[0]
    for row in re.findall(r"^\| `.*$", table, re.MULTILINE):
        english, spanish = row.split("|")[1:3]
        meant = {
            understood(without_accents(form).split())
            for form in re.findall("`(.*?)`", f"{english}{spanish}")
        }
        assert len(meant) == 1
        assert None not in {command for command, _ in meant}
