"""The middleware: what happens around turns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import TurnContext

from recado.bot.arrivals import Repeats
from recado.errors import StoreUnavailable, WaitInOwnTurn
from recado.telemetry import ServiceFailed, TurnFailed
from tests.bot.kit import Bench, Echo, activity, group, make_app, message


class Notifier(Echo):
    """A bot that says something in a conversation from within a turn."""

    def __init__(self, bench: Bench, audience: str, **options: Any) -> None:
        super().__init__()
        self._bench = bench
        self._audience = audience
        self._options = options
        self.during: list[int] = []

    async def on_turn(self, context: TurnContext) -> None:
        await self._bench.outbox.notify(self._audience, "later", **self._options)
        self.during.append(len(await self._bench.claims()))
        await super().on_turn(context)


async def test_what_a_turn_says_in_its_own_conversation_leaves_afterwards(bench: Bench) -> None:
    """The answer comes first, then the message the turn has made for its own conversation."""
    bot = Notifier(bench, "conversation:a:ana")
    bench.attach(bot)
    await bench.receive(message("hi"))
    assert bot.during == [0]
    assert await bench.deliver() == ["later"]


async def test_what_a_turn_says_elsewhere_leaves_at_once(bench: Bench) -> None:
    """Other conversations do not wait for this turn."""
    first = Echo()
    bench.attach(first)
    await bench.receive(message("hi", conversation=group()))
    bot = Notifier(bench, "conversation:19:group@thread.v2")
    bench.agent = bot
    await bench.receive(message("hi"))
    assert bot.during == [1]


async def test_a_failed_turn_releases_what_it_held(bench: Bench) -> None:
    """What was accepted is delivered even if the turn then raised."""

    class Bot(Notifier):
        async def on_turn(self, context: TurnContext) -> None:
            await super().on_turn(context)
            raise RuntimeError("broke")

    bench.attach(Bot(bench, "conversation:a:ana"))
    await bench.receive(message("hi"))
    assert await bench.deliver() == ["later"]


async def test_waiting_in_ones_own_turn_is_refused(bench: Bench) -> None:
    """It would wait for itself."""
    refused: list[Exception] = []

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            try:
                await bench.outbox.notify("conversation:a:ana", "later", wait=True)
            except WaitInOwnTurn as error:
                refused.append(error)

    bench.attach(Bot())
    await bench.receive(message("hi"))
    assert len(refused) == 1


async def test_a_store_that_cannot_release_is_told_to_telemetry(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn is not spoiled by it."""

    async def fail(turn: str) -> int:
        raise StoreUnavailable("The database is locked.")

    bench.attach(Notifier(bench, "conversation:a:ana"))
    monkeypatch.setattr(bench.store, "release_turn", fail)
    assert await bench.say("hi") == ["echo hi"]
    assert [event.service for event in bench.told(ServiceFailed)] == ["turn release"]


# -- repeated activities ---------------------------------------------------------------------


async def test_an_activity_sent_again_is_not_run_again(bench: Bench) -> None:
    """Teams repeats a message that takes long; it is accepted and nothing more."""
    bot = Echo()
    bench.attach(bot)
    told = message("run")
    assert (await bench.receive(told)).status_code == 202
    assert (await bench.receive(told)).status_code == 202
    await bench.receive(told | {"id": "other"})
    await bench.receive(told | {"conversation": group()})
    assert len(bot.heard) == 3


async def test_an_activity_sent_again_during_its_turn_is_not_run_again(bench: Bench) -> None:
    """Not even while the first is under way, which is when channels repeat."""
    going, go = asyncio.Event(), asyncio.Event()

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            self.heard.append(context.activity)
            going.set()
            await go.wait()

    bot = Bot()
    bench.attach(bot)
    told = message("run")
    first = asyncio.create_task(bench.receive(told))
    await going.wait()
    await bench.receive(told)
    go.set()
    await first
    assert len(bot.heard) == 1


@pytest.mark.parametrize("style", ["plain", "app"])
async def test_a_failed_activity_may_come_again(bench: Bench, style: str) -> None:
    """If the turn raised, a repetition is a second chance."""
    heard: list[str | None] = []
    app = make_app()

    @app.error
    async def on_error(context: TurnContext, error: Exception) -> None: ...

    @app.activity("message")
    async def on_message(context: TurnContext, state: Any) -> None:
        heard.append(context.activity.text)
        raise RuntimeError("broke")

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            heard.append(context.activity.text)
            raise RuntimeError("broke")

    bench.attach(app if style == "app" else Bot())
    told = message("run")
    await bench.receive(told)
    await bench.receive(told)
    assert heard == ["run", "run"]


@pytest.mark.parametrize(
    "told",
    [
        activity("invoke", name="task/fetch"),
        activity("messageUpdate", text="edited"),
        activity("conversationUpdate"),
        message("hi", deliveryMode="expectReplies"),
        message("hi", id=None),
    ],
)
async def test_what_ids_do_not_name_is_run_each_time(bench: Bench, told: dict[str, Any]) -> None:
    """Answers in the response are owed again, and some ids are shared by several activities."""
    bot = Echo()
    bench.attach(bot)
    await bench.receive(told)
    await bench.receive(told)
    assert len(bot.heard) == 2


def test_memory_of_repetitions_is_bounded() -> None:
    """The oldest is forgotten first."""
    repeats = Repeats(remembered=2)
    told = [Activity.model_validate(message("hi")) for _ in range(3)]
    assert [repeats.admit(each) for each in told] == [True, True, True]
    assert [repeats.admit(each) for each in reversed(told)] == [False, False, True]


# -- faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["plain", "app", "app with handler"])
async def test_a_failed_inbound_turn_is_reported_once(bench: Bench, style: str) -> None:
    """And handled as without Recado: by the application's handlers, or by on_turn_error."""
    app = make_app()

    @app.activity("message")
    async def on_message(context: TurnContext, state: Any) -> None:
        raise RuntimeError("broke")

    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            raise RuntimeError("broke")

    bench.attach(Bot() if style == "plain" else app)
    if style == "app with handler":

        @app.error
        async def on_error(context: TurnContext, error: Exception) -> None:
            await context.send_activity("own apology")

    said = await bench.say("hi")
    expected = "own apology" if style == "app with handler" else "Exception caught : broke"
    assert said == [expected]
    (failed,) = bench.told(TurnFailed)
    assert (failed.proactive, failed.error) == (False, "RuntimeError: broke")


async def test_an_inbound_activity_without_recipient_is_answered(bench: Bench) -> None:
    """Some Direct Line servers leave it out."""
    app = make_app()

    @app.conversation_update("membersAdded")
    async def on_added(context: TurnContext, state: Any) -> None:
        await context.send_activity("hello")

    bench.attach(app)
    told = activity("conversationUpdate", membersAdded=[{"id": "29:ana"}], recipient=None)
    assert (await bench.receive(told)).status_code == 202
    assert bench.channel.texts == ["hello"]
    assert bench.channel.sent[0].activity["from"] == {"id": "local", "role": "bot"}


# -- turns the bot makes by itself -----------------------------------------------------------


async def test_a_turn_within_a_turn_belongs_to_it(bench: Bench) -> None:
    """Continuing one's own conversation within a turn neither waits nor ends the turn early."""

    class Bot(Notifier):
        async def on_turn(self, context: TurnContext) -> None:
            reference = context.activity.get_conversation_reference()
            await bench.adapter.continue_conversation(
                "local", reference.get_continuation_activity(), super().on_turn
            )
            self.during.append(len(await bench.claims()))

    bot = Bot(bench, "conversation:a:ana")
    bench.attach(bot)
    await bench.receive(message("hi"))
    assert bot.during == [0, 0]
    assert await bench.deliver() == ["later"]


async def test_what_a_bots_own_proactive_turn_sends_is_no_reply(bench: Bench) -> None:
    """The event a bot builds itself is unknown to the channel as well."""
    echo = Echo()
    bench.attach(echo)
    await bench.receive(message("hi"))
    reference = echo.heard[0].get_conversation_reference()

    async def callback(context: TurnContext) -> None:
        await context.send_activity("by myself")

    await bench.adapter.continue_conversation(
        "local", reference.get_continuation_activity(), callback
    )
    assert bench.channel.sent[1].text == "by myself"
    assert "replyToId" not in bench.channel.sent[1].activity


async def test_an_error_in_a_turn_within_a_deliverys_turn_is_on_its_record(bench: Bench) -> None:
    """There too nobody reads an apology."""

    async def broken(context: TurnContext) -> None:
        raise RuntimeError("inner")

    @bench.bridge.handler("outer")
    async def outer(context: TurnContext, value: Any) -> None:
        reference = context.activity.get_conversation_reference()
        await bench.adapter.continue_conversation(
            "local", reference.get_continuation_activity(), broken
        )

    bench.attach(Echo())
    await bench.receive(message("hi"))
    ended = await bench.run_turn("outer")
    assert ended.error == "RuntimeError: inner"
    assert bench.channel.texts == ["echo hi"]


async def test_a_task_that_outlives_a_delivery_just_sends(bench: Bench) -> None:
    """What is sent after the turn has ended is no numbered send of it."""
    ended, tasks = asyncio.Event(), []

    @bench.bridge.handler("start")
    async def start(context: TurnContext, value: Any) -> None:
        async def later() -> None:
            await ended.wait()
            await context.send_activity("afterwards")

        tasks.append(asyncio.create_task(later()))

    bench.attach(Echo())
    await bench.receive(message("hi"))
    assert (await bench.run_turn("start")).error is None
    ended.set()
    await asyncio.gather(*tasks)
    assert bench.channel.sent[-1].text == "afterwards"
    assert bench.channel.sent[-1].post.key is None
