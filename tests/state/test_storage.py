"""What the SDK's tests ask of its storages, asked of ours and of the SDK's own."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

import pytest
from microsoft_agents.hosting.core import Storage

from recado.errors import UnknownStateType
from tests.state.conftest import MakeStorage
from tests.state.items import Note, Pair

#: Those of the SDK's tests, and those of the storage tests of its predecessor.
KEYS = (
    "f",
    "a!0dslfj",
    "\\?/#\t\n\r*",
    "527",
    "test.txt",
    "_-__--",
    "VAR",
    "None",
    "multi word key",
    '!@#$%^&*()_+??><":QASD~`',
    "msteams/conversations/19:a@thread.tacv2;messageid=1",
)


async def test_a_missing_key_is_left_out(storage: Storage) -> None:
    """No error, and nothing in its place."""
    await storage.write({"there": Note({"id": 1})})
    assert await storage.read(["unknown"], target_cls=Note) == {}
    assert await storage.read(["unknown", "there"], target_cls=Note) == {"there": Note({"id": 1})}


@pytest.mark.parametrize("key", KEYS)
async def test_created_updated_deleted(storage: Storage, key: str) -> None:
    """Under any key."""
    await storage.write({key: Note({"count": 1, "value": "*"})})
    read = await storage.read([key], target_cls=Note)
    read[key].data |= {"count": 2, "value": None}
    await storage.write(dict(read))
    again = await storage.read([key], target_cls=Note)
    assert again == {key: Note({"count": 2, "value": None})}
    await storage.delete([key])
    assert await storage.read([key], target_cls=Note) == {}


async def test_many_at_once(storage: Storage) -> None:
    """Written, read and deleted; what is not named stays."""
    items = {key: Note({"id": key, "value": [key, {"x": None}]}) for key in KEYS}
    before = deepcopy(items)
    await storage.write(dict(items))
    assert items == before
    assert await storage.read(list(KEYS), target_cls=Note) == items
    await storage.delete([KEYS[0], "unknown", KEYS[1]])
    assert (await storage.read(list(KEYS), target_cls=Note)).keys() == {*KEYS[2:]}


async def test_any_collection_of_keys_will_do(storage: Storage) -> None:
    """The SDK itself gives sets, and its tests the keys of dictionaries."""
    items = {"a": Note({"id": 1}), "b": Note({"id": 2})}
    await storage.write(dict(items))
    assert await storage.read(cast("list[str]", items.keys()), target_cls=Note) == items
    assert await storage.read(["a", "a"], target_cls=Note) == {"a": items["a"]}
    await storage.delete(cast("list[str]", {"a", "b"}))
    assert await storage.read(["a", "b"], target_cls=Note) == {}


async def test_an_item_may_be_written_as_another_class(storage: Storage) -> None:
    """What is read is made by the class that is asked for."""
    await storage.write({"key": Pair({"id": 1}, flag=False)})
    assert await storage.read(["key"], target_cls=Pair) == {"key": Pair({"id": 1}, flag=False)}
    await storage.delete(["key"])
    await storage.write({"key": Note({"id": 2})})
    assert await storage.read(["key"], target_cls=Note) == {"key": Note({"id": 2})}
    with pytest.raises(KeyError):
        await storage.read(["key"], target_cls=Pair)


@pytest.mark.parametrize("nothing", [[], None, {}, [""], ["a", ""]])
async def test_nothing_is_no_key(storage: Storage, nothing: Any) -> None:
    """To read, to write or to delete."""
    await storage.write({"a": Note({"id": 1})})
    with pytest.raises(ValueError, match=r"[Kk]ey|changes"):
        await storage.read(nothing, target_cls=Note)
    with pytest.raises(ValueError, match=r"[Kk]ey|changes"):
        await storage.delete(nothing)
    changes = {key: Note({"id": 2}) for key in nothing} if isinstance(nothing, list) else nothing
    with pytest.raises(ValueError, match=r"[Kk]ey|[Cc]hanges"):
        await storage.write(changes)


async def test_what_is_no_key_either(make_storage: MakeStorage) -> None:
    """What no database could hold, and what is no text; and there has to be a class to make."""
    storage = make_storage()
    for key in ("a\0b", "\ud800", 7):
        with pytest.raises(ValueError, match="is no key"):
            await storage.write({key: Note()})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="target_cls"):
        await storage.read(["key"], target_cls=cast("type[Note]", None))


async def test_what_was_read_is_a_copy(make_storage: MakeStorage) -> None:
    """Changing it changes nothing before it is written, unlike in the SDK's own."""
    storage = make_storage()
    note = Note({"list": [1]})
    await storage.write({"key": note})
    note.data["list"].append(2)
    read = await storage.read(["key"], target_cls=Note)
    read["key"].data["list"].append(3)
    assert await storage.read(["key"], target_cls=Note) == {"key": Note({"list": [1]})}


async def test_bots_do_not_see_each_others_state(make_storage: MakeStorage) -> None:
    """In one database."""
    await make_storage("one").write({"key": Note({"id": 1})})
    assert await make_storage("other").read(["key"], target_cls=Note) == {}


async def test_a_write_is_whole(make_storage: MakeStorage) -> None:
    """When one item cannot be kept, none is written."""
    storage = make_storage()
    with pytest.raises(UnknownStateType, match=r"builtins\.object at thing in the state under 'b'"):
        await storage.write({"a": Note({"id": 1}), "b": Note({"thing": object()})})
    assert await storage.read(["a", "b"], target_cls=Note) == {}


async def test_the_last_write_wins(make_storage: MakeStorage) -> None:
    """As bots expect it, from however many."""
    one, other = make_storage(), make_storage()
    await one.write({"key": Note({"by": "one"})})
    first = await one.read(["key"], target_cls=Note)
    second = await other.read(["key"], target_cls=Note)
    first["key"].data["by"] = "first"
    second["key"].data["by"] = "second"
    await one.write(dict(first))
    await other.write(dict(second))
    assert (await one.read(["key"], target_cls=Note))["key"].data == {"by": "second"}


async def test_bare_dictionaries_are_written(make_storage: MakeStorage) -> None:
    """The SDK's ``app.state.State`` writes those."""
    storage = make_storage()
    await storage.write({"key": {"a": 1}})  # type: ignore[dict-item]
    assert (await storage.read(["key"], target_cls=Note))["key"].data == {"a": 1}
