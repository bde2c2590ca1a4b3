"""A strict storage: nobody writes over what they have not seen."""

from __future__ import annotations

import gc

import pytest
from microsoft_agents.hosting.core import ConversationState, TurnContext
from microsoft_agents.hosting.core.state.agent_state import CachedAgentState

from recado.bot.storage import RecadoStorage
from recado.errors import Conflict, StateConflict
from recado.telemetry import TurnFailed
from tests.bot.kit import Bench, make_app, message
from tests.state.conftest import MakeStorage
from tests.state.items import Note


@pytest.fixture
def one(make_storage: MakeStorage) -> RecadoStorage:
    """A strict storage."""
    return make_storage(strict=True)


@pytest.fixture
def other(make_storage: MakeStorage) -> RecadoStorage:
    """Another one over the same database, as in another process."""
    return make_storage(strict=True)


async def read(storage: RecadoStorage, key: str = "key") -> Note:
    """What is kept under a key."""
    return (await storage.read([key], target_cls=Note))[key]


async def test_whoever_comes_second_is_told(one: RecadoStorage, other: RecadoStorage) -> None:
    """With the keys, as a conflict; what the first one wrote stays."""
    await one.write({"key": Note({"count": 0})})
    mine, theirs = await read(one), await read(other)
    theirs.data["count"] += 1
    await other.write({"key": theirs})
    mine.data["count"] += 10
    with pytest.raises(StateConflict, match="changed by somebody else after it was read") as raised:
        await one.write({"key": mine, "second": Note({"id": 1})})
    assert raised.value.keys == ("key",)
    assert isinstance(raised.value, Conflict)
    assert await one.read(["key", "second"], target_cls=Note) == {"key": Note({"count": 1})}


async def test_reading_again_makes_it_right(one: RecadoStorage, other: RecadoStorage) -> None:
    """And an item may be written again and again by the same hand."""
    await other.write({"key": Note({"count": 0})})
    mine = await read(one)
    await other.write({"key": await read(other)})
    with pytest.raises(StateConflict):
        await one.write({"key": mine})
    mine = await read(one)
    for _ in range(3):
        mine.data["count"] += 1
        await one.write({"key": mine})
    assert (await read(other)).data == {"count": 3}


async def test_what_was_deleted_meanwhile_does_not_come_back(
    one: RecadoStorage, other: RecadoStorage
) -> None:
    """Unless by an item that was not read."""
    await one.write({"key": Note({"id": 1})})
    mine = await read(one)
    await other.delete(["key"])
    with pytest.raises(StateConflict):
        await one.write({"key": mine})
    await one.write({"key": Note({"id": 2})})
    assert (await read(other)).data == {"id": 2}


async def test_an_item_from_elsewhere_is_written_as_it_is(
    one: RecadoStorage, other: RecadoStorage
) -> None:
    """The SDK copies its sign-in records before it writes them; under another key, too."""
    await one.write({"key": Note({"id": 1})})
    mine = await read(one)
    await other.write({"key": Note({"id": 2})})
    await one.write({"key": Note(dict(mine.data))})
    await one.write({"second": mine})
    assert (await read(other)).data == {"id": 1}


async def test_state_that_was_missing_must_still_be_missing(
    one: RecadoStorage, other: RecadoStorage
) -> None:
    """Two turns that begin a conversation's state do not overwrite each other."""
    mine, theirs = CachedAgentState({"by": "me"}), CachedAgentState({"by": "them"})  # type: ignore[dict-item]
    await other.write({"key": theirs})
    with pytest.raises(StateConflict):
        await one.write({"key": mine})
    theirs.state["more"] = 1  # type: ignore[assignment]
    await other.write({"key": theirs})
    assert (await read(one)).data == {"by": "them", "more": 1}


async def test_nothing_is_remembered_of_items_that_are_gone(one: RecadoStorage) -> None:
    """A process that runs for months does not grow with the state it has read."""
    await one.write({"key": Note({"id": 1})})
    for _ in range(100):
        await read(one)
    gc.collect()
    assert len(one._seen._items) <= 1  # noqa: SLF001 - nothing else shows it


async def test_an_item_that_cannot_be_followed_is_refused(one: RecadoStorage) -> None:
    """Rather than being written over without a word."""

    class Slotted:
        __slots__ = ("data",)

        def __init__(self, data: object) -> None:
            self.data = data

        def store_item_to_json(self) -> object:
            return self.data

        @staticmethod
        def from_json_to_store_item(json_data: object) -> Slotted:
            return Slotted(json_data)

    await one.write({"key": Note({"id": 1})})
    with pytest.raises(TypeError, match="Slotted has __slots__ without __weakref__"):
        await one.read(["key"], target_cls=Slotted)  # type: ignore[type-var]


async def test_a_turn_whose_state_was_changed_meanwhile_fails(
    bench: Bench, one: RecadoStorage, other: RecadoStorage
) -> None:
    """The SDK saves at the end of a turn: the error is the turn's, and nothing is lost."""
    app = make_app(one)
    meddle = False

    @app.activity("message")
    async def on_message(context: TurnContext, state: object) -> None:
        count = state.conversation.get_value("count") or 0  # type: ignore[attr-defined]
        state.conversation.set_value("count", count + 1)  # type: ignore[attr-defined]
        if meddle:
            same = ConversationState(other)
            await same.load(context, force=True)
            same.set_value("count", 100)  # type: ignore[arg-type]
            await same.save(context)
        await context.send_activity(f"{count + 1}")

    bench.attach(app)
    assert await bench.say("hello") == ["1"]
    assert await bench.say("hello") == ["2"]
    meddle = True
    await bench.receive(message("hello"))
    (failed,) = bench.told(TurnFailed)
    assert "StateConflict" in failed.error
    assert "msteams/conversations/a:ana" in failed.error
    meddle = False
    assert (await bench.say("hello"))[-1] == "101"
