"""A bot that promises long answers, in a whole Recado, on a channel whose time is wound by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from microsoft_agents.hosting.core import Agent, TurnContext

from recado.app import Recado
from recado.app.long_answers import LongAnswers
from recado.bot.hosting import HostedBot
from recado.config import sdk_configuration
from recado.domain.answer import AnswerState, LongAnswer
from recado.telemetry import AnswerEnded, Event
from recado.testing import HandClock, SimulatedChannel, simulate, wired
from recado.testing.record import Request

T = TypeVar("T")
Turn = Callable[[TurnContext], Awaitable[object]]


class Bot(Agent):
    """A bot whose turns a test says.

    Attributes:
        turns: what it does about a text; it repeats every other one.
    """

    def __init__(self) -> None:
        self.turns: dict[str, Turn] = {}

    async def on_turn(self, context: TurnContext) -> None:
        text = context.activity.text
        if text in self.turns:
            await self.turns[text](context)
        elif text:
            await context.send_activity(f"echo {text}")


@dataclass
class Stage:
    """Where a scene is played."""

    clock: HandClock
    channel: SimulatedChannel
    recado: Recado
    bot: Bot = field(default_factory=Bot)
    ended: list[AnswerEnded] = field(default_factory=list)

    def __post_init__(self) -> None:
        host = HostedBot(self.recado.bridge, self.bot, sdk_configuration(None))

        async def receive(activity: dict[str, Any]) -> int:
            status, _ = await host.receive(activity)
            return status

        def note(event: Event) -> None:
            if isinstance(event, AnswerEnded):
                self.ended.append(event)

        self.channel.bot = receive
        self.recado.telemetry.subscribe(note)

    @property
    def long_answers(self) -> LongAnswers:
        """What runs works."""
        return self.recado._long_answers  # noqa: SLF001 - as a restart does, in a moment

    async def stop_works(self) -> None:
        """Stop running works, as a restart does."""
        await self.long_answers.works.stop()
        await self.long_answers.typing.stop()

    def start_works(self) -> None:
        """Run them again."""
        self.long_answers.typing.start()
        self.long_answers.works.start()

    async def say(self, text: str, who: str = "a:ana", **changes: Any) -> None:
        """Let somebody say something; the turn is over when this returns."""
        room = self.channel.world.rooms.get(who)
        if room is None:
            room = self.channel.person(who.removeprefix("a:"))
        await self.channel.say(room, text, **changes)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self.clock.wait(asyncio.Event(), seconds)

    async def until(self, true: Callable[[], bool], within: float = 3600) -> None:
        """Let time pass until something is so."""
        limit = self.clock.now() + timedelta(seconds=within)
        while not true():
            assert self.clock.now() < limit, self.texts()
            await self.sleep(0.05)

    async def only(self) -> LongAnswer:
        """The one answer that was promised."""
        (answer,) = (await self.recado.answers.page()).items
        return answer

    async def over(self, state: AnswerState, within: float = 3600) -> LongAnswer:
        """Wait until the one answer has ended, and until all is said; it ended so."""
        limit = self.clock.now() + timedelta(seconds=within)
        while not (answer := await self.only()).over:
            assert self.clock.now() < limit, answer
            await self.sleep(0.05)
        assert answer.state is state, answer
        await self.quiet()
        return answer

    async def quiet(self) -> None:
        """Wait until everything that was accepted has left."""
        while sum((await self.recado.store.backlog()).waiting.values()):
            await self.sleep(0.05)

    # -- what was said

    def texts(self, who: str = "a:ana") -> list[str]:
        """What stands in a conversation."""
        return [each.text for each in self.channel.said(who) if each.text]

    def typed(self, who: str = "a:ana") -> list[datetime]:
        """When typing was shown in a conversation."""
        return [
            each.arrived_at
            for each in self.channel.requests
            if each.conversation == who and each.asked.body.get("type") == "typing"
        ]

    def edits(self) -> Sequence[Request]:
        """Requests to change a message."""
        return [each for each in self.channel.requests if each.method == "PUT"]


def play(scene: Callable[[Stage], Awaitable[T]], **settings: Any) -> T:
    """Play a scene."""
    channel_id = settings.pop("channel", "msteams")
    unpaced = {"pace": {"msteams": None, "directline": None}}

    async def main(clock: HandClock) -> T:
        channel = SimulatedChannel(clock, channel=channel_id)
        async with wired(channel, **unpaced | settings) as recado:
            return await scene(Stage(clock, channel, recado))

    return simulate(main)
