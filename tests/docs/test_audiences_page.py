"""docs/audiences.md does what it says: its code runs, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

from recado import Recado
from recado.domain.audience import parse_audience
from recado.domain.filtering import ATTRIBUTES
from recado.domain.reference import Member
from recado.testing import FakeConnector, make_sighting, wired

_PAGE = (Path(__file__).parents[2] / "docs" / "audiences.md").read_text("utf-8")


async def _run(recado: Recado, user_id: str) -> None:
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL):
        exec(compile(block, "docs/audiences.md", "exec"), names)  # noqa: S102 - our own page
    welcome = names["welcome"]
    assert callable(welcome)
    await welcome(recado, user_id)


async def test_the_code_runs() -> None:
    """From the first block to the last."""
    async with FakeConnector() as channel, wired(channel) as recado:
        await recado.references.remember(
            make_sighting(
                "19:sales@thread.tacv2",
                service_url=channel.url,
                is_group=True,
                conversation_type="channel",
                members=(Member(user_id="29:ana"),),
            )
        )
        await _run(recado, "29:eva")
        await channel.until(1)
    assert list(channel.texts.values()) == [["Welcome!"]]


def test_the_tables_are_complete() -> None:
    """Every attribute is in one."""
    table = _PAGE.partition("## Where")[2].partition("```")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(ATTRIBUTES)
    forms = re.findall(r"^\| `([a-z]+)(?::<[^>]+>)?` \|", _PAGE.partition("## ")[0], re.MULTILINE)
    for form in forms:
        text = form if form in ("all", "everyone") else f"{form}:channel=x"
        parse_audience(text)
    assert len(forms) == 8
