"""Defects of the Agents SDK 1.9.0 that a bot with Recado attached does not have.

Each test names the defect. Those about the wire (Authorization, encoding) are held by the tests
of the channel, which does that part.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import (
    ActivityHandler,
    ClaimsIdentity,
    ConversationState,
    HttpAdapterBase,
    MemoryStorage,
    RestChannelServiceClientFactory,
    TurnContext,
)
from microsoft_agents.hosting.fastapi import CloudAdapter

from recado.bot.factory import PooledClientFactory
from recado.bot.state import isolate_state
from recado.domain.policy import Answer
from recado.errors import ChannelError
from recado.testing import FakeChannel
from tests.bot.kit import (
    Bench,
    Echo,
    Request,
    activity,
    connections,
    group,
    make_adapter,
    make_app,
    message,
)


class OwnerBot(ActivityHandler):
    """Keeps who spoke in the conversation's state, and tells it when all turns are under way."""

    def __init__(self, turns: int) -> None:
        self._state = ConversationState(MemoryStorage())
        self._owner = self._state.create_property("owner")
        self._meet = asyncio.Barrier(turns)

    async def on_message_activity(self, turn_context: Any) -> None:
        await self._owner.set(turn_context, turn_context.activity.from_property.id)
        await self._meet.wait()
        await turn_context.send_activity(str(self._state.get_value("owner")))


async def owners(adapter: HttpAdapterBase, channel: FakeChannel, bot: OwnerBot) -> list[Any]:
    """Who owns each of five conversations whose first turns overlap, as the bot sees it."""
    told = [message("hi", conversation={"id": f"c{n}"}, from_={"id": f"u{n}"}) for n in range(5)]
    await asyncio.gather(*(adapter.process_request(Request(each), bot) for each in told))
    said = {sent.post.conversation_id: sent.text for sent in channel.sent}
    return [said[f"c{n}"] for n in range(5)]


async def test_overlapping_turns_mix_state(bench: Bench) -> None:
    """A shared AgentState caches on the instance: all turns end with the last one's state."""
    isolate_state()  # changes nothing for adapters that Recado is not attached to
    own_factory = RestChannelServiceClientFactory(connections())
    alone = CloudAdapter(
        channel_service_client_factory=PooledClientFactory(own_factory, bench.channel, bot="local")
    )
    assert len(set(await owners(alone, bench.channel, OwnerBot(5)))) == 1
    bot = OwnerBot(5)
    bench.attach(bot)
    assert await owners(bench.adapter, bench.channel, bot) == ["u0", "u1", "u2", "u3", "u4"]


async def test_conversation_ids_are_cut_to_150_characters(bench: Bench) -> None:
    """Every conversation id is cut and none is encoded, so some reach another conversation."""
    place = {"id": "19:" + "x" * 200 + ";messageid=1|/?#%41"}
    bench.attach(Echo())
    await bench.receive(message("hi", conversation=place))
    assert (await bench.run_turn("bot", audience=f"conversation:{place['id']}")).error is None
    assert bench.channel.sent[0].post.conversation_id == place["id"]


async def test_error_bodies_are_dropped(bench: Bench) -> None:
    """A failed send raises with the status only; which 403 it was is lost."""
    caught: list[ChannelError] = []

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            with pytest.raises(ChannelError) as error:
                await context.send_activity("hello")
            caught.append(error.value)

    bench.attach(Bot())
    bench.channel.answers.append(
        Answer(status=403, code="Forbidden", sub_code="MessageWritesBlocked")
    )
    await bench.receive(message("hi"))
    assert (caught[0].channel_code, caught[0].sub_code) == ("Forbidden", "MessageWritesBlocked")


async def test_every_turn_opens_two_sessions(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for the connector and one for the user token service, used or not."""
    opened = []
    make = aiohttp.ClientSession.__init__

    def counted(self: aiohttp.ClientSession, *args: Any, **kwargs: Any) -> None:
        opened.append(self)
        make(self, *args, **kwargs)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", counted)
    alone = make_adapter()
    await alone.process_request(Request(activity("event", name="quiet")), Echo())
    assert len(opened) == 2
    bench.attach(Echo())
    await bench.receive(message("hi"))
    await bench.run_turn("bot")
    assert len(opened) == 2


async def test_clients_that_share_a_session_close_it_for_all(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of one turn closes the session under the turns that still run."""
    go, closed = asyncio.Event(), []

    async def close() -> None:
        closed.append("channel")

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            if context.activity.text == "slow":
                await go.wait()
            await super().on_turn(context)

    monkeypatch.setattr(bench.channel, "close", close)
    bench.attach(Bot())
    slow = asyncio.create_task(bench.receive(message("slow")))
    await bench.receive(message("fast"))
    go.set()
    await slow
    assert closed == []
    assert bench.channel.texts == ["echo fast", "echo slow"]


async def test_nulls_are_serialised(bench: Bench) -> None:
    """A reply to a conversationUpdate on webchat has ``"id": null``, which is refused."""

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            await context.send_activity("welcome")

    bench.attach(Bot())
    await bench.receive(activity("conversationUpdate", channelId="webchat"))
    assert None not in bench.channel.sent[0].activity.values()
    assert "id" not in bench.channel.sent[0].activity


async def test_error_handlers_apologise_in_proactive_turns(bench: Bench) -> None:
    """With @app.error an error in a proactive turn is an apology, and the caller sees success."""
    app = make_app()

    @app.error
    async def on_error(context: TurnContext, error: Exception) -> None:
        await context.send_activity("Sorry!")

    @app.event("ContinueConversation")
    async def on_continue(context: TurnContext, state: Any) -> None:
        raise RuntimeError("broke")

    bench.attach(app)
    await bench.receive(message("hi"))
    assert (await bench.run_turn("bot")).error == "RuntimeError: broke"
    assert bench.channel.sent == []


async def test_on_turn_error_swallows_what_a_proactive_turn_raises(bench: Bench) -> None:
    """CloudAdapter sets it by default: the person reads the exception's text."""

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            if context.activity.type == "event":
                raise RuntimeError("secret")

    bench.attach(Bot())
    await bench.receive(message("hi"))
    assert bench.adapter.on_turn_error is not None
    assert (await bench.run_turn("bot")).error == "RuntimeError: secret"
    assert bench.channel.sent == []


@pytest.mark.parametrize("fails", [False, True])
async def test_long_running_messages_run_middleware_twice(bench: Bench, *, fails: bool) -> None:
    """The option makes one activity a turn within a turn, in which all middleware runs again."""
    app = make_app(long_running_messages=True, bot_app_id="local")
    captured: list[Any] = []
    runs: list[str] = []
    remember = bench.references.remember

    async def counted(sighting: Any) -> None:
        captured.append(sighting)
        await remember(sighting)

    class Middle:
        async def on_turn(self, context: TurnContext, logic: Any) -> None:
            runs.append("middleware")
            await logic(context)

    @app.activity("message")
    async def on_message(context: TurnContext, state: Any) -> None:
        runs.append("bot")
        await bench.outbox.notify("conversation:a:ana", "later")
        assert await bench.claims() == []
        if fails:
            raise RuntimeError("broke")
        await context.send_activity("done")

    bench.references.remember = counted  # type: ignore[method-assign]
    bench.adapter.use(Middle())
    bench.attach(app)
    told = message("hi")
    await bench.receive(told)
    assert runs == ["middleware", "middleware", "bot"]
    assert len(captured) == 1
    assert bench.channel.texts == ["Exception caught : broke" if fails else "done"]
    assert await bench.deliver() == ["later"]
    await bench.receive(told)  # sent again: only what failed is tried again
    assert runs.count("bot") == (2 if fails else 1)


async def test_a_proactive_turn_without_a_user_crashes(bench: Bench) -> None:
    """An application loads user state even where nobody in particular is meant."""
    app = make_app()

    @app.event("ContinueConversation")
    async def on_continue(context: TurnContext, state: Any) -> None:
        await context.send_activity("to all of you")

    bench.attach(app)
    await bench.receive(message("hi", conversation=group()))
    ended = await bench.run_turn("bot", audience="conversation:19:group@thread.v2")
    assert ended.error is None
    assert bench.channel.texts == ["to all of you"]


async def test_replaying_an_activity_is_not_receiving_it(bench: Bench) -> None:
    """After a sign-in the SDK runs the saved activity again: a second turn, no second arrival."""
    bot = Echo()
    bench.attach(bot)
    told = message("hi")
    await bench.receive(told)
    await bench.adapter.continue_conversation_with_claims(
        ClaimsIdentity(), Activity.model_validate(told), bot.on_turn
    )
    assert bench.channel.texts == ["echo hi", "echo hi"]
