"""A bot with dialogs: a waterfall of prompts in a component, which takes three answers.

Run as a program it handles one message against a database and ends, so that every message of a
conversation is handled by another process.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from microsoft_agents.hosting.core import (
    ActivityHandler,
    ConversationState,
    MessageFactory,
    Storage,
)
from microsoft_agents.hosting.dialogs import (
    ComponentDialog,
    DialogExtensions,
    DialogTurnResult,
    NumberPrompt,
    PromptOptions,
    TextPrompt,
    WaterfallDialog,
    WaterfallStepContext,
)
from microsoft_agents.hosting.dialogs.choices import Choice, FoundChoice, ListStyle
from microsoft_agents.hosting.dialogs.prompts import ChoicePrompt

from recado import Recado, Settings
from recado.domain.ids import new_id
from recado.testing import FakeChannel
from tests.bot.kit import Request, make_adapter, message


def _ask(text: str, **more: Any) -> PromptOptions:
    return PromptOptions(
        prompt=MessageFactory.text(text),
        retry_prompt=MessageFactory.text(f"Sorry? {text}"),
        **more,
    )


class Order(ComponentDialog):
    """Asks for a name, a size and a number."""

    def __init__(self) -> None:
        super().__init__("order")
        # The first one is what the component begins with.
        steps = [self.name, self.size, self.number, self.finish]
        self.add_dialog(WaterfallDialog("steps", steps))
        self.add_dialog(TextPrompt("name"))
        self.add_dialog(ChoicePrompt("size"))
        self.add_dialog(NumberPrompt("number", default_locale="en-us"))

    async def name(self, step: WaterfallStepContext) -> DialogTurnResult:
        return await step.prompt("name", _ask("Who are you?"))

    async def size(self, step: WaterfallStepContext) -> DialogTurnResult:
        step.values["name"] = step.result
        choices = [Choice("small"), Choice("large", synonyms=["big"])]
        return await step.prompt(
            "size", _ask("Which size?", choices=choices, style=ListStyle.in_line)
        )

    async def number(self, step: WaterfallStepContext) -> DialogTurnResult:
        step.values["size"] = step.result
        return await step.prompt("number", _ask("How many?"))

    async def finish(self, step: WaterfallStepContext) -> DialogTurnResult:
        size = step.values["size"]
        assert isinstance(size, FoundChoice)
        await step.context.send_activity(f"{step.values['name']}: {step.result} {size.value}")
        ended: DialogTurnResult = await step.end_dialog()
        return ended


class OrderBot(ActivityHandler):
    """Runs the dialog, with the whole of its state in a storage."""

    def __init__(self, storage: Storage) -> None:
        self._conversations = ConversationState(storage)
        self._dialog_state = self._conversations.create_property("DialogState")

    async def on_turn(self, turn_context: Any) -> None:
        await super().on_turn(turn_context)
        await self._conversations.save(turn_context)

    async def on_message_activity(self, turn_context: Any) -> None:
        await DialogExtensions.run_dialog(Order(), turn_context, self._dialog_state)


def said_in(channel: FakeChannel) -> list[str | None]:
    """What a bot said, without the traces of its dialogs."""
    return [sent.text for sent in channel.sent if sent.activity["type"] != "trace"]


async def answer(database_url: str, text: str) -> list[str | None]:
    """Handle one message in a process of its own, as it were; what the bot says."""
    channel = FakeChannel()
    recado = Recado(Settings(database_url=database_url), channel=channel)
    await recado.open()
    try:
        adapter, bot = make_adapter(), OrderBot(recado.storage())
        recado.attach(adapter, bot)
        await adapter.process_request(Request(message(text, id=new_id())), bot)
    finally:
        await recado.stop()
    return said_in(channel)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(answer(*sys.argv[1:]))))
