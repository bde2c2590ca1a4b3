"""docs/bots-state.md does what it says: its code runs, its tables name what there is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from microsoft_agents.hosting.core import AgentApplication, ConversationState

from recado import Recado, Settings
from recado.domain.importing import Format
from tests.bot.kit import connections
from tests.state.items import Note

_PAGE = (Path(__file__).parents[2] / "docs" / "bots-state.md").read_text("utf-8")


@pytest.fixture
def names() -> dict[str, Any]:
    """What the page's code defines, from the first block to the last."""
    found: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL):
        exec(compile(block, "docs/bots-state.md", "exec"), found)  # noqa: S102 - our own page
    return found


def recado_of(path: Path) -> Recado:
    """A Recado with a database of its own."""
    return Recado(Settings(database_url=f"sqlite:///{path / 'recado.db'}"))


@dataclass
class Profile(Note):
    """An item with a name."""

    @property
    def name(self) -> Any:
        """What it is called."""
        return self.data["name"]

    @name.setter
    def name(self, name: str) -> None:
        self.data["name"] = name

    @staticmethod
    def from_json_to_store_item(json_data: Any) -> Profile:
        return Profile(json_data)


async def test_the_code_runs(names: dict[str, Any], tmp_path: Path) -> None:
    """Bots, states, a strict write that meets another one, types and an import."""
    recado = recado_of(tmp_path)
    assert isinstance(names["make_bot"](recado, connections()), AgentApplication)
    assert isinstance(names["make_states"](recado)[0], ConversationState)
    storage = names["make_storage"](recado)
    async with recado:
        await storage.write({"key": Profile({"name": "a", "order": names["Order"](7)})})
        await names["rename"](_meddling(recado, names["Order"]), "key", Profile, "b")
        read = await storage.read(["key"], target_cls=Profile)
        assert read["key"].data == {"name": "b", "order": names["Order"](7), "more": 1}
        take_over: Callable[..., Any] = names["take_over"]
        reference = {
            "conversation": {"id": "a:1"},
            "channelId": "msteams",
            "serviceUrl": "https://smba.trafficmanager.net/emea/",
        }
        assert await take_over(recado, [reference, {}]) == 1


def _meddling(recado: Recado, order: type) -> Any:
    """*recado*, whose storage is written to by somebody else once, just after it was read."""

    class Meddling:
        def storage(self, **given: Any) -> Any:
            types = {"order": order}
            storage = recado.storage(types=types, **given)
            other = recado.storage(types=types)
            read = storage.read
            done = False

            async def read_then_meddle(keys: list[str], *, target_cls: Any) -> Any:
                nonlocal done
                items = await read(keys, target_cls=target_cls)
                if not done:
                    done = True
                    theirs = await other.read(keys, target_cls=target_cls)
                    theirs[keys[0]].data["more"] = 1
                    await other.write(theirs)
                return items

            vars(storage)["read"] = read_then_meddle
            return storage

    return Meddling()


def test_the_table_of_formats_is_complete() -> None:
    """Every format is in it."""
    table = _PAGE.partition("| Format |")[2]
    assert set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == set(map(str, Format))


def test_every_link_leads_somewhere() -> None:
    """To a page that is there."""
    for link in re.findall(r"\]\(([^)#:]+)\)", _PAGE):
        assert (Path(__file__).parents[2] / "docs" / link).is_file(), link
