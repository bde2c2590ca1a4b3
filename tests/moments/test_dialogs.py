"""Dialogs: found in the state a turn has left, whatever the bot calls them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from microsoft_agents.hosting.core import (
    Agent,
    AgentState,
    ConversationState,
    MemoryStorage,
    Storage,
    TurnContext,
    UserState,
)
from microsoft_agents.hosting.core.app.state import TurnState
from microsoft_agents.hosting.core.state.agent_state import CachedAgentState
from microsoft_agents.hosting.dialogs import DialogState
from microsoft_agents.hosting.dialogs.models.dialog_instance import DialogInstance

from recado.bot.dialogs import dialog_left
from recado.bot.storage import RecadoStorage
from recado.channel.hosts import HostRules
from tests.bot.kit import Bench, make_app


@dataclass
class OwnStack:
    """A dialog state of somebody who wrote their own."""

    _dialog_stack: list[Any] = field(default_factory=list)


def left(state: AgentState, kept: dict[str, Any]) -> bool | None:
    """What a turn has left that had loaded *kept* and changed nothing."""
    return dialog_left({state: CachedAgentState(kept)})


CONVERSATION = ConversationState(MemoryStorage())
USER = UserState(MemoryStorage())


@pytest.mark.parametrize(
    "kept",
    [
        {"DialogState": DialogState([DialogInstance()])},
        {"what ever": DialogState([DialogInstance()]), "count": 3},
        {"d": OwnStack([1])},
        {"d": {"dialogStack": [{"id": "order"}]}},
        {"d": {"dialog_stack": [{"id": "order"}]}},
        {"mine": {"nested": {"dialogStack": [1]}}},
        {"done": DialogState(), "open": DialogState([DialogInstance()])},
    ],
    ids=str,
)
@pytest.mark.parametrize("state", [CONVERSATION, USER], ids=["conversation", "user"])
def test_an_open_dialog_is_found_by_its_shape(state: AgentState, kept: dict[str, Any]) -> None:
    """In either SDK form, in JSON, or nested in a property of the bot's own."""
    assert left(state, kept) is True


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"DialogState": DialogState()},
        {"d": {"dialogStack": []}},
        {"d": {"dialogStack": "a text"}, "n": 1, "t": "dialog_stack", "l": [1]},
        {"a": {"b": {"c": {"d": {"dialogStack": [1]}}}}},
    ],
    ids=str,
)
def test_a_conversation_without_a_stack_has_no_dialog(kept: dict[str, Any]) -> None:
    """Nor one whose stack is empty, or is something else, or is too deep to be one."""
    assert left(CONVERSATION, kept) is False


def test_other_state_tells_nothing_of_the_conversation() -> None:
    """That a user's state has no dialog does not mean that there is none."""
    assert left(USER, {"name": "Ana"}) is None
    assert left(USER, {"d": DialogState()}) is False
    assert dialog_left({}) is None
    assert dialog_left({CONVERSATION: None}) is None
    kept: dict[str, Any] = {"x": 1}
    both: dict[AgentState, CachedAgentState | None] = {
        USER: CachedAgentState(kept),
        CONVERSATION: CachedAgentState(),
    }
    assert dialog_left(both) is False


def test_what_was_not_saved_tells_nothing() -> None:
    """The next turn will not find it."""
    kept: dict[str, Any] = {"d": DialogState()}
    cached = CachedAgentState(kept)
    kept["d"].dialog_stack.append(DialogInstance())
    assert dialog_left({CONVERSATION: cached}) is None
    cached.hash = cached.compute_hash()
    assert dialog_left({CONVERSATION: cached}) is True


def storage_of(bench: Bench) -> Storage:
    """Where the bot keeps its state."""
    return RecadoStorage(bench.store, bot="local", check_service_url=HostRules().check)


class Plain(Agent):
    """A bot that keeps its dialog as it says, and fails if told to."""

    def __init__(self, storage: Storage) -> None:
        self.state = ConversationState(storage)
        self.dialogs = self.state.create_property("whatever")

    async def on_turn(self, context: TurnContext) -> None:
        if context.activity.text == "hello":
            return
        kept: Any = await self.dialogs.get(context, DialogState)
        match context.activity.text:
            case "open":
                kept.dialog_stack.append(DialogInstance())
            case "close":
                kept.dialog_stack.clear()
            case "fail":
                kept.dialog_stack.clear()
                raise RuntimeError("failed")
        await self.dialogs.set(context, kept)
        await self.state.save(context)


def application(storage: Storage) -> Agent:
    """The same as an application, with the SDK's own turn state."""
    app = make_app(storage)

    @app.activity("message")
    async def on_message(context: TurnContext, state: TurnState) -> None:
        kept: Any = state.get_value("ConversationState.mine", DialogState)
        match context.activity.text:
            case "open":
                kept.dialog_stack.append(DialogInstance())
            case "close":
                kept.dialog_stack.clear()
            case "fail":
                kept.dialog_stack.clear()
                raise RuntimeError("failed")
        state.set_value("ConversationState.mine", kept)

    return app


@pytest.mark.parametrize("make", [Plain, application])
async def test_what_a_turn_leaves_is_known_in_every_process(
    bench: Bench, make: Callable[[Storage], Agent]
) -> None:
    """A turn that says nothing of it, or fails before it saves, changes nothing."""
    bench.attach(make(storage_of(bench)))

    async def in_dialog(said: str) -> bool:
        await bench.say(said)
        await bench.bridge.finish()
        key = (await bench.reference()).key
        return (await bench.store.overhear(key, None, bench.clock.now())).in_dialog

    assert not await in_dialog("hello")
    assert await in_dialog("open")
    assert await in_dialog("hello")
    assert await in_dialog("fail")
    assert await in_dialog("hello")
    assert not await in_dialog("close")


async def test_a_dialog_that_a_delivery_begins_is_known_before_the_next_leaves(
    bench: Bench,
) -> None:
    """The bot's own turn handler runs in its turn, and opens one."""
    bot = Plain(storage_of(bench))
    bench.attach(bot)
    await bench.say("hello")

    async def begin(context: TurnContext, value: Any) -> None:
        kept: Any = await bot.dialogs.get(context, DialogState)
        kept.dialog_stack.append(DialogInstance())
        await bot.state.save(context)

    bench.bridge.handler("begin")(begin)
    await bench.outbox.notify("conversation:a:ana", handler="begin")
    await bench.outbox.notify("conversation:a:ana", "polite", mode="after_dialog")
    assert await bench.deliver() == []
    await bench.say("close")
    await bench.bridge.finish()
    assert await bench.deliver() == ["polite"]
