"""State per turn: turns that overlap do not see or save each other's state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from microsoft_agents.hosting.core import (
    ActivityHandler,
    Agent,
    ConversationState,
    MemoryStorage,
    TurnContext,
    UserState,
)
from microsoft_agents.hosting.core.state.agent_state import CachedAgentState

from recado.bot.state import isolate_state, own_state
from tests.bot.kit import Bench, make_app, message

#: How many turns are in the middle at once.
TURNS = 50


def handler_bot(meet: asyncio.Barrier) -> Agent:
    """A classic bot: state objects shared by all turns, loaded first and saved last."""
    storage = MemoryStorage()
    conversations, users = ConversationState(storage), UserState(storage)
    topics, names = conversations.create_property("topic"), users.create_property("name")

    class Bot(ActivityHandler):
        async def on_turn(self, turn_context: Any) -> None:
            await super().on_turn(turn_context)
            await asyncio.gather(conversations.save(turn_context), users.save(turn_context))

        async def on_message_activity(self, turn_context: Any) -> None:
            await topics.set(turn_context, turn_context.activity.conversation.id)
            await names.set(turn_context, turn_context.activity.from_property.id)
            await self._meet_and_tell(turn_context)

        async def on_event_activity(self, turn_context: Any) -> None:
            await self._meet_and_tell(turn_context)

        async def _meet_and_tell(self, turn_context: Any) -> None:
            topic, name = await topics.get(turn_context), await names.get(turn_context)
            await meet.wait()
            again = conversations.get_value("topic"), users.get_value("name")
            await turn_context.send_activity(f"{topic} {name} {' '.join(map(str, again))}")

    return Bot()


def application_bot(meet: asyncio.Barrier) -> Agent:
    """The same as an AgentApplication."""
    app = make_app()

    @app.activity("message")
    async def on_message(context: TurnContext, state: Any) -> None:
        assert context.activity.from_property is not None
        state.conversation.set_value("topic", context.activity.conversation.id)
        state.user.set_value("name", context.activity.from_property.id)
        await meet_and_tell(context, state)

    @app.event("ContinueConversation")
    async def on_continue(context: TurnContext, state: Any) -> None:
        await meet_and_tell(context, state)

    async def meet_and_tell(context: TurnContext, state: Any) -> None:
        topic, name = state.conversation.get_value("topic"), state.user.get_value("name")
        await meet.wait()
        again = f"{state.conversation.get_value('topic')} {state.user.get_value('name')}"
        await context.send_activity(f"{topic} {name} {again}")

    return app


@pytest.mark.parametrize("make_bot", [handler_bot, application_bot])
async def test_no_state_crosses_between_overlapping_turns(
    bench: Bench, make_bot: Callable[[asyncio.Barrier], Agent]
) -> None:
    """50 turns in 50 conversations, inbound, proactive and both, are all in the middle at once."""
    bench.attach(make_bot(asyncio.Barrier(TURNS)))

    async def hear(number: int) -> None:
        place = {"id": f"c{number}", "conversationType": "personal"}
        await bench.receive(message("hi", conversation=place, from_={"id": f"u{number}"}))

    async def speak(numbers: range) -> None:
        for number in numbers:
            await bench.outbox.notify(f"conversation:c{number}", handler="bot")
        claims = await bench.claims()
        ended = await asyncio.gather(*(bench.bridge.turns.run(claim) for claim in claims))
        assert [each.error for each in ended] == [None] * len(numbers)
        await bench.settle(claims)

    await asyncio.gather(*(hear(number) for number in range(TURNS)))
    await speak(range(TURNS))
    await asyncio.gather(
        *(hear(number) for number in range(0, TURNS, 2)), speak(range(1, TURNS, 2))
    )
    assert len(bench.channel.sent) == 3 * TURNS
    for sent in bench.channel.sent:
        number = sent.post.conversation_id.removeprefix("c")
        assert sent.text == f"c{number} u{number} c{number} u{number}"


def test_state_is_seen_by_tasks_of_its_turn_only() -> None:
    """Inside a turn the attribute is the turn's; outside it is an ordinary one."""
    isolate_state()
    isolate_state()
    state = ConversationState(MemoryStorage())
    outside, inside = CachedAgentState(), CachedAgentState()
    state._cached_state = outside  # noqa: SLF001 - the attribute is what this is about
    with own_state():
        assert state.get_cached_state() is None
        state._cached_state = inside  # noqa: SLF001 - as above
        with own_state():
            assert state.get_cached_state() is None
        assert state.get_cached_state() is inside
    assert state.get_cached_state() is outside
