"""docs/consent.md does what it says: its code runs, and its table has what people can say."""

from __future__ import annotations

import re
from pathlib import Path

from recado.domain.consent_words import understand
from recado.testing import FakeConnector, make_sighting, wired

_PAGE = (Path(__file__).parents[2] / "docs" / "consent.md").read_text("utf-8")


async def test_the_code_runs() -> None:
    """From the first block to the last."""
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL):
        exec(compile(block, "docs/consent.md", "exec"), names)  # noqa: S102 - our own page
    async with FakeConnector() as channel, wired(channel) as recado:
        await recado.references.remember(make_sighting("a:1", service_url=channel.url))
        for name in ("with_consent", "agree", "wait_for", "forget"):
            function = names[name]
            assert callable(function)
            done = function(recado)
            if done is not None:
                await done


def test_everything_in_the_table_is_understood() -> None:
    """In both languages, and it means the same."""
    table = _PAGE.partition("| in English |")[2].partition("\n\n")[0]
    kinds = {"prices": "prices", "precios": "prices"}
    rows = [line.split("|")[1:3] for line in table.splitlines()[2:]]
    assert len(rows) == 7
    for row in rows:
        said = re.findall(r"`([^`]+)`", "".join(row))
        found = [understand(each, kinds) for each in said]
        assert None not in found, said
        assert len({(each.wish, each.category) for each in found if each}) == 1, said
