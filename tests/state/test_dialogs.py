"""Dialogs: what is on their stack is kept, so that a conversation goes on after a restart."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from microsoft_agents.hosting.core import ConversationState, TurnContext
from microsoft_agents.hosting.core.state.agent_state import CachedAgentState
from microsoft_agents.hosting.dialogs import DialogInstance, DialogManager, DialogState

from tests.bot.kit import Bench, Echo, message
from tests.state.conftest import MakeStorage
from tests.state.dialog_bot import Order, OrderBot, said_in

#: A conversation, with a wrong answer in between.
TALK = (
    ("hello", "Who are you?"),
    ("Ana", "Which size? (1) small or (2) large"),
    ("none of them", "Sorry? Which size? (1) small or (2) large"),
    ("big", "How many?"),
    ("seven", "Ana: 7 large"),
    ("hello", "Who are you?"),
)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database that outlives its process."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'recado.db'}"
    url: str = request.getfixturevalue("migrated_url")
    return url


async def test_a_bot_that_is_made_anew_for_every_message(make_storage: MakeStorage) -> None:
    """Nothing but the storage connects one turn to the next."""
    for text, told in TALK:
        bench = Bench()
        await bench.store.open()
        bench.attach(OrderBot(make_storage()))
        await bench.receive(message(text))
        assert said_in(bench.channel) == [told]
        await bench.store.close()


def test_plain_json_cannot_keep_them() -> None:
    """Which is why there is a codec; when this fails, the SDK has learned to do it itself."""
    stack = DialogState([DialogInstance("order", {"options": None})])
    state = CachedAgentState({"DialogState": stack})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="DialogState is not JSON serializable"):
        json.dumps(state.store_item_to_json())


def test_a_waterfall_goes_on_in_another_process(database_url: str) -> None:
    """Every message is handled by a program that ends after it."""
    for text, told in TALK[:4]:
        line = [sys.executable, "-m", "tests.state.dialog_bot", database_url, text]
        ended = subprocess.run(line, capture_output=True, text=True, timeout=50, check=False)
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout) == [told]


async def test_the_dialog_manager_keeps_a_time(bench: Bench, make_storage: MakeStorage) -> None:
    """When it was last accessed, which is no JSON either."""
    storage = make_storage()

    class Managed(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            manager = DialogManager(Order())
            manager.conversation_state = ConversationState(storage)
            manager.expire_after = 60_000
            await manager.on_turn(context)

    bench.attach(Managed())
    for text, _ in TALK[:4]:
        await bench.receive(message(text))
    assert said_in(bench.channel) == [told for _, told in TALK[:4]]
    key = "msteams/conversations/a:ana"
    state = (await storage.read([key], target_cls=CachedAgentState))[key].state
    assert isinstance(state["_lastAccess"], datetime)
    assert isinstance(state["DialogState"], DialogState)
