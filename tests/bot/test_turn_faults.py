"""Turn deliveries that do not end well: what is on record, and what people read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import (
    Agent,
    AgentApplication,
    TurnContext,
)

from recado.bot.turns import BotTurns
from recado.domain.policy import Answer, Failure
from recado.engine.port import TurnEnded
from recado.errors import ChannelError, StoreUnavailable
from recado.telemetry import TurnFailed
from recado.testing import make_sighting
from tests.bot.kit import Bench, Echo, make_app, message

Logic = Callable[[TurnContext], Awaitable[Any]]


class Breaking:
    """Middleware that raises in proactive turns."""

    async def on_turn(self, context: TurnContext, logic: Logic) -> None:
        if context.activity.name == "ContinueConversation":
            raise RuntimeError("middleware broke")
        await logic(context)


@pytest.mark.parametrize("style", ["plain", "app", "app with handlers"])
@pytest.mark.parametrize("where", ["handler", "middleware", "bot"])
async def test_an_error_is_recorded_and_nobody_reads_an_apology(
    bench: Bench, style: str, where: str
) -> None:
    """Neither on_turn_error nor @app.error runs in a proactive turn."""
    apologies: list[Exception] = []
    agent: Agent = _breaking_bot() if style == "plain" else _breaking_app()
    if style == "app with handlers":
        _apologise(agent, apologies)  # before attaching

    @bench.bridge.handler("handler")
    async def handler(context: TurnContext, value: Any) -> None:
        raise RuntimeError("handler broke")

    bench.attach(agent)
    if style == "app with handlers":
        _apologise(agent, apologies)  # and after
    await bench.receive(message("hi"))
    if where == "middleware":
        bench.adapter.use(Breaking())
    ended = await bench.run_turn("bot" if where == "bot" else "handler")
    assert ended == TurnEnded(error=f"RuntimeError: {where} broke")
    assert apologies == []
    assert bench.channel.sent == []
    assert [(event.proactive, event.conversation_id) for event in bench.told(TurnFailed)] == [
        (True, "a:ana")
    ]


async def test_sends_are_not_repeated_when_a_turn_is_run_again(bench: Bench) -> None:
    """After an error behind the first of two sends, the second attempt sends only the second."""
    broken = [True]
    ids: list[str | None] = []

    @bench.bridge.handler("half")
    async def half(context: TurnContext, value: Any) -> None:
        ids.append((await context.send_activity("first")).id)
        if broken:
            broken.clear()
            raise RuntimeError("in between")
        await context.send_activity("second")

    bench.attach(Echo())
    await bench.receive(message("hi"))
    await bench.outbox.notify("conversation:a:ana", handler="half")
    claim = await bench.claim()
    failed = await bench.bridge.turns.run(claim)
    assert failed == TurnEnded(error="RuntimeError: in between", activity_id="activity-2")
    assert await bench.bridge.turns.run(claim) == TurnEnded(activity_id="activity-3")
    assert bench.channel.texts == ["echo hi", "first", "second"]
    assert ids == ["activity-2", "activity-2"]
    keys = [sent.post.key for sent in bench.channel.sent]
    assert keys == [None, f"{claim.delivery_id}/1", f"{claim.delivery_id}/2"]


async def test_a_send_is_recorded_before_the_turn_goes_on(bench: Bench) -> None:
    """What the channel took is on record before the code behind it runs."""
    recorded: list[dict[int, str | None]] = []

    @bench.bridge.handler("check")
    async def check(context: TurnContext, value: Any) -> None:
        await context.send_activity("one")
        recorded.append(await bench.store.recorded_sends(context.activity.id or ""))

    bench.attach(Echo())
    await bench.receive(message("hi"))
    assert (await bench.run_turn("check")).error is None
    assert recorded == [{1: "activity-2"}]


async def test_edits_and_removals_are_numbered_too(bench: Bench) -> None:
    """Run again, a turn does not edit or remove what it has edited or removed already."""
    broken = [True]

    @bench.bridge.handler("steps")
    async def steps(context: TurnContext, value: Any) -> None:
        first = await context.send_activity("working")
        await context.send_activity(Activity(type="typing"))
        await context.update_activity(Activity(type="message", id=first.id, text="nearly"))
        await context.delete_activity(first.id)
        if broken:
            broken.clear()
            raise RuntimeError("late")

    bench.attach(Echo())
    await bench.receive(message("hi"))
    await bench.outbox.notify("conversation:a:ana", handler="steps")
    claim = await bench.claim()
    assert (await bench.bridge.turns.run(claim)).error == "RuntimeError: late"
    assert await bench.bridge.turns.run(claim) == TurnEnded(activity_id="activity-2")
    done = [(sent.post.method, sent.activity.get("type")) for sent in bench.channel.sent[1:]]
    assert done == [
        ("POST", "message"),
        ("POST", "typing"),
        ("PUT", "message"),
        ("DELETE", None),
        ("POST", "typing"),  # not worth a record
    ]
    assert "replyToId" not in bench.channel.sent[3].activity


REFUSED = Answer(
    status=403, code="Forbidden", sub_code="MessageWritesBlocked", message="no", retry_after=3.0
)


async def test_the_channels_refusal_is_handed_to_the_engine(bench: Bench) -> None:
    """A send that fails ends the turn with the channel's answer, told from an error of code."""
    bench.bridge.handler("two")(_two)
    bench.attach(Echo())
    await bench.receive(message("hi"))
    bench.channel.answers.extend([Answer(status=201, activity_id="x"), REFUSED])
    ended = await bench.run_turn("two")
    assert ended == TurnEnded(answer=REFUSED, activity_id="x")
    assert bench.told(TurnFailed) == []


async def test_a_refusal_the_code_takes_care_of_is_none(bench: Bench) -> None:
    """Code may catch ChannelError, which carries all the channel said, and go on."""
    caught: list[ChannelError] = []

    @bench.bridge.handler("careful")
    async def careful(context: TurnContext, value: Any) -> None:
        try:
            await context.send_activity("a card")
        except ChannelError as error:
            caught.append(error)
            await context.send_activity("plain text")

    bench.attach(Echo())
    await bench.receive(message("hi"))
    bench.channel.answers.append(REFUSED)
    assert await bench.run_turn("careful") == TurnEnded(activity_id="activity-2")
    (error,) = caught
    assert (error.status, error.channel_code, error.sub_code, error.retry_after) == (
        403,
        "Forbidden",
        "MessageWritesBlocked",
        3.0,
    )


async def test_an_unanswered_send_is_ambiguous(bench: Bench) -> None:
    """When no answer arrived the engine learns that the channel may have it."""
    bench.bridge.handler("two")(_two)
    bench.attach(Echo())
    await bench.receive(message("hi"))
    bench.channel.answers.append(Answer(failure=Failure.AMBIGUOUS))
    ended = await bench.run_turn("two")
    assert ended.answer == Answer(failure=Failure.AMBIGUOUS)


async def test_a_turn_has_a_time_limit(bench: Bench) -> None:
    """A handler that never ends is ended, and the record says so."""
    never = asyncio.Event()

    @bench.bridge.handler("endless")
    async def endless(context: TurnContext, value: Any) -> None:
        await never.wait()

    bench.attach(Echo())
    await bench.receive(message("hi"))
    turns = BotTurns(
        bench.bridge.handlers,
        bench.store,
        bench.telemetry,
        bot="local",
        limit=timedelta(milliseconds=10),
    )
    turns.attach(bench.adapter, Echo())
    await bench.outbox.notify("conversation:a:ana", handler="endless")
    ended = await turns.run(await bench.claim())
    assert ended.error == "TimeoutError: The turn did not end within 0:00:00.010000."


async def test_a_send_cut_off_by_the_limit_is_ambiguous(bench: Bench) -> None:
    """What was on the wire when the time was up may have arrived."""
    bench.bridge.handler("two")(_two)
    bench.attach(Echo())
    await bench.receive(message("hi"))
    turns = BotTurns(
        bench.bridge.handlers,
        bench.store,
        bench.telemetry,
        bot="local",
        limit=timedelta(milliseconds=10),
    )
    turns.attach(bench.adapter, Echo())
    await bench.outbox.notify("conversation:a:ana", handler="two")
    bench.channel.open.clear()
    ended = await turns.run(await bench.claim())
    assert ended.answer is not None
    assert ended.answer.failure is Failure.AMBIGUOUS


@pytest.mark.parametrize(
    ("verb", "failure"),
    [("recorded_sends", Failure.NOT_SENT), ("record_send", Failure.AMBIGUOUS)],
)
async def test_trouble_with_the_store_is_not_the_handlers(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, verb: str, failure: Failure
) -> None:
    """Before the turn nothing was sent; after a send nobody would know that it was."""

    async def fail(*_: object) -> None:
        raise StoreUnavailable("The database is locked.")

    bench.bridge.handler("two")(_two)
    bench.attach(Echo())
    await bench.receive(message("hi"))
    monkeypatch.setattr(bench.store, verb, fail)
    ended = await bench.run_turn("two")
    assert ended.answer == Answer(failure=failure, message="The database is locked.")
    assert bench.told(TurnFailed) == []


async def test_what_cannot_be_run_ends_with_an_error(bench: Bench) -> None:
    """An unknown handler, or no bot: the engine is told, nothing is raised."""
    await bench.references.remember(make_sighting("a:ana"))
    await bench.outbox.notify("conversation:a:ana", handler="missing")
    claim = await bench.claim()
    assert list(bench.bridge.turns.names()) == []
    assert "No bot is attached" in str((await bench.bridge.turns.run(claim)).error)
    bench.attach(Echo())
    assert list(bench.bridge.turns.names()) == ["bot"]
    assert "No handler is named 'missing'" in str((await bench.bridge.turns.run(claim)).error)


async def _two(context: TurnContext, value: Any) -> None:
    await context.send_activity("one")
    await context.send_activity("two")


def _breaking_bot() -> Echo:
    class Bot(Echo):
        async def on_turn(self, context: TurnContext) -> None:
            if context.activity.name == "ContinueConversation":
                raise RuntimeError("bot broke")

    return Bot()


def _breaking_app() -> AgentApplication[Any]:
    app = make_app()

    @app.event("ContinueConversation")
    async def on_continue(context: TurnContext, state: Any) -> None:
        raise RuntimeError("bot broke")

    return app


def _apologise(agent: object, apologies: list[Exception]) -> None:
    assert isinstance(agent, AgentApplication)

    @agent.error
    async def on_error(context: TurnContext, error: Exception) -> None:
        apologies.append(error)
        await context.send_activity("Sorry!")
