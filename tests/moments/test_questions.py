"""Questions: whom an answer goes to, and what it does not touch."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from microsoft_agents.hosting.core import TurnContext
from microsoft_agents.hosting.core.app.state import TurnState

from recado.bot.storage import RecadoStorage
from recado.channel.hosts import HostRules
from recado.domain.delivery import Evidence
from recado.store.port import Observed, Store, Wanted
from recado.testing import HandClock
from tests.bot.kit import BEN, Bench, Echo, _settled, group, make_app
from tests.state.dialog_bot import OrderBot, said_in

ANA = "conversation:a:ana"
CARD = "application/vnd.microsoft.card.adaptive"


class Desk(Bench):
    """A bot that asks, and what its handler was told."""

    def __init__(self, store: Store, clock: HandClock) -> None:
        super().__init__(store=store, clock=clock)
        self.heard: list[dict[str, Any]] = []
        self.fails = False

        @self.bridge.handler("size")
        async def size(context: TurnContext, value: dict[str, Any]) -> None:
            if self.fails:
                raise RuntimeError("failed")
            self.heard.append(value)
            await context.send_activity(f"size {value['answer']}")

    @property
    def answers(self) -> list[Any]:
        return [each["answer"] for each in self.heard]

    async def ask(self, content: Any = "Which size?", to: str = ANA, **more: Any) -> str:
        """Ask something; the receipt of the question."""
        options = {"answer_handler": "size"} | more
        handle = await self.outbox.notify(to, content, **options)
        (claim,) = await self.claims()
        receipt = f"receipt of {handle.id}"
        settled = replace(
            _settled(claim, self.clock), evidence=Evidence(status=201, activity_id=receipt)
        )
        now = self.clock.now()
        await self.store.cycle(
            [settled],
            owner="test",
            now=now,
            lease_until=now,
            wanted=Wanted(),
            observed=Observed(),
        )
        self.clock.advance(1)
        return receipt

    async def sent(self) -> dict[str, Any]:
        """The activity of the one delivery that is due, as it goes out."""
        claim = await self.claim()
        activity: dict[str, Any] = json.loads(claim.content or "{}")
        await self.settle([claim])
        return activity


@pytest.fixture
async def desk(store: Store, clock: HandClock) -> AsyncIterator[Desk]:
    """An echo bot that somebody has written to."""
    made = Desk(store, clock)
    made.attach(Echo())
    await made.say("hello")
    made.clock.advance(1)
    yield made
    await made.bridge.finish()


async def test_the_next_message_is_the_answer(desk: Desk) -> None:
    """It goes to the handler with what was given for it, and the bot does not see it."""
    receipt = await desk.ask(answer_value={"order": 17})
    assert await desk.say("Big, please") == ["size Big, please"]
    (told,) = desk.heard
    assert told["value"] == {"order": 17}
    assert receipt.endswith(told["question"])
    assert told["delivery"]
    assert await desk.say("thanks") == ["echo thanks"]


async def test_only_the_next_message_is(desk: Desk) -> None:
    """Once the bot was given another one, a plain message is not about the question any more."""
    await desk.ask()
    desk.bridge._questions._handlers._handlers.clear()  # noqa: SLF001 - a process without it
    desk.bridge.handler("other")(_nothing)
    assert await desk.say("what?") == ["echo what?"]
    desk.clock.advance(1)
    desk.bridge.handler("size")(_nothing)
    assert await desk.say("big") == ["echo big"]


async def _nothing(context: TurnContext, value: Any) -> None:
    await context.send_activity("nothing")


async def test_the_newest_question_is_answered_first(desk: Desk) -> None:
    """Then the one before it, as long as nothing else was said."""
    await desk.ask(answer_value=1)
    await desk.ask(answer_value=2)
    await desk.say("a")
    desk.clock.advance(1)
    await desk.say("b")
    assert [(each["value"], each["answer"]) for each in desk.heard] == [(2, "a"), (1, "b")]
    assert await desk.say("c") == ["echo c"]


async def test_a_reply_answers_what_it_replies_to(desk: Desk) -> None:
    """However old, and whatever was said since; a reply to something else answers nothing."""
    first = await desk.ask(answer_value=1)
    await desk.ask(answer_value=2)
    assert await desk.say("no", replyToId="elsewhere") == ["echo no"]
    desk.clock.advance(1)
    await desk.say("hello again")
    await desk.say("big", replyToId=first)
    assert [(each["value"], each["answer"]) for each in desk.heard] == [(1, "big")]


async def test_a_button_answers_with_what_was_entered(desk: Desk) -> None:
    """The card's own data are there, ours are not; it need not say which message it belongs to."""
    card = {
        "type": "AdaptiveCard",
        "body": [{"type": "Input.Text", "id": "size"}],
        "actions": [
            {"type": "Action.Submit", "title": "OK", "data": {"kind": "order"}},
            {"type": "Action.OpenUrl", "url": "https://example.com"},
        ],
    }
    content = {"attachments": [{"contentType": CARD, "content": card}]}
    await desk.outbox.notify(ANA, content, answer_handler="size")
    activity = await desk.sent()
    pressed, other = activity["attachments"][0]["content"]["actions"]
    assert other == card["actions"][1]
    desk.clock.advance(1)
    await desk.ask("Something else?", answer_value="newer")
    await desk.say(None, value=pressed["data"] | {"size": "big"})
    assert desk.answers == [{"kind": "order", "size": "big"}]
    assert desk.heard[0]["value"] is None
    # A second press finds nothing to answer and is no business of the bot's.
    said = await desk.say(None, value=pressed["data"] | {"size": "small"}, locale="es-ES")
    assert said == ["Eso ya se ha respondido, o su plazo ha terminado."]
    assert len(desk.heard) == 1


async def test_a_button_without_our_mark_is_the_bots(desk: Desk) -> None:
    """Unless it is a reply to the question."""
    receipt = await desk.ask()
    assert await desk.say("x", value={"size": "big"}) == ["echo x"]
    await desk.say(None, value={"size": "big"}, replyToId=receipt)
    assert desk.answers == [{"size": "big"}]


async def test_an_activity_that_comes_again_answers_once(desk: Desk, clock: HandClock) -> None:
    """To this process, or to one that knows nothing of the first time."""
    await desk.ask()
    await desk.ask()
    await desk.say("big", id="1700")
    await desk.say("big", id="1700")
    other = Desk(desk.store, clock)
    other.attach(Echo())
    assert await other.say("big", id="1700") == []
    assert (desk.answers, other.answers) == (["big"], [])
    await other.bridge.finish()


async def test_a_question_whose_answer_was_not_heard_is_open(desk: Desk) -> None:
    """The handler failed; what is said next may be the answer."""
    await desk.ask()
    desk.fails = True
    await desk.say("big")
    assert desk.answers == []
    desk.fails = False
    desk.clock.advance(1)
    await desk.say("big!")
    assert desk.answers == ["big!"]


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({"answer_within": timedelta(minutes=1)}, 60),
        ({"expires": timedelta(minutes=2)}, 120),
        ({}, 24 * 3600),
    ],
)
async def test_an_answer_after_its_time_is_the_bots(
    desk: Desk, options: dict[str, Any], seconds: int
) -> None:
    """The question has its own time, its notification's, or a day."""
    await desk.ask(**options)
    await desk.ask(**options)
    desk.clock.advance(seconds - 3)
    await desk.say("in time")
    desk.clock.advance(5)
    assert await desk.say("too late") == ["echo too late"]
    assert desk.answers == ["in time"]


async def test_a_process_without_the_handler_leaves_it_to_the_bot(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """And says so in the log."""
    await desk.ask(answer_handler="elsewhere")
    with caplog.at_level(logging.WARNING, "recado.bot"):
        assert await desk.say("big") == ["echo big"]
    assert "no handler is named 'elsewhere' here" in caplog.text


async def test_a_question_to_one_person_is_theirs_to_answer(desk: Desk) -> None:
    """In a group others may say what they like."""
    chat = group()
    await desk.say("hello", conversation=chat)
    desk.clock.advance(1)
    await desk.ask(to=f"conversation:{chat['id']}", user={"id": "29:ana"})
    assert await desk.say("I know!", conversation=chat, **{"from": BEN}) == ["echo I know!"]
    receipt = await desk.ask(to=f"conversation:{chat['id']}", user={"id": "29:ana"})
    said = await desk.say("me", conversation=chat, replyToId=receipt, **{"from": BEN})
    assert said == ["echo me"]
    desk.clock.advance(1)
    receipt = await desk.ask(to=f"conversation:{chat['id']}", user={"id": "29:ana"})
    await desk.say("<at>Bot</at> big", conversation=chat)
    assert desk.answers == ["big"]


class Thanks:
    """A part that knows one word."""

    def __init__(self, *, in_dialogs: bool) -> None:
        self.in_dialogs = in_dialogs

    async def take(self, context: TurnContext) -> bool:
        if context.activity.text != "thanks":
            return False
        await context.send_activity("you are welcome")
        return True


async def test_what_parts_know_is_no_answer(desk: Desk) -> None:
    """Unless it is a reply; and the question stays open."""
    receipt = await desk.ask()
    desk.bridge.parts.add(Thanks(in_dialogs=True))
    assert await desk.say("thanks") == ["you are welcome"]
    desk.clock.advance(1)
    assert await desk.say("big") == ["size big"]
    receipt = await desk.ask()
    assert await desk.say("thanks", replyToId=receipt) == ["size thanks"]


@pytest.fixture
async def order(store: Store, clock: HandClock) -> AsyncIterator[Desk]:
    """A bot with a dialog whose state is in the same database."""
    made = Desk(store, clock)
    rules = HostRules(allow_loopback=True)
    storage = RecadoStorage(store, bot="local", check_service_url=rules.check)
    made.attach(OrderBot(storage))
    yield made
    await made.bridge.finish()


async def say(desk: Desk, text: str, **changes: Any) -> list[str | None]:
    """What the bot says to that, without the traces of its dialogs."""
    desk.channel.sent.clear()
    await desk.say(text, **changes)
    desk.clock.advance(1)
    return said_in(desk.channel)


async def test_an_interrupted_dialog_resumes_untouched(order: Desk) -> None:
    """A plain message is the dialog's; a reply is the question's, and the dialog sees nothing."""
    assert await say(order, "hi") == ["Who are you?"]
    receipt = await order.ask("Which size of hat?")
    assert await say(order, "Ana") == ["Which size? (1) small or (2) large"]
    assert await say(order, "enormous", replyToId=receipt) == ["size enormous"]
    assert await say(order, "big") == ["How many?"]
    late = await order.ask("Which size of hat?")
    assert await say(order, "tiny", replyToId=late) == ["size tiny"]
    assert await say(order, "seven") == ["Ana: 7 large"]
    # Nothing waits any more, so what comes next after a question answers it.
    await order.ask("Which size of hat?")
    assert await say(order, "small") == ["size small"]
    assert await say(order, "hi") == ["Who are you?"]


async def test_parts_are_told_of_a_dialog(order: Desk) -> None:
    """Those that are not for dialogs wait until there is none."""
    order.bridge.parts.add(Thanks(in_dialogs=False))
    assert await say(order, "hi") == ["Who are you?"]
    assert await say(order, "thanks") == ["Which size? (1) small or (2) large"]
    assert await say(order, "big") == ["How many?"]
    assert await say(order, "seven") == ["thanks: 7 large"]
    assert await say(order, "thanks") == ["you are welcome"]


async def test_a_handler_may_have_the_applications_state(store: Store, clock: HandClock) -> None:
    """It is loaded for it, and saved after it."""
    desk = Desk(store, clock)
    app = make_app()
    desk.attach(app)
    seen: list[Any] = []

    async def colour(context: TurnContext, state: TurnState, value: dict[str, Any]) -> None:
        seen.append((state.get_value("ConversationState.colour"), value["answer"]))
        state.set_value("ConversationState.colour", value["answer"])

    desk.bridge.handler("colour")(colour)
    await desk.say("hello")
    for said in ("red", "blue"):
        desk.clock.advance(1)
        await desk.ask(answer_handler="colour")
        await desk.say(said)
    assert seen == [(None, "red"), ("red", "blue")]
    await desk.bridge.finish()
