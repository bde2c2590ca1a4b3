"""Turn deliveries: handlers and the bot itself, run in a conversation unasked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from microsoft_agents.hosting.core import (
    ActivityHandler,
    ConversationState,
    MemoryStorage,
    TurnContext,
    UserState,
)

from recado.bot.turns import VALUE_TYPE
from recado.engine.port import TurnEnded
from tests.bot.kit import BEN, BOT, SERVICE_URL, Bench, Echo, group, make_app, message


async def test_the_event_says_what_the_protocol_says(bench: Bench) -> None:
    """The bot's own turn handler is given a ContinueConversation event with all its fields."""
    bot = Echo()
    bench.attach(bot)
    await bench.receive(message("hi"))
    await bench.outbox.notify("conversation:a:ana", handler="bot", value={"price": 8})
    claim = await bench.claim()
    assert await bench.bridge.turns.run(claim) == TurnEnded()
    event = bot.heard[1].model_dump(mode="json", by_alias=True, exclude_none=True)
    user = {"id": "29:ana", "name": "Ana", "aadObjectId": "ana-object"}
    place = {"id": "a:ana", "conversationType": "personal", "tenantId": "tenant-1"}
    address = {
        "channelId": "msteams",
        "serviceUrl": SERVICE_URL,
        "conversation": place,
        "locale": "en-GB",
    }
    assert event == {
        "type": "event",
        "name": "ContinueConversation",
        "id": claim.delivery_id,
        **address,
        "from": user,
        "recipient": BOT,
        "relatesTo": {**address, "user": user, "bot": BOT},
        "value": {"price": 8},
        "valueType": VALUE_TYPE,
    }


async def test_a_handler_is_given_the_value(bench: Bench) -> None:
    """A named handler runs with the payload and its type, and what it sends goes out."""

    @bench.bridge.handler("price")
    async def price(context: TurnContext, value: Any) -> None:
        assert context.activity.value_type == "vnd.price"
        await context.send_activity(f"{value['item']} costs {value['price']} now")

    bench.attach(Echo())
    await bench.receive(message("hi"))
    ended = await bench.run_turn("price", {"item": "Tea", "price": 8}, value_type="vnd.price")
    assert ended == TurnEnded(activity_id="activity-2")
    sent = bench.channel.sent[-1]
    assert sent.text == "Tea costs 8 now"
    assert sent.activity["recipient"]["id"] == "29:ana"
    assert sent.activity["from"] == BOT


async def test_a_proactive_message_answers_nothing(bench: Bench) -> None:
    """Sent to the end of the conversation without replyToId, which Web Chat would wait for."""
    bench.bridge.handler("two")(_two)
    bench.attach(Echo())
    await bench.receive(message("hi"))
    await bench.run_turn("two")
    for sent in bench.channel.sent[1:]:
        assert "replyToId" not in sent.activity
        assert sent.post.activity_id is None
        assert sent.post.method == "POST"


async def test_a_callback_may_add_to_the_context_and_call_the_bot(bench: Bench) -> None:
    """The second option of the reference document: add first, then the bot's turn handler."""

    @bench.bridge.handler("order", then_bot=True)
    async def order(context: TurnContext, value: Any) -> None:
        context.turn_state["order"] = value

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            await super().on_turn(context)
            if "order" in context.turn_state:
                await context.send_activity(f"order {context.turn_state['order']}")

    bench.attach(Bot())
    await bench.receive(message("hi"))
    assert await bench.run_turn("order", 7) == TurnEnded(activity_id="activity-2")
    assert bench.channel.texts == ["echo hi", "order 7"]


async def test_an_application_routes_the_event(bench: Bench) -> None:
    """An AgentApplication handles ContinueConversation with its own routes and state."""
    app = make_app()

    @app.activity("message")
    async def on_message(context: TurnContext, state: Any) -> None:
        state.user.set_value("name", "Ana")
        state.conversation.set_value("topic", "tea")

    @app.event("ContinueConversation")
    async def on_continue(context: TurnContext, state: Any) -> None:
        name, topic = state.user.get_value("name"), state.conversation.get_value("topic")
        await context.send_activity(f"{name}: {topic}")

    bench.attach(app)
    await bench.receive(message("hi"))
    assert await bench.run_turn("bot") == TurnEnded(activity_id="activity-1")
    assert bench.channel.texts == ["Ana: tea"]


async def test_a_handler_has_the_applications_state(bench: Bench) -> None:
    """(context, state, value): state is loaded before and saved after."""
    app = make_app()

    @app.activity("message")
    async def on_message(context: TurnContext, state: Any) -> None:
        count = state.conversation.get_value("count") or 0
        state.conversation.set_value("count", count + 1)
        await context.send_activity(f"count {count + 1}")

    @bench.bridge.handler("add")
    async def add(context: TurnContext, state: Any, value: int) -> None:
        state.conversation.set_value("count", state.conversation.get_value("count") + value)

    bench.attach(app)
    assert await bench.say("hi") == ["count 1"]
    assert await bench.run_turn("add", 10) == TurnEnded()
    assert await bench.say("hi") == ["count 12"]


async def test_an_activity_handler_has_its_state(bench: Bench) -> None:
    """A classic bot with shared state objects reads and writes the right user's state."""
    storage = MemoryStorage()
    conversations, users = ConversationState(storage), UserState(storage)

    class Bot(ActivityHandler):
        async def on_turn(self, turn_context: Any) -> None:
            await super().on_turn(turn_context)
            await conversations.save(turn_context)
            await users.save(turn_context)

        async def on_message_activity(self, turn_context: Any) -> None:
            await conversations.create_property("topic").set(turn_context, "tea")
            await users.create_property("name").set(turn_context, "Ana")

        async def on_event_activity(self, turn_context: Any) -> None:
            name = await users.create_property("name").get(turn_context)
            topic = await conversations.create_property("topic").get(turn_context)
            await turn_context.send_activity(f"{name}: {topic}")

    bench.attach(Bot())
    await bench.receive(message("hi"))
    assert (await bench.run_turn("bot")).error is None
    assert bench.channel.texts == ["Ana: tea"]


async def test_state_is_found_under_the_sub_channel_it_was_saved_under(bench: Bench) -> None:
    """Bots keep state by the whole channel id, so the event has the sub-channel last seen."""
    app = make_app()

    @app.activity("message")
    async def on_message(context: TurnContext, state: Any) -> None:
        state.conversation.set_value("topic", "tea")

    @bench.bridge.handler("topic")
    async def topic(context: TurnContext, state: Any, value: Any) -> None:
        await context.send_activity(str(state.conversation.get_value("topic")))

    bench.attach(app)
    await bench.receive(message("hi", entities=[{"type": "ProductInfo", "id": "COPILOT"}]))
    assert (await bench.run_turn("topic")).error is None
    assert bench.channel.texts == ["tea"]


async def test_in_a_group_the_user_is_the_deliverys_own(bench: Bench) -> None:
    """With a user it is about that user, without one it is about nobody in particular."""
    bot = Echo()
    app = make_app()
    app.event("ContinueConversation")(_note_and_send(bot))
    bench.attach(app)
    await bench.receive(message("hi", conversation=group()))
    where = "conversation:19:group@thread.v2"
    assert (await bench.run_turn("bot", audience=where, user=BEN)).error is None
    assert (await bench.run_turn("bot", audience=where)).error is None
    accounts = [activity.from_property.id for activity in bot.heard]
    assert accounts == ["29:ben", "19:group@thread.v2"]
    assert [sent.activity["recipient"]["id"] for sent in bench.channel.sent] == accounts


async def test_a_bot_with_an_app_id_runs_turns_as_itself() -> None:
    """The identity of a proactive turn is the bot's own."""
    bench = Bench(bot="app-1")
    await bench.store.open()
    identities: list[Any] = []

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            identities.append(context.identity)
            await context.send_activity("hello")

    bench.attach(Bot())
    await bench.receive(message("hi"))
    assert (await bench.run_turn("bot")).error is None
    assert identities[1].get_app_id() == "app-1"
    assert bench.channel.sent[1].post.bot == "app-1"
    await bench.store.close()


async def _two(context: TurnContext, value: Any) -> None:
    await context.send_activity("one")
    await context.send_activity("two")


def _note_and_send(bot: Echo) -> Callable[[TurnContext, Any], Awaitable[None]]:
    async def route(context: TurnContext, state: Any) -> None:
        bot.heard.append(context.activity)
        await context.send_activity("to whom it may concern")

    return route
